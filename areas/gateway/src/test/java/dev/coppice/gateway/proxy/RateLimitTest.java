package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.rule;
import static dev.coppice.gateway.proxy.ProxyFixture.upstream;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.LimitConfig;
import dev.coppice.gateway.config.LimitConfig.Algorithm;
import dev.coppice.gateway.config.LimitConfig.KeyPart;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.config.UpstreamConfig;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Limits, seen by clients of the data plane. */
@Timeout(60)
class RateLimitTest {
    private static final long HOUR = 3_600_000_000_000L;
    private static final List<TrafficTarget> GATEWAY = List.of(new TrafficTarget("Gateway", "default/gateway", ""));
    private static final List<TrafficTarget> ROUTE = List.of(new TrafficTarget("HTTPRoute", "default/route", ""));

    @TempDir
    Path directory;

    private ProxyFixture proxy;
    private Backend backend;

    @BeforeEach
    void start() throws Exception {
        proxy = new ProxyFixture(ProxyOptions.DEFAULT.withLoops(2).withAccessLog(directory.resolve("access.log")));
        backend = Backend.saying("hello");
    }

    @AfterEach
    void stop() throws Exception {
        proxy.awaitNothingOpen();
        proxy.close();
        backend.close();
    }

    private static LimitConfig bucket(String name, long requests, List<TrafficTarget> targets, KeyPart... key) {
        return new LimitConfig(
                "default/policy/" + name,
                targets,
                Algorithm.TOKEN_BUCKET,
                requests,
                HOUR,
                requests,
                List.of(key),
                "",
                false);
    }

    private static LimitConfig concurrency(long requests) {
        return new LimitConfig(
                "default/policy/slots", GATEWAY, Algorithm.CONCURRENCY, requests, 0, 0, List.of(), "", false);
    }

    private static LimitConfig with(LimitConfig limit, String when, boolean shadow) {
        return new LimitConfig(
                limit.name(),
                limit.targets(),
                limit.algorithm(),
                limit.requests(),
                limit.perNanos(),
                limit.burst(),
                limit.key(),
                when,
                shadow);
    }

    private static RouteConfig route(String name, RuleConfig... rules) {
        return new RouteConfig("HTTPRoute", "default", name, 0, List.of(), List.of(rules));
    }

    private void serve(LimitConfig... limits) {
        proxy.serveRoutes(List.of(limits), List.of(route("route", rule("u"))), upstream("u", backend.port()));
    }

    private int status(String target, String... headers) throws Exception {
        return Integer.parseInt(proxy.get(target, headers).substring(9, 12));
    }

    private double counted(String limit, String outcome) {
        return proxy.kernel.metrics().scrape().stream()
                .filter(each -> each.getMetadata().getPrometheusName().equals("coppice_gateway_limit_requests"))
                .flatMap(each -> ((CounterSnapshot) each).getDataPoints().stream())
                .filter(each -> each.getLabels().equals(Labels.of("limit", limit, "outcome", outcome)))
                .mapToDouble(CounterSnapshot.CounterDataPointSnapshot::getValue)
                .sum();
    }

    @Test
    void moreThanTheLimitIsAnsweredWith429AndEverybodyIsToldWhatIsLeft() throws Exception {
        serve(bucket("all", 2, GATEWAY));
        String first = proxy.get("/").toLowerCase(Locale.ROOT);
        assertThat(first)
                .startsWith("http/1.1 200")
                .contains("\r\nratelimit-policy: \"all\";q=2;w=3600\r\n")
                .contains("\r\nratelimit: \"all\";r=1;t=1800\r\n");
        assertThat(status("/")).isEqualTo(200);
        String refused = proxy.get("/").toLowerCase(Locale.ROOT);
        assertThat(refused)
                .startsWith("http/1.1 429")
                // A little less than half an hour, and than an hour.
                .containsPattern("\r\nretry-after: 1[78]\\d\\d\r\n")
                .containsPattern("\r\nratelimit: \"all\";r=0;t=3[56]\\d\\d\r\n")
                .contains("too many requests");
        assertThat(backend.seen).hasSize(2);
        assertThat(counted("default/policy/all", "passed")).isEqualTo(2);
        assertThat(counted("default/policy/all", "refused")).isEqualTo(1);
        Path log = directory.resolve("access.log");
        ProxyFixture.await(() -> {
            try {
                return Files.exists(log)
                        && Files.readString(log).contains("\"status\":429")
                        && Files.readString(log).contains("\"limit\":\"default/policy/all\"");
            } catch (java.io.IOException e) {
                return false;
            }
        });
    }

    @Test
    void aRefusedRequestLeavesItsConnectionToTheNext() throws Exception {
        serve(bucket("all", 1, GATEWAY));
        try (ProxyFixture.Client client = proxy.client()) {
            for (String status : List.of("200 OK", "429 Too Many Requests", "429 Too Many Requests")) {
                client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                assertThat(client.answer()).startsWith("HTTP/1.1 " + status);
            }
        }
    }

    @Test
    void eachValueOfAKeyIsCountedApart() throws Exception {
        serve(bucket("tenant", 1, ROUTE, new KeyPart.Header("x-tenant"), new KeyPart.Constant("v1")));
        assertThat(status("/", "X-Tenant: a")).isEqualTo(200);
        assertThat(status("/", "X-Tenant: b")).isEqualTo(200);
        assertThat(status("/", "X-Tenant: a")).isEqualTo(429);
        assertThat(status("/")).isEqualTo(200);
        assertThat(status("/")).isEqualTo(429);
    }

    @Test
    void clientsOfOneNetworkAreCountedTogether() throws Exception {
        serve(bucket("network", 2, ROUTE, new KeyPart.ClientAddress(8, 64)));
        assertThat(fromAddress("127.0.0.1")).isEqualTo(200);
        assertThat(fromAddress("127.0.0.2")).isEqualTo(200);
        assertThat(fromAddress("127.9.9.9")).isEqualTo(429);
        serve(bucket("host", 1, ROUTE, new KeyPart.ClientAddress(32, 64)));
        assertThat(fromAddress("127.0.0.1")).isEqualTo(200);
        assertThat(fromAddress("127.0.0.2")).isEqualTo(200);
        assertThat(fromAddress("127.0.0.1")).isEqualTo(429);
    }

    private int fromAddress(String address) throws Exception {
        try (java.net.Socket socket = new java.net.Socket()) {
            socket.bind(new java.net.InetSocketAddress(address, 0));
            socket.connect(new java.net.InetSocketAddress("127.0.0.1", proxy.port));
            socket.setSoTimeout(20_000);
            socket.getOutputStream()
                    .write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                            .getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            String answer =
                    new String(socket.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.US_ASCII);
            return Integer.parseInt(answer.substring(9, 12));
        }
    }

    @Test
    void expressionsChooseRequestsAndMakeKeys() throws Exception {
        serve(with(
                bucket("writes", 1, ROUTE, new KeyPart.Expression("request.headers['x-user'] + request.path")),
                "request.method == 'GET' && request.path.startsWith('/api')",
                false));
        for (int i = 0; i < 3; i++) {
            assertThat(status("/other")).isEqualTo(200);
        }
        assertThat(status("/api/a", "X-User: u")).isEqualTo(200);
        assertThat(status("/api/b", "X-User: u")).isEqualTo(200);
        assertThat(status("/api/a", "X-User: u")).isEqualTo(429);
        // Without the header the expression fails: all of those share a key.
        assertThat(status("/api/a")).isEqualTo(200);
        assertThat(status("/api/b")).isEqualTo(429);
        // A condition that fails excuses nobody.
        serve(with(bucket("strict", 1, ROUTE), "request.headers['x-free'] != 'yes'", false));
        assertThat(status("/", "X-Free: yes")).isEqualTo(200);
        assertThat(status("/")).isEqualTo(200);
        assertThat(status("/")).isEqualTo(429);
    }

    @Test
    void aShadowCountsAndRefusesNothing() throws Exception {
        serve(with(bucket("trial", 1, ROUTE), "", true));
        assertThat(proxy.get("/").toLowerCase(Locale.ROOT)).doesNotContain("ratelimit");
        assertThat(status("/")).isEqualTo(200);
        assertThat(counted("default/policy/trial", "shadow-refused")).isEqualTo(1);
    }

    @Test
    void limitsOfGatewayListenerRouteAndRuleAllCount() throws Exception {
        RuleConfig named = new RuleConfig(
                "slow",
                List.of(new MatchConfig(
                        new MatchConfig.PathMatch(MatchConfig.PathMatch.Type.PREFIX, "/slow"),
                        "",
                        List.of(),
                        List.of())),
                List.of(),
                List.of(new BackendConfig("u", 1, List.of())),
                0,
                0,
                null,
                null);
        proxy.serveRoutes(
                List.of(
                        bucket("rule", 1, List.of(new TrafficTarget("HTTPRoute", "default/route", "slow"))),
                        bucket("route", 3, ROUTE),
                        bucket("listener", 5, List.of(new TrafficTarget("Gateway", "default/gateway", "http"))),
                        bucket("elsewhere", 1, List.of(new TrafficTarget("Gateway", "default/gateway", "https"))),
                        bucket("gateway", 100, GATEWAY)),
                List.of(route("route", named, rule("u"))),
                upstream("u", backend.port()));
        String first = proxy.get("/slow").toLowerCase(Locale.ROOT);
        assertThat(first)
                .contains("\r\nratelimit: \"gateway\";r=99;t=36, \"listener\";r=4;t=720, \"route\";r=2;t=1200,"
                        + " \"rule\";r=0;t=3600\r\n");
        assertThat(status("/slow")).isEqualTo(429);
        assertThat(status("/")).isEqualTo(200);
        assertThat(proxy.get("/").toLowerCase(Locale.ROOT))
                .startsWith("http/1.1 429")
                .contains("\"route\";r=0");
    }

    @Test
    void countsSurviveChangesOfRoutesAndNotOfNumbers() throws Exception {
        serve(bucket("all", 1, GATEWAY));
        assertThat(status("/")).isEqualTo(200);
        proxy.serveRoutes(
                List.of(with(bucket("all", 1, GATEWAY), "true", false)),
                List.of(route("another", rule("u"))),
                upstream("u", backend.port()));
        assertThat(status("/")).isEqualTo(429);
        serve(bucket("all", 2, GATEWAY));
        assertThat(status("/")).isEqualTo(200);
        serve();
        assertThat(status("/")).isEqualTo(200);
        serve(bucket("all", 2, GATEWAY));
        assertThat(status("/")).isEqualTo(200);
        assertThat(status("/")).isEqualTo(200);
        assertThat(status("/")).isEqualTo(429);
    }

    @Test
    void routesShareACountUnlessTheirKeySaysOtherwise() throws Exception {
        RouteConfig a = new RouteConfig("HTTPRoute", "default", "a", 0, List.of("a.org"), List.of(rule("u")));
        RouteConfig b = new RouteConfig("HTTPRoute", "default", "b", 0, List.of("b.org"), List.of(rule("u")));
        for (boolean apart : List.of(false, true)) {
            KeyPart[] key = apart ? new KeyPart[] {new KeyPart.Route()} : new KeyPart[0];
            proxy.serveRoutes(
                    List.of(bucket("all-" + apart, 1, GATEWAY, key)), List.of(a, b), upstream("u", backend.port()));
            assertThat(proxy.exchange("GET / HTTP/1.1\r\nHost: a.org\r\nConnection: close\r\n\r\n"))
                    .startsWith("HTTP/1.1 200");
            assertThat(proxy.exchange("GET / HTTP/1.1\r\nHost: b.org\r\nConnection: close\r\n\r\n"))
                    .startsWith(apart ? "HTTP/1.1 200" : "HTTP/1.1 429");
        }
    }

    @Test
    void concurrencyIsGivenBackHoweverARequestEnds() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        try (Backend slow = new Backend((request, conversation) -> {
            String line = request.line();
            if (line.contains("/ws")) {
                conversation.send(
                        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
                return conversation.in().read() < 0 ? null : "";
            }
            if (line.contains("/half")) {
                conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12");
                return null;
            }
            try {
                release.await();
            } catch (InterruptedException e) {
                return null;
            }
            return Backend.ok("late");
        })) {
            RuleConfig plain = rule("u");
            RuleConfig timed =
                    new RuleConfig("", List.of(prefix("/timed")), List.of(), plain.backends(), 200, 0, null, null);
            proxy.serveRoutes(
                    List.of(concurrency(3)), List.of(route("route", timed, plain)), upstream("u", slow.port()));
            // The service never answers in time.
            assertThat(status("/timed")).isEqualTo(504);
            ProxyFixture.await(() -> inFlight() == 0);
            // The endpoint goes in the middle of its answer.
            assertThat(proxy.get("/half")).endsWith("12");
            ProxyFixture.await(() -> inFlight() == 0);
            // The client goes.
            ProxyFixture.Client gone = proxy.client();
            gone.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            ProxyFixture.await(() -> inFlight() == 1);
            gone.reset();
            ProxyFixture.await(() -> inFlight() == 0);
            // A WebSocket counts until it ends.
            ProxyFixture.Client socket = proxy.client();
            socket.send("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
            assertThat(socket.line()).startsWith("HTTP/1.1 101");
            assertThat(inFlight()).isEqualTo(1);
            // With two more there is no place for a fourth; refused ones take none.
            try (ProxyFixture.Client one = proxy.client();
                    ProxyFixture.Client two = proxy.client()) {
                one.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                two.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                ProxyFixture.await(() -> inFlight() == 3);
                String refused = proxy.get("/").toLowerCase(Locale.ROOT);
                assertThat(refused)
                        .startsWith("http/1.1 429")
                        .contains("\r\nretry-after: 1\r\n")
                        .contains("\r\nratelimit-policy: \"slots\";q=3;qu=\"concurrent-requests\"\r\n")
                        .contains("\r\nratelimit: \"slots\";r=0\r\n");
                release.countDown();
                assertThat(one.answer()).isEqualTo("HTTP/1.1 200 OK|late");
                assertThat(two.answer()).isEqualTo("HTTP/1.1 200 OK|late");
                ProxyFixture.await(() -> proxy.plane.open().exchanges() == 0);
                assertThat(inFlight()).isEqualTo(1);
            }
            socket.close();
            ProxyFixture.await(() -> inFlight() == 0);
            // Answers of the gateway's own.
            proxy.serveRoutes(List.of(concurrency(3)), List.of(route("route", rule(""))));
            assertThat(status("/")).isEqualTo(500);
            ProxyFixture.await(() -> inFlight() == 0);
        }
    }

    @Test
    void callsOfGrpcAreToldInTheirOwnWay() throws Exception {
        serve(bucket("all", 1, GATEWAY));
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            Http2Peer.Answer first = peer.get("/");
            assertThat(first.status()).isEqualTo(200);
            assertThat(first.head().get("ratelimit")).hasToString("\"all\";r=0;t=3600");
            assertThat(peer.get("/").status()).isEqualTo(429);
            Http2Peer.Answer call = peer.open()
                    .send(Http2Peer.head("POST", "/a.B/C", "content-type", "application/grpc"), true)
                    .answer();
            assertThat(call.status()).isEqualTo(200);
            assertThat(call.head().get("grpc-status")).hasToString("8");
            assertThat(call.head().contains("retry-after")).isTrue();
        }
        assertThat(counted("default/policy/all", "refused")).isEqualTo(2);
    }

    @Test
    void streamsThatAreResetGiveTheirPlaceBack() throws Exception {
        try (Http2Backend silent = new Http2Backend(100);
                Http2Peer peer = new Http2Peer(proxy.port)) {
            UpstreamConfig upstream = new UpstreamConfig(
                    "u", UpstreamConfig.Protocol.H2C, List.of(new UpstreamConfig.Endpoint("127.0.0.1", silent.port())));
            proxy.serveRoutes(List.of(concurrency(2)), List.of(route("route", rule("u"))), upstream);
            Http2Peer.Stream one = peer.open().send(Http2Peer.head("GET", "/silent"), true);
            Http2Peer.Stream two = peer.open().send(Http2Peer.head("GET", "/silent"), true);
            ProxyFixture.await(() -> inFlight() == 2);
            assertThat(peer.get("/").status()).isEqualTo(429);
            one.reset();
            ProxyFixture.await(() -> inFlight() == 1);
            assertThat(peer.get("/").status()).isEqualTo(200);
            two.reset();
            ProxyFixture.await(() -> inFlight() == 0);
        }
    }

    @Test
    void aLimitThatGoesWhileARequestIsOnItsWayGetsItBackAllTheSame() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        try (Backend slow = new Backend((_, _) -> {
            try {
                release.await();
            } catch (InterruptedException e) {
                return null;
            }
            return Backend.ok("late");
        })) {
            List<RouteConfig> routes = List.of(route("route", rule("u")));
            proxy.serveRoutes(List.of(concurrency(1)), routes, upstream("u", slow.port()));
            try (ProxyFixture.Client client = proxy.client()) {
                client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                ProxyFixture.await(() -> inFlight() == 1);
                // The same numbers: what is on its way still counts.
                proxy.serveRoutes(List.of(with(concurrency(1), "true", false)), routes, upstream("u", slow.port()));
                assertThat(status("/")).isEqualTo(429);
                proxy.serveRoutes(List.of(concurrency(2)), routes, upstream("u", slow.port()));
                assertThat(inFlight()).isZero();
                release.countDown();
                assertThat(client.answer()).isEqualTo("HTTP/1.1 200 OK|late");
                assertThat(inFlight()).isZero();
            }
        }
    }

    private static MatchConfig prefix(String path) {
        return new MatchConfig(
                new MatchConfig.PathMatch(MatchConfig.PathMatch.Type.PREFIX, path), "", List.of(), List.of());
    }

    private long inFlight() {
        return proxy.plane.limits.used("default/policy/slots");
    }
}
