package dev.coppice.probe;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.Kernel;
import dev.coppice.probe.ProbeResult.Outcome;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TlsProbeTest {
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private final Kernel kernel = Kernel.start();
    private final Prober prober = new Prober(kernel, ProberOptions.DEFAULT);

    @TempDir
    Path folder;

    @AfterEach
    void stop() {
        kernel.close();
    }

    private ScriptedServer serve(TestCertificates certificates) throws Exception {
        return new ScriptedServer(kernel, certificates.listen(), (socket, number) -> {
            ScriptedServer.readHead(socket);
            socket.getOutputStream().write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".getBytes(UTF_8));
        });
    }

    private ProbeResult tls(ScriptedServer server, String host, TlsOptions options, int days) throws Exception {
        return prober.probe(
                new ProbeSpec.Tls(host, server.port(), options, Duration.ofDays(days), AddressFamily.ONLY_IPV4),
                TIMEOUT);
    }

    @Test
    void judgesChainNameAndValidity() throws Exception {
        var certificates = TestCertificates.make(folder, "-1d", 31);
        var trusted = TlsOptions.DEFAULT.withCaPem(certificates.pem());
        try (var server = serve(certificates)) {
            var fine = tls(server, "localhost", trusted, 14);
            assertThat(fine.reason()).isEmpty();
            assertThat(fine.tls().verified()).isTrue();
            assertThat(fine.tls().version()).isEqualTo("TLSv1.3");
            assertThat(fine.tls().subject()).isEqualTo("CN=localhost");
            assertThat(fine.tls().alternativeNames()).containsExactlyInAnyOrder("localhost", "127.0.0.1");
            assertThat(fine.tls().fingerprint()).hasSize(64);
            assertThat(tls(server, "127.0.0.1", trusted, 14).reason()).isEmpty();
            assertThat(tls(server, "localhost", trusted, 60).reason())
                    .startsWith("a certificate expires at ")
                    .endsWith("in 29 days, less than 60 days");
            assertThat(tls(server, "localhost", TlsOptions.DEFAULT, 14).reason())
                    .isEqualTo("the certificate does not verify: it was not issued by a trusted authority");
            assertThat(tls(server, "localhost", trusted.withServerName("other.example"), 14)
                            .reason())
                    .contains("does not verify: No subject alternative DNS name matching other.example");
            var skipped = tls(server, "localhost", TlsOptions.UNVERIFIED, 14);
            assertThat(skipped.reason()).isEmpty();
            assertThat(skipped.tls().verified()).isFalse();
        }
    }

    @Test
    void tellsAnExpiredCertificate() throws Exception {
        var certificates = TestCertificates.make(folder, "-10d", 3);
        try (var server = serve(certificates)) {
            var result = tls(server, "localhost", TlsOptions.DEFAULT.withCaPem(certificates.pem()), 14);
            assertThat(result.success()).isFalse();
            assertThat(result.reason()).contains("expired");
            assertThat(result.tls().earliestExpiry()).isBefore(kernel.clock().now());
        }
    }

    @Test
    void seesANewCertificateAtOnce() throws Exception {
        var before = TestCertificates.make(folder, "-1d", 31);
        var after = TestCertificates.make(folder, "-1d", 61);
        var contexts = List.of(before.context(), after.context());
        try (var server = new ScriptedServer(kernel, (socket, number) -> {
            var secure = (javax.net.ssl.SSLSocket) contexts.get(number - 1)
                    .getSocketFactory()
                    .createSocket(socket, "localhost", socket.getPort(), true);
            secure.setUseClientMode(false);
            ScriptedServer.readHead(secure);
        })) {
            var first = tls(server, "localhost", TlsOptions.UNVERIFIED, 1).tls().fingerprint();
            var second =
                    tls(server, "localhost", TlsOptions.UNVERIFIED, 1).tls().fingerprint();
            assertThat(first).hasSize(64);
            assertThat(second).hasSize(64).isNotEqualTo(first);
        }
    }

    @Test
    void speaksHttps() throws Exception {
        var certificates = TestCertificates.make(folder, "-1d", 31);
        try (var server = serve(certificates)) {
            var url = "https://localhost:" + server.port() + "/";
            var result = prober.probe(
                    ProbeSpec.Http.builder(url)
                            .tls(TlsOptions.DEFAULT.withCaPem(certificates.pem()))
                            .tlsRequirement(ProbeSpec.TlsRequirement.REQUIRED)
                            .build(),
                    TIMEOUT);
            assertThat(result.reason()).isEmpty();
            assertThat(result.excerpt()).isEqualTo("ok");
            assertThat(result.tls().earliestExpiry()).isNotNull();
            assertThat(result.phases().tls()).isPositive();
            var untrusted = prober.probe(ProbeSpec.Http.get(url), TIMEOUT);
            assertThat(untrusted.outcome()).isEqualTo(Outcome.TLS_FAILED);
        }
    }

    @Test
    void sendsAClientCertificate() throws Exception {
        var certificates = TestCertificates.make(folder, "-1d", 31);
        var context = javax.net.ssl.SSLContext.getInstance("TLS");
        var keys = javax.net.ssl.KeyManagerFactory.getInstance("PKIX");
        var store = java.security.KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setCertificateEntry(
                "client",
                java.security.cert.CertificateFactory.getInstance("X.509")
                        .generateCertificate(new java.io.ByteArrayInputStream(
                                certificates.pem().getBytes(UTF_8))));
        var trust = javax.net.ssl.TrustManagerFactory.getInstance("PKIX");
        trust.init(store);
        var own = java.security.KeyStore.getInstance("PKCS12");
        try (var in = java.nio.file.Files.newInputStream(
                java.nio.file.Files.list(folder).findFirst().orElseThrow())) {
            own.load(in, "secret".toCharArray());
        }
        keys.init(own, "secret".toCharArray());
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        var listener = (javax.net.ssl.SSLServerSocket)
                context.getServerSocketFactory().createServerSocket(0, 16, java.net.InetAddress.getLoopbackAddress());
        listener.setNeedClientAuth(true);
        try (var server = new ScriptedServer(kernel, listener, (socket, number) -> {
            ScriptedServer.readHead(socket);
            socket.getOutputStream().write("HTTP/1.1 200 OK\r\n\r\n".getBytes(UTF_8));
        })) {
            var options = new TlsOptions(
                    certificates.pem(), null, false, certificates.pem(), certificates.keyPem(), "TLSv1.3");
            var url = "https://localhost:" + server.port() + "/";
            assertThat(prober.probe(ProbeSpec.Http.builder(url).tls(options).build(), TIMEOUT)
                            .reason())
                    .isEmpty();
            assertThat(prober.probe(
                                    ProbeSpec.Http.builder(url)
                                            .tls(TlsOptions.DEFAULT.withCaPem(certificates.pem()))
                                            .build(),
                                    TIMEOUT)
                            .success())
                    .isFalse();
        }
    }

    @Test
    void endsASlowHandshakeAtItsDeadline() throws Exception {
        try (var server = new ScriptedServer(kernel, (socket, number) -> {
            // The beginning of a record, then a byte now and then: each would renew a mere read timeout.
            socket.getOutputStream().write(new byte[] {0x16, 3, 3, 0x40, 0});
            for (int i = 0; i < 200; i++) {
                socket.getOutputStream().write(2);
                kernel.timers().sleep(Duration.ofMillis(50));
            }
        })) {
            long start = kernel.clock().nanoTime();
            var result = prober.probe(
                    new ProbeSpec.Tls(
                            "127.0.0.1", server.port(), TlsOptions.DEFAULT, Duration.ZERO, AddressFamily.PREFER_IPV4),
                    Duration.ofMillis(400));
            assertThat(result.reason()).isEqualTo("timed out after 400 ms while in the TLS handshake");
            assertThat(Duration.ofNanos(kernel.clock().nanoTime() - start)).isLessThan(Duration.ofSeconds(3));
        }
    }

    @Test
    void tellsAServerWithoutTls() throws Exception {
        try (var server = new ScriptedServer(
                kernel, (socket, number) -> socket.getInputStream().read())) {
            assertThat(tls(server, "127.0.0.1", TlsOptions.DEFAULT, 1).outcome())
                    .isEqualTo(Outcome.TLS_FAILED);
        }
        try (var server = new ScriptedServer(
                kernel, (socket, number) -> socket.getOutputStream().write("220 mail ready\r\n".getBytes(UTF_8)))) {
            assertThat(tls(server, "127.0.0.1", TlsOptions.DEFAULT, 1).reason()).contains("does not speak TLS");
        }
    }

    @Test
    void refusesBrokenPem() {
        var options = new TlsOptions("nonsense", null, false, "x", "y", "TLSv1");
        assertThatThrownBy(() -> prober.prepare(
                        ProbeSpec.Http.builder("https://x/").tls(options).build()))
                .isInstanceOfSatisfying(
                        InvalidProbeException.class,
                        e -> assertThat(e.errors())
                                .extracting(InvalidProbeException.FieldError::field)
                                .isEqualTo(List.of("tls.ca", "tls.certificate", "tls.minVersion")));
    }
}
