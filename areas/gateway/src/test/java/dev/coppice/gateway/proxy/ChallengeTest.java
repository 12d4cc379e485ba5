package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.upstream;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.gateway.challenge.ChallengeCertificate;
import dev.coppice.gateway.config.ChallengeConfig;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.ListenerConfig.Protocol;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.TlsConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What ACME servers see at the gateway. */
@Timeout(60)
final class ChallengeTest {
    private static final String KEY = "tok-1.thumb_print";

    private ProxyFixture proxy;

    @BeforeEach
    void start() throws Exception {
        proxy = new ProxyFixture();
    }

    @AfterEach
    void stop() {
        proxy.awaitNothingOpen();
        proxy.close();
    }

    /** Redirects whatever comes. */
    private static RouteConfig away() {
        RuleConfig redirected = new RuleConfig(
                List.of(MatchConfig.ANY),
                List.of(new FilterConfig.Redirect("https", "other.example", null, null, 301)),
                List.of());
        return new RouteConfig("HTTPRoute", "default", "away", 0, List.of(), List.of(redirected));
    }

    private ListenerConfig listener(String name, Protocol protocol, String hostname, @Nullable TlsConfig tls) {
        return new ListenerConfig(
                "default/edge",
                name,
                "127.0.0.1",
                proxy.port,
                protocol,
                hostname,
                tls,
                protocol == Protocol.HTTP ? List.of(away()) : List.of());
    }

    private void serve(List<ChallengeConfig> challenges, ListenerConfig... listeners) {
        assertThat(proxy.plane.apply(new GatewayConfig.Builder(List.of(listeners), List.of(upstream("u", 1)))
                        .challenges(challenges)
                        .build()))
                .isEmpty();
    }

    private static ChallengeConfig challenge(ChallengeConfig.Type type, String listener) {
        return new ChallengeConfig(
                type, "shop.example", "tok-1", KEY, List.of(new ChallengeConfig.Listener("default/edge", listener)));
    }

    private String ask(String method, String host, String path) throws IOException {
        return proxy.exchange(method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
    }

    @Test
    void aFileIsShownForItsHostAndTokenAndNothingElseChanges() throws Exception {
        serve(List.of(challenge(ChallengeConfig.Type.HTTP, "http")), listener("http", Protocol.HTTP, "", null));
        String answer = ask("GET", "shop.example", "/.well-known/acme-challenge/tok-1");
        assertThat(answer).startsWith("HTTP/1.1 200 OK\r\n").endsWith("\r\n\r\n" + KEY);
        assertThat(answer).contains("content-length: " + KEY.length());
        assertThat(ask("HEAD", "SHOP.example:80", "/.well-known/acme-challenge/tok-1"))
                .startsWith("HTTP/1.1 200 OK\r\n")
                .endsWith("\r\n\r\n");
        for (String path : List.of("tok-2", "tok-1/", "", "tok-1%20")) {
            assertThat(ask("GET", "shop.example", "/.well-known/acme-challenge/" + path))
                    .as(path)
                    .startsWith("HTTP/1.1 301 ");
        }
        assertThat(ask("GET", "other.example", "/.well-known/acme-challenge/tok-1"))
                .startsWith("HTTP/1.1 301 ");
        assertThat(ask("GET", "shop.example", "/")).startsWith("HTTP/1.1 301 ");

        serve(List.of(), listener("http", Protocol.HTTP, "", null));
        assertThat(ask("GET", "shop.example", "/.well-known/acme-challenge/tok-1"))
                .startsWith("HTTP/1.1 301 ");
    }

    @Test
    void theListenerThatANameBelongsToHasToShowIt() throws Exception {
        // The challenge is for the listener of all names; the one of this name belongs to others.
        serve(
                List.of(challenge(ChallengeConfig.Type.HTTP, "all")),
                listener("all", Protocol.HTTP, "", null),
                listener("theirs", Protocol.HTTP, "shop.example", null));
        assertThat(ask("GET", "shop.example", "/.well-known/acme-challenge/tok-1"))
                .startsWith("HTTP/1.1 301 ");
    }

    // ---- TLS

    private record Seen(String protocol, @Nullable X509Certificate certificate, int next) {}

    private Seen shake(String serverName, String... protocols) throws Exception {
        X509Certificate[] shown = new X509Certificate[1];
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(
                null,
                new TrustManager[] {
                    new X509TrustManager() {
                        @Override
                        public void checkClientTrusted(X509Certificate[] chain, String type) {}

                        @Override
                        public void checkServerTrusted(X509Certificate[] chain, String type) {
                            shown[0] = chain[0];
                        }

                        @Override
                        public X509Certificate[] getAcceptedIssuers() {
                            return new X509Certificate[0];
                        }
                    }
                },
                new SecureRandom());
        try (SSLSocket socket =
                (SSLSocket) context.getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), proxy.port)) {
            socket.setSoTimeout(20_000);
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setServerNames(List.of(new SNIHostName(serverName)));
            parameters.setApplicationProtocols(protocols);
            socket.setSSLParameters(parameters);
            socket.startHandshake();
            String protocol = socket.getApplicationProtocol();
            int next = protocol.equals(ChallengeCertificate.PROTOCOL)
                    ? socket.getInputStream().read()
                    : 0;
            return new Seen(protocol, shown[0], next);
        }
    }

    private void certificateIsShown() throws Exception {
        Seen seen = shake("shop.example", ChallengeCertificate.PROTOCOL);
        assertThat(seen.protocol()).isEqualTo(ChallengeCertificate.PROTOCOL);
        assertThat(seen.certificate()).isNotNull();
        assertThat(ChallengeCertificate.answers(seen.certificate(), KEY)).isTrue();
        // The connection is for nothing else.
        assertThat(seen.next()).isEqualTo(-1);
    }

    @Test
    void aCertificateIsShownToThoseWhoWantNothingElse() throws Exception {
        TlsConfig own = TestCertificate.of("shop.example").config();
        serve(
                List.of(challenge(ChallengeConfig.Type.TLS, "https")),
                listener("https", Protocol.HTTP, "shop.example", own));
        certificateIsShown();
        Seen usual = shake("shop.example", "http/1.1", ChallengeCertificate.PROTOCOL);
        assertThat(usual.protocol()).isEqualTo("http/1.1");
        assertThat(ChallengeCertificate.answers(usual.certificate(), KEY)).isFalse();
        assertThat(shake("shop.example").certificate().getSubjectX500Principal().getName())
                .isEqualTo("CN=shop.example");
    }

    @Test
    void aPortIsOpenForChallengesAloneUntilThereIsACertificate() throws Exception {
        serve(
                List.of(challenge(ChallengeConfig.Type.TLS, "https")),
                listener("https", Protocol.CHALLENGE, "shop.example", null));
        certificateIsShown();
        assertThatThrownBy(() -> shake("shop.example", "http/1.1")).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> shake("other.example", ChallengeCertificate.PROTOCOL))
                .isInstanceOf(SSLException.class);
        // Then it serves, without having been closed.
        serve(
                List.of(),
                listener(
                        "https",
                        Protocol.HTTP,
                        "shop.example",
                        TestCertificate.of("shop.example").config()));
        assertThat(shake("shop.example", "http/1.1").protocol()).isEqualTo("http/1.1");
    }

    @Test
    void aListenerThatWaitsForItsCertificateTakesNothingFromTheOneThatServesTheName() throws Exception {
        TlsConfig own = TestCertificate.of("shop.example").config();
        serve(
                List.of(challenge(ChallengeConfig.Type.TLS, "waits")),
                listener("all", Protocol.HTTP, "*.example", own),
                listener("waits", Protocol.CHALLENGE, "shop.example", null));
        certificateIsShown();
        assertThat(shake("shop.example", "http/1.1").protocol()).isEqualTo("http/1.1");
    }

    @Test
    void whatIsPassedThroughIsNeverAnsweredHere() {
        serve(
                List.of(challenge(ChallengeConfig.Type.TLS, "passes")),
                listener("passes", Protocol.TLS, "shop.example", null));
        assertThatThrownBy(() -> shake("shop.example", ChallengeCertificate.PROTOCOL))
                .isInstanceOf(IOException.class);
    }

    @Test
    void namesWithTheSameTokenHaveAFileEach() throws Exception {
        ChallengeConfig other = new ChallengeConfig(
                ChallengeConfig.Type.HTTP,
                "other.example",
                "tok-1",
                "tok-1.other",
                List.of(new ChallengeConfig.Listener("default/edge", "http")));
        serve(List.of(challenge(ChallengeConfig.Type.HTTP, "http"), other), listener("http", Protocol.HTTP, "", null));
        assertThat(ask("GET", "shop.example", "/.well-known/acme-challenge/tok-1"))
                .endsWith("\r\n\r\n" + KEY);
        assertThat(ask("GET", "other.example", "/.well-known/acme-challenge/tok-1"))
                .endsWith("\r\n\r\ntok-1.other");
    }

    @Test
    void streamsShowItByTheJdksTls() throws Exception {
        serve(
                List.of(challenge(ChallengeConfig.Type.TLS, "tls")),
                listener(
                        "tls",
                        Protocol.TLS,
                        "",
                        TestCertificate.of("shop.example").config()));
        certificateIsShown();
    }
}
