package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.rule;
import static dev.coppice.gateway.proxy.ProxyFixture.upstream;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.CredentialConfig;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.RetryConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.SecurityConfig;
import dev.coppice.gateway.config.SecurityConfig.Secret;
import dev.coppice.gateway.config.TrafficConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.kernel.FreePorts;
import java.net.ServerSocket;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the gateway shows to backends, seen by these. */
@Timeout(60)
class CredentialsTest {
    private static final CredentialConfig KEY = new CredentialConfig.Fixed("x-api-key", new Secret("s3cret"));

    private ProxyFixture proxy;
    private Backend backend;
    private Backend other;

    @BeforeEach
    void start() throws Exception {
        proxy = new ProxyFixture();
        backend = Backend.saying("hello");
        other = Backend.saying("other");
    }

    @AfterEach
    void stop() throws Exception {
        proxy.awaitNothingOpen();
        proxy.close();
        backend.close();
        other.close();
    }

    private static UpstreamConfig with(UpstreamConfig upstream, TrafficConfig traffic) {
        return new UpstreamConfig(upstream.name(), upstream.protocol(), upstream.endpoints(), upstream.tls(), traffic);
    }

    private static UpstreamConfig with(UpstreamConfig upstream, @Nullable CredentialConfig credentials) {
        return with(upstream, TrafficConfig.NONE.withCredentials(credentials));
    }

    @Test
    void theServiceGetsThemInsteadOfTheClients() throws Exception {
        proxy.serve(List.of(rule("u")), with(upstream("u", backend.port()), KEY));
        assertThat(proxy.get("/", "X-API-Key: mine", "X_Api_Key: mine")).startsWith("HTTP/1.1 200");
        Backend.Seen seen = backend.seen.getLast();
        assertThat(seen.headers().stream().filter(each -> each.contains("mine")))
                .isEmpty();
        assertThat(seen.header("x-api-key")).hasValue("s3cret");
        assertThat(proxy.exchange("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"))
                .startsWith("HTTP/1.1 200");
        assertThat(backend.seen.getLast().header("x-api-key")).hasValue("s3cret");
        assertThat(backend.seen.getLast().body()).isEqualTo("abc");
    }

    @Test
    void noOtherServiceGetsThem() throws Exception {
        int nobody = FreePorts.next();
        proxy.serve(
                List.of(rule("u", new FilterConfig.Mirror("m", 1, 1))),
                with(upstream("u", nobody), TrafficConfig.NONE.withFallback("v").withCredentials(KEY)),
                upstream("v", backend.port()),
                upstream("m", other.port()));
        assertThat(proxy.get("/", "X-API-Key: mine")).startsWith("HTTP/1.1 200");
        // Each sees what the client has sent.
        assertThat(backend.seen.getLast().header("x-api-key")).hasValue("mine");
        ProxyFixture.await(() -> !other.seen.isEmpty());
        assertThat(other.seen.getLast().header("x-api-key")).hasValue("mine");
    }

    @Test
    void copiesGetThoseOfTheirOwnService() throws Exception {
        proxy.serve(
                List.of(rule("u", new FilterConfig.Mirror("m", 1, 1))),
                upstream("u", backend.port()),
                with(upstream("m", other.port()), KEY));
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 200");
        ProxyFixture.await(() -> !other.seen.isEmpty());
        assertThat(other.seen.getLast().header("x-api-key")).hasValue("s3cret");
        assertThat(backend.seen.getLast().header("x-api-key")).isEmpty();
    }

    @Test
    void eachTryHasThem() throws Exception {
        AtomicInteger count = new AtomicInteger();
        try (Backend failing = new Backend((_, _) ->
                count.getAndIncrement() == 0 ? "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n" : Backend.ok("well"))) {
            RuleConfig plain = rule("u");
            RuleConfig retrying = new RuleConfig(
                    "",
                    plain.matches(),
                    plain.filters(),
                    plain.backends(),
                    0,
                    0,
                    new RetryConfig(List.of(503), 2, 0),
                    null);
            proxy.serve(List.of(retrying), with(upstream("u", failing.port()), KEY));
            assertThat(proxy.get("/")).startsWith("HTTP/1.1 200");
            assertThat(failing.seen)
                    .hasSize(2)
                    .allMatch(each ->
                            each.header("x-api-key").filter("s3cret"::equals).isPresent());
        }
    }

    @Test
    void withoutThemNothingIsSent() throws Exception {
        proxy.serve(List.of(rule("u")), with(upstream("u", backend.port()), new CredentialConfig.Missing()));
        assertThat(proxy.get("/", "Authorization: Bearer mine"))
                .startsWith("HTTP/1.1 503")
                .contains("no credentials for the service");
        assertThat(backend.seen).isEmpty();
        // Once they are there, it goes on.
        proxy.serve(List.of(rule("u")), with(upstream("u", backend.port()), KEY));
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 200");
    }

    @Test
    void aTokenIsFetchedWhileRequestsWait() throws Exception {
        TestAuthority authority = new TestAuthority("authority");
        ServerSocket socket = authority.sign("issuer", "dns:localhost").listen(null);
        AtomicInteger fetches = new AtomicInteger();
        try (Backend issuer = new Backend(socket, (request, _) -> {
            assertThat(request.body()).isEqualTo("grant_type=client_credentials&scope=orders");
            String body = "{\"access_token\":\"t" + fetches.getAndIncrement()
                    + "\",\"token_type\":\"Bearer\",\"expires_in\":3600}";
            return "HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
        })) {
            proxy.serve(
                    List.of(rule("u")),
                    with(
                            upstream("u", backend.port()),
                            new CredentialConfig.ClientCredentials(
                                    "https://localhost:" + issuer.port() + "/token",
                                    "gateway",
                                    new Secret("secret"),
                                    false,
                                    List.of("orders"),
                                    null,
                                    authority.pem(),
                                    false)));
            for (int i = 0; i < 3; i++) {
                assertThat(proxy.get("/", "Authorization: Bearer mine")).startsWith("HTTP/1.1 200");
                assertThat(backend.seen.getLast().header("authorization")).hasValue("Bearer t0");
            }
            assertThat(fetches).hasValue(1);
        }
    }

    @Test
    void questionsAboutRequestsWaitForATokenToo() throws Exception {
        TestAuthority authority = new TestAuthority("authority");
        ServerSocket socket = authority.sign("issuer", "dns:localhost").listen(null);
        CountDownLatch asked = new CountDownLatch(1);
        try (Backend issuer = new Backend(socket, (_, _) -> {
            try {
                asked.await();
            } catch (InterruptedException e) {
                return null;
            }
            String body = "{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"expires_in\":3600}";
            return "HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
        })) {
            SecurityConfig policy = new SecurityConfig(
                    "default/p",
                    List.of(new TrafficTarget("Gateway", "default/gateway", "")),
                    null,
                    "shop",
                    List.of(new SecurityConfig.Method.External(
                            "sso", "sso", "/", List.of(), List.of(), List.of(), null, 20_000, false)),
                    false,
                    null);
            proxy.serveRoutes(
                    List.of(),
                    List.of(policy),
                    List.of(new RouteConfig("HTTPRoute", "default", "route", 0, List.of(), List.of(rule("u")))),
                    upstream("u", backend.port()),
                    with(
                            upstream("sso", other.port()),
                            new CredentialConfig.ClientCredentials(
                                    "https://localhost:" + issuer.port() + "/token",
                                    "gateway",
                                    new Secret("secret"),
                                    false,
                                    List.of(),
                                    null,
                                    authority.pem(),
                                    false)));
            try (ProxyFixture.Client client = proxy.client()) {
                client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
                ProxyFixture.await(() -> proxy.plane.open().exchanges() == 1);
                asked.countDown();
                assertThat(client.answer()).startsWith("HTTP/1.1 200");
            }
            assertThat(other.seen.getLast().header("authorization")).hasValue("Bearer t");
        }
    }

    @Test
    void aTokenThatCannotBeFetchedIsNoHang() throws Exception {
        proxy.serve(
                List.of(rule("u")),
                with(
                        upstream("u", backend.port()),
                        new CredentialConfig.ClientCredentials(
                                "https://127.0.0.1:" + FreePorts.next() + "/token",
                                "gateway",
                                new Secret("secret"),
                                false,
                                List.of(),
                                null,
                                null,
                                false)));
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 503");
        assertThat(backend.seen).isEmpty();
    }
}
