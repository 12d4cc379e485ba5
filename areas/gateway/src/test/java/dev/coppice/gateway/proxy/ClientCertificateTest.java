package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.rule;
import static dev.coppice.gateway.proxy.ProxyFixture.upstream;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.SecurityConfig;
import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.gateway.config.TlsConfig;
import dev.coppice.gateway.config.TrafficTarget;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients that show certificates, seen by the backend. */
@Timeout(60)
class ClientCertificateTest {
    private static final List<TrafficTarget> GATEWAY = List.of(new TrafficTarget("Gateway", "default/gateway", ""));

    private ProxyFixture proxy;
    private Backend backend;
    private TestCertificate server;
    private TestCertificate known;
    private TestCertificate stranger;

    @BeforeEach
    void start() throws Exception {
        proxy = new ProxyFixture();
        backend = Backend.saying("hello");
        server = TestCertificate.of("server.org");
        known = TestCertificate.of("client.org");
        stranger = TestCertificate.of("stranger.org");
    }

    @AfterEach
    void stop() throws Exception {
        proxy.awaitNothingOpen();
        proxy.close();
        backend.close();
    }

    private void serve(@Nullable TestCertificate clients, boolean letsOthersIn, String allowed) {
        SecurityConfig policy = new SecurityConfig(
                "default/p",
                GATEWAY,
                null,
                "shop",
                List.of(new Method.ClientCertificate("mtls", "x-name")),
                false,
                new SecurityConfig.Authorization(List.of(new SecurityConfig.Rule("a", true, allowed)), false));
        TlsConfig tls = new TlsConfig(
                server.config().certificates(),
                clients == null ? null : new TlsConfig.ClientValidation(clients.chain(), letsOthersIn));
        ListenerConfig listener = new ListenerConfig(
                "default/gateway",
                "https",
                "127.0.0.1",
                proxy.port,
                ListenerConfig.Protocol.HTTP,
                "",
                tls,
                List.of(new RouteConfig("HTTPRoute", "default", "route", 0, List.of(), List.of(rule("u")))));
        assertThat(proxy.plane.apply(
                        new GatewayConfig.Builder(List.of(listener), List.of(upstream("u", backend.port())))
                                .security(List.of(policy))
                                .build()))
                .isEmpty();
    }

    private SSLSocket connect(@Nullable TestCertificate own) throws Exception {
        KeyManager[] keys = null;
        if (own != null) {
            KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            factory.init(own.store(), own.password());
            keys = factory.getKeyManagers();
        }
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys, new TrustManager[] {new TlsTest.Trusting()}, new SecureRandom());
        Socket plain = new Socket(InetAddress.getLoopbackAddress(), proxy.port);
        SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(plain, "server.org", proxy.port, true);
        socket.setSoTimeout(20_000);
        return socket;
    }

    private static void ask(SSLSocket socket, boolean last) throws Exception {
        socket.getOutputStream()
                .write(("GET / HTTP/1.1\r\nHost: server.org\r\nX-Name: mallory\r\n"
                                + (last ? "Connection: close\r\n" : "") + "\r\n")
                        .getBytes(StandardCharsets.ISO_8859_1));
    }

    private String get(@Nullable TestCertificate own) throws Exception {
        try (SSLSocket socket = connect(own)) {
            ask(socket, true);
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1).substring(9, 12);
        }
    }

    @Test
    void whoShowsAGoodCertificateIsKnown() throws Exception {
        for (boolean letsOthersIn : new boolean[] {false, true}) {
            serve(known, letsOthersIn, "auth.method == 'ClientCertificate' && 'client.org' in auth.claims.dns");
            assertThat(get(known)).isEqualTo("200");
            assertThat(backend.seen.getLast().header("x-name")).hasValue("client.org");
            serve(known, letsOthersIn, "auth.subject == 'other.org'");
            assertThat(get(known)).isEqualTo("403");
        }
    }

    @Test
    void certificatesThatNobodyHasCheckedCountForNothing() throws Exception {
        serve(known, true, "true");
        // HTTP has no way to ask for a certificate, so that this is no 401.
        assertThat(get(null)).isEqualTo("403");
        assertThat(get(stranger)).isEqualTo("403");
        assertThat(get(known)).isEqualTo("200");
        assertThat(backend.seen).hasSize(1);
    }

    @Test
    void aListenerThatAsksForNoneKnowsNobody() throws Exception {
        serve(null, false, "true");
        assertThat(get(known)).isEqualTo("403");
    }

    @Test
    void aConnectionFromBeforeHasToPleaseTheAuthoritiesOfToday() throws Exception {
        serve(known, false, "true");
        try (SSLSocket socket = connect(known)) {
            ask(socket, false);
            byte[] first = socket.getInputStream().readNBytes(15);
            assertThat(new String(first, StandardCharsets.ISO_8859_1)).startsWith("HTTP/1.1 200");
            serve(stranger, false, "true");
            ask(socket, true);
            String rest = new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            assertThat(rest).contains("HTTP/1.1 403");
        }
        assertThat(backend.seen).hasSize(1);
    }
}
