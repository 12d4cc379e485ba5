package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.rule;
import static dev.coppice.gateway.proxy.ProxyFixture.upstream;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.TlsConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Listeners that end TLS. */
@Timeout(60)
class TlsTest {
    private ProxyFixture proxy;
    private Backend backend;

    @BeforeEach
    void start() throws Exception {
        proxy = new ProxyFixture();
        backend = new Backend((request, _) -> Backend.ok(request.header("x-forwarded-proto")
                        .orElse("") + " " + request.header("x-listener").orElse("")));
    }

    @AfterEach
    void stop() throws Exception {
        proxy.awaitNothingOpen();
        proxy.close();
        backend.close();
    }

    private ListenerConfig listener(String name, String hostname, @Nullable TlsConfig tls) {
        FilterConfig named = new FilterConfig.RequestHeaders(new FilterConfig.HeaderChanges(
                List.of(new FilterConfig.Header("X-Listener", name)), List.of(), List.of()));
        RuleConfig redirected = new RuleConfig(
                List.of(new dev.coppice.gateway.config.MatchConfig(
                        new dev.coppice.gateway.config.MatchConfig.PathMatch(
                                dev.coppice.gateway.config.MatchConfig.PathMatch.Type.EXACT, "/away"),
                        "",
                        List.of(),
                        List.of())),
                List.of(new FilterConfig.Redirect(null, "other.org", null, null, 302)),
                List.of());
        RouteConfig route =
                new RouteConfig("HTTPRoute", "default", name, 0, List.of(), List.of(rule("u", named), redirected));
        return new ListenerConfig(
                "default/gateway",
                name,
                "127.0.0.1",
                proxy.port,
                ListenerConfig.Protocol.HTTP,
                hostname,
                tls,
                List.of(route));
    }

    private Map<?, String> serve(ListenerConfig... listeners) {
        return proxy.plane.apply(new GatewayConfig(List.of(listeners), List.of(upstream("u", backend.port()))));
    }

    /** What a client sees: the name on the certificate, and the answer. */
    private record Seen(String certificate, String answer) {}

    private Seen get(String serverName, String host, String path, @Nullable TestCertificate own) throws Exception {
        KeyManager[] keys = null;
        if (own != null) {
            KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            factory.init(own.store(), own.password());
            keys = factory.getKeyManagers();
        }
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys, new TrustManager[] {new Trusting()}, new SecureRandom());
        try (Socket plain = new Socket(InetAddress.getLoopbackAddress(), proxy.port);
                SSLSocket socket =
                        (SSLSocket) context.getSocketFactory().createSocket(plain, serverName, proxy.port, true)) {
            socket.setSoTimeout(20_000);
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setServerNames(serverName.isEmpty() ? List.of() : List.of(new SNIHostName(serverName)));
            parameters.setApplicationProtocols(new String[] {"http/1.1"});
            socket.setSSLParameters(parameters);
            socket.startHandshake();
            X509Certificate shown = (X509Certificate) socket.getSession().getPeerCertificates()[0];
            socket.getOutputStream()
                    .write(("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.ISO_8859_1));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            return new Seen(shown.getSubjectX500Principal().getName(), answer);
        }
    }

    /** Who the server is does not matter here. */
    static final class Trusting implements X509TrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }

    @Test
    void theServerNameChoosesTheListenerAndTheCertificate() throws Exception {
        TestCertificate any = TestCertificate.of("any.example.org");
        TestCertificate wild = TestCertificate.of("*.wild.org");
        TestCertificate one = TestCertificate.of("one.wild.org");
        TlsConfig two = new TlsConfig(
                List.of(
                        new TlsConfig.Certificate(wild.chain(), wild.key()),
                        new TlsConfig.Certificate(any.chain(), any.key())),
                null);
        assertThat(serve(
                        listener("any", "", any.config()),
                        listener("wild", "*.wild.org", two),
                        listener("one", "one.wild.org", one.config())))
                .isEmpty();
        Seen seen = get("a.wild.org", "a.wild.org", "/", null);
        assertThat(seen.certificate()).isEqualTo("CN=any.wild.org");
        assertThat(seen.answer()).endsWith("https wild");
        assertThat(get("one.wild.org", "one.wild.org", "/", null).certificate()).isEqualTo("CN=one.wild.org");
        assertThat(get("any.example.org", "any.example.org:443", "/", null).answer())
                .endsWith("https any");
        assertThat(get("", "whatever", "/", null).answer()).endsWith("https any");
        assertThat(get("any.example.org", "one.wild.org", "/", null).answer()).startsWith("HTTP/1.1 421");
        assertThat(get("a.wild.org", "one.wild.org", "/", null).answer()).startsWith("HTTP/1.1 421");
        assertThat(get("a.wild.org", "b.wild.org", "/", null).answer()).endsWith("https wild");
        assertThat(get("a.wild.org", "a.wild.org", "/away", null).answer())
                .contains("location: https://other.org:" + proxy.port + "/away");
    }

    @Test
    void aNameThatNoListenerWantsGetsNoCertificate() throws Exception {
        TestCertificate one = TestCertificate.of("one.org");
        assertThat(serve(listener("one", "one.org", one.config()))).isEmpty();
        assertThatThrownBy(() -> get("two.org", "two.org", "/", null)).isInstanceOf(IOException.class);
        assertThat(proxy.get("/")).doesNotContain("200");
    }

    @Test
    void clientsShowCertificates() throws Exception {
        TestCertificate server = TestCertificate.of("server.org");
        TestCertificate client = TestCertificate.of("client.org");
        TestCertificate stranger = TestCertificate.of("stranger.org");
        List<TlsConfig.Certificate> shown = server.config().certificates();
        serve(listener("l", "", new TlsConfig(shown, new TlsConfig.ClientValidation(client.chain(), false))));
        assertThat(get("server.org", "server.org", "/", client).answer()).endsWith("https l");
        assertThatThrownBy(() -> get("server.org", "server.org", "/", null)).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> get("server.org", "server.org", "/", stranger)).isInstanceOf(IOException.class);
        serve(listener("l", "", new TlsConfig(shown, new TlsConfig.ClientValidation(client.chain(), true))));
        assertThat(get("server.org", "server.org", "/", null).answer()).endsWith("https l");
        assertThat(get("server.org", "server.org", "/", stranger).answer()).endsWith("https l");
    }

    @Test
    void certificatesAreReplacedAndBadOnesTakeNothingDown() throws Exception {
        TestCertificate old = TestCertificate.of("old.org");
        TestCertificate fresh = TestCertificate.of("fresh.org");
        assertThat(serve(listener("l", "", old.config()))).isEmpty();
        assertThat(get("a.org", "a.org", "/", null).certificate()).isEqualTo("CN=old.org");
        TlsConfig mixed = new TlsConfig(List.of(new TlsConfig.Certificate(fresh.chain(), "no key")), null);
        assertThat(serve(listener("l", "", mixed)).values())
                .singleElement()
                .asString()
                .contains("default/gateway, listener l: a certificate cannot be used");
        assertThat(get("a.org", "a.org", "/", null).certificate()).isEqualTo("CN=old.org");
        assertThat(serve(listener("l", "", fresh.config()))).isEmpty();
        assertThat(get("a.org", "a.org", "/", null).certificate()).isEqualTo("CN=fresh.org");
        assertThat(serve(listener("l", "", null))).isEmpty();
        assertThat(proxy.get("/")).endsWith("http l");
        assertThat(fresh.config().toString()).doesNotContain("PRIVATE");
    }
}
