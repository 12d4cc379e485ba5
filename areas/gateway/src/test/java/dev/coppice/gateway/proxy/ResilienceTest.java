package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.rule;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.ResilienceConfig;
import dev.coppice.gateway.config.ResilienceConfig.Breaker;
import dev.coppice.gateway.config.ResilienceConfig.Breaker.Mode;
import dev.coppice.gateway.config.ResilienceConfig.Fallback;
import dev.coppice.gateway.config.ResilienceConfig.Limits;
import dev.coppice.gateway.config.RetryConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.TrafficConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.resilience.CircuitBreaker;
import dev.coppice.gateway.resilience.UpstreamReading;
import dev.coppice.kernel.FreePorts;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.DataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whether requests are sent at all, seen by clients of the data plane. */
@Timeout(60)
class ResilienceTest {
    private static final long MILLI = 1_000_000;
    private static final long HOUR = 3_600_000 * MILLI;

    @TempDir
    Path directory;

    private ProxyFixture proxy;
    private final AtomicBoolean failing = new AtomicBoolean();
    private final CountDownLatch released = new CountDownLatch(1);
    private Backend backend;

    @BeforeEach
    void start() throws Exception {
        proxy = new ProxyFixture(ProxyOptions.DEFAULT.withLoops(1).withAccessLog(directory.resolve("access.log")));
        backend = new Backend((request, _) -> {
            if (request.line().contains("/held")) {
                awaitRelease();
            }
            return failing.get()
                    ? "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 6\r\n\r\nbroken"
                    : Backend.ok("hello" + request.body());
        });
    }

    private void awaitRelease() {
        try {
            released.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @AfterEach
    void stop() throws Exception {
        released.countDown();
        proxy.awaitNothingOpen();
        proxy.close();
        backend.close();
    }

    private static Breaker breaker(int percent, long slowNanos, long openNanos, int trials, long rampNanos) {
        return new Breaker(
                Mode.AUTOMATIC,
                HOUR,
                0,
                4,
                percent,
                List.of(500),
                slowNanos == 0 ? 0 : 50,
                slowNanos,
                openNanos,
                openNanos,
                trials,
                rampNanos);
    }

    private static ResilienceConfig with(Breaker breaker) {
        return new ResilienceConfig(breaker, null, null, null, null);
    }

    private static ResilienceConfig with(Limits limits) {
        return new ResilienceConfig(null, null, null, limits, null);
    }

    private static ResilienceConfig with(Fallback fallback) {
        return new ResilienceConfig(null, null, null, null, fallback);
    }

    private static UpstreamConfig upstream(String name, @Nullable ResilienceConfig config, int... ports) {
        return upstream(name, UpstreamConfig.Protocol.HTTP, config, ports);
    }

    private static UpstreamConfig upstream(
            String name, UpstreamConfig.Protocol protocol, @Nullable ResilienceConfig config, int... ports) {
        return new UpstreamConfig(
                name,
                protocol,
                Arrays.stream(ports)
                        .mapToObj(each -> new UpstreamConfig.Endpoint("127.0.0.1", each))
                        .toList(),
                null,
                config == null ? null : TrafficConfig.NONE.withResilience(config));
    }

    private void serve(ResilienceConfig config) {
        proxy.serve(List.of(rule("u")), upstream("u", config, backend.port()));
    }

    private static RuleConfig retrying(String upstream, int attempts, long timeoutMillis) {
        return new RuleConfig(
                "",
                List.of(MatchConfig.ANY),
                List.of(),
                List.of(new BackendConfig(upstream, 1, List.of())),
                0,
                timeoutMillis,
                new RetryConfig(List.of(500), attempts, 0),
                null);
    }

    private int status(String target) throws Exception {
        return Integer.parseInt(proxy.get(target).substring(9, 12));
    }

    private UpstreamReading reading(String upstream) {
        return proxy.plane.upstreams().stream()
                .filter(each -> each.upstream().equals(upstream))
                .findFirst()
                .orElseThrow();
    }

    private CircuitBreaker.State state() {
        CircuitBreaker.Reading breaker = reading("u").breaker();
        return breaker == null ? CircuitBreaker.State.DISABLED : breaker.state();
    }

    private double metric(String name, String... labels) {
        return proxy.kernel.metrics().scrape().stream()
                .filter(each -> each.getMetadata().getPrometheusName().equals(name))
                .flatMap(each -> each.getDataPoints().stream())
                .filter(each -> each.getLabels().equals(Labels.of(labels)))
                .mapToDouble(ResilienceTest::value)
                .sum();
    }

    private static double value(DataPointSnapshot point) {
        return switch (point) {
            case CounterSnapshot.CounterDataPointSnapshot counter -> counter.getValue();
            case GaugeSnapshot.GaugeDataPointSnapshot gauge -> gauge.getValue();
            default -> throw new AssertionError(point);
        };
    }

    private double refused(String reason) {
        return metric("coppice_gateway_upstream_refused", "upstream", "u", "reason", reason);
    }

    private void awaitLogged(String text) {
        Path log = directory.resolve("access.log");
        ProxyFixture.await(() -> {
            try {
                return Files.exists(log) && Files.readString(log).contains(text);
            } catch (java.io.IOException e) {
                return false;
            }
        });
    }

    private ProxyFixture.Client sent(String target) throws Exception {
        ProxyFixture.Client client = proxy.client();
        client.send("GET " + target + " HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n");
        return client;
    }

    // ---- the circuit breaker

    @Test
    void aServiceThatFailsGetsNothingForAWhileAndEverybodyIsToldWhen() throws Exception {
        serve(with(breaker(50, 0, HOUR, 1, 0)));
        failing.set(true);
        for (int i = 0; i < 4; i++) {
            assertThat(status("/")).isEqualTo(500);
        }
        String refused = proxy.get("/").toLowerCase(Locale.ROOT);
        assertThat(refused)
                .startsWith("http/1.1 503")
                .containsPattern("\r\nretry-after: (3600|35\\d\\d)\r\n")
                .contains("the service fails");
        assertThat(backend.seen).hasSize(4);
        assertThat(state()).isEqualTo(CircuitBreaker.State.OPEN);
        assertThat(refused("circuit-breaker")).isEqualTo(1);
        assertThat(metric("coppice_gateway_breaker_state", "upstream", "u", "state", "open"))
                .isEqualTo(1);
        assertThat(metric("coppice_gateway_breaker_state", "upstream", "u", "state", "closed"))
                .isZero();
        assertThat(metric("coppice_gateway_breaker_transitions", "upstream", "u", "state", "open"))
                .isEqualTo(1);
        awaitLogged("\"reason\":\"circuit-breaker\"");
    }

    @Test
    void aCallOfGrpcThatIsRefusedIsUnavailable() throws Exception {
        ResilienceConfig closed =
                with(new Breaker(Mode.FORCED_OPEN, HOUR, 0, 4, 50, List.of(500), 0, 0, HOUR, HOUR, 1, 0));
        serve(closed);
        String answer = proxy.exchange("POST /a.B/C HTTP/1.1\r\nHost: example.org\r\nContent-Length: 0\r\n"
                + "Content-Type: application/grpc\r\nConnection: close\r\n\r\n");
        assertThat(answer).startsWith("HTTP/1.1 200").contains("grpc-status: 14");
        assertThat(backend.seen).isEmpty();
        assertThat(state()).isEqualTo(CircuitBreaker.State.FORCED_OPEN);
    }

    @Test
    void itRecoversOverATrialAndAGrowingShare() throws Exception {
        serve(with(breaker(50, 0, 1, 2, HOUR)));
        failing.set(true);
        for (int i = 0; i < 4; i++) {
            status("/");
        }
        failing.set(false);
        assertThat(status("/")).isEqualTo(200);
        assertThat(status("/")).isEqualTo(200);
        assertThat(state()).isEqualTo(CircuitBreaker.State.HALF_OPEN);
        int passed = 0;
        for (int i = 0; i < 40; i++) {
            passed += status("/") == 200 ? 1 : 0;
        }
        assertThat(passed).as("a tenth").isBetween(3, 5);
        // Failures open it again, be they as few as there were trials.
        failing.set(true);
        ProxyFixture.await(() -> {
            try {
                status("/");
            } catch (Exception e) {
                throw new AssertionError(e);
            }
            return metric("coppice_gateway_breaker_transitions", "upstream", "u", "state", "open") >= 2;
        });
    }

    @Test
    void itCloses() throws Exception {
        serve(with(breaker(50, 0, 1, 1, 1)));
        failing.set(true);
        for (int i = 0; i < 4; i++) {
            status("/");
        }
        assertThat(state()).isEqualTo(CircuitBreaker.State.OPEN);
        failing.set(false);
        for (int i = 0; i < 3; i++) {
            assertThat(status("/")).isEqualTo(200);
        }
        assertThat(state()).isEqualTo(CircuitBreaker.State.CLOSED);
    }

    @Test
    void aServiceThatIsSlowGetsNothingForAWhile() throws Exception {
        serve(with(breaker(0, 1, HOUR, 1, 0)));
        for (int i = 0; i < 4; i++) {
            assertThat(status("/")).isEqualTo(200);
        }
        assertThat(status("/")).isEqualTo(503);
        assertThat(backend.seen).hasSize(4);
    }

    @Test
    void whatIsNotThereOrBreaksOffIsAFailureToo() throws Exception {
        int nobody = FreePorts.next();
        proxy.serve(List.of(rule("u")), upstream("u", with(breaker(100, 0, HOUR, 1, 0)), nobody));
        for (int i = 0; i < 4; i++) {
            assertThat(status("/")).isEqualTo(503);
        }
        assertThat(state()).isEqualTo(CircuitBreaker.State.OPEN);
        try (Backend half = new Backend((_, conversation) -> {
            conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
            return null;
        })) {
            proxy.serve(List.of(rule("v")), upstream("v", with(breaker(100, 0, HOUR, 1, 0)), half.port()));
            for (int i = 0; i < 4; i++) {
                assertThat(proxy.get("/")).startsWith("HTTP/1.1 200");
            }
            ProxyFixture.await(() -> {
                CircuitBreaker.Reading breaker = reading("v").breaker();
                return breaker != null && breaker.state() == CircuitBreaker.State.OPEN;
            });
        }
    }

    @Test
    void aClientThatGoesSaysNothingOfTheService() throws Exception {
        serve(with(breaker(50, 0, 1, 1, 0)));
        failing.set(true);
        for (int i = 0; i < 4; i++) {
            status("/");
        }
        failing.set(false);
        // The one trial there is, which its client gives up.
        try (ProxyFixture.Client client = sent("/held")) {
            ProxyFixture.await(() -> backend.seen.size() == 5);
            assertThat(status("/")).isEqualTo(503);
            client.reset();
        }
        proxy.awaitNothingOpen();
        assertThat(status("/")).isEqualTo(200);
        assertThat(state()).isEqualTo(CircuitBreaker.State.CLOSED);
    }

    @Test
    void stateGoesOnWhenEndpointsChange() throws Exception {
        serve(with(breaker(50, 0, HOUR, 1, 0)));
        failing.set(true);
        for (int i = 0; i < 4; i++) {
            status("/");
        }
        try (Backend second = Backend.saying("second")) {
            proxy.serve(
                    List.of(rule("u")), upstream("u", with(breaker(50, 0, HOUR, 1, 0)), backend.port(), second.port()));
            assertThat(status("/")).isEqualTo(503);
            proxy.serve(List.of(rule("u")), upstream("u", null, second.port()));
            assertThat(status("/")).isEqualTo(200);
        }
    }

    // ---- retries

    @Test
    void retriesAreKeptToTheBudgetAndThenTheServicesOwnAnswerIsPassedOn() throws Exception {
        ResilienceConfig config =
                new ResilienceConfig(null, new ResilienceConfig.RetryBudget(0, HOUR, 2, HOUR), null, null, null);
        proxy.serve(List.of(retrying("u", 5, 0)), upstream("u", config, backend.port()));
        failing.set(true);
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 500").endsWith("broken");
        assertThat(backend.seen).hasSize(3);
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 500").endsWith("broken");
        assertThat(backend.seen).hasSize(4);
        assertThat(refused("retry-budget")).isEqualTo(2);
        assertThat(reading("u").retries()).isEqualTo(2);
        assertThat(reading("u").requests()).isEqualTo(4);
    }

    @Test
    void thereIsABudgetWithoutAPolicy() throws Exception {
        proxy.serve(List.of(retrying("u", 1000, 0)), upstream("u", null, backend.port()));
        failing.set(true);
        assertThat(status("/")).isEqualTo(500);
        // A hundred in ten seconds.
        assertThat(backend.seen.size()).isBetween(101, 900);
        assertThat(refused("retry-budget")).isEqualTo(1);
    }

    @Test
    void triesThatNoEndpointSawCostNothing() throws Exception {
        int nobody = FreePorts.next();
        ResilienceConfig config =
                new ResilienceConfig(null, new ResilienceConfig.RetryBudget(0, HOUR, 0, HOUR), null, null, null);
        proxy.serve(List.of(rule("u")), upstream("u", config, nobody, backend.port()));
        for (int i = 0; i < 10; i++) {
            assertThat(status("/")).isEqualTo(200);
        }
        assertThat(refused("retry-budget")).isZero();
    }

    @Test
    void retriesAtOneTimeAreBounded() throws Exception {
        proxy.serve(List.of(retrying("u", 5, 0)), upstream("u", with(new Limits(0, null, null, 0, 0)), backend.port()));
        failing.set(true);
        assertThat(status("/")).isEqualTo(500);
        assertThat(backend.seen).hasSize(1);
        assertThat(refused("parallel-retries")).isEqualTo(1);
        proxy.serve(List.of(retrying("u", 5, 0)), upstream("u", with(new Limits(0, null, null, 1, 0)), backend.port()));
        assertThat(status("/")).isEqualTo(500);
        assertThat(backend.seen).hasSize(7);
    }

    @Test
    void aTryThatTakesTooLongIsMadeAgainWithinTheBudget() throws Exception {
        ResilienceConfig config =
                new ResilienceConfig(null, new ResilienceConfig.RetryBudget(0, HOUR, 1, HOUR), null, null, null);
        proxy.serve(List.of(retrying("u", 5, 100)), upstream("u", config, backend.port()));
        assertThat(status("/held")).isEqualTo(504);
        assertThat(backend.seen).hasSize(2);
        awaitLogged("\"reason\":\"timeout\"");
    }

    // ---- bounds

    @Test
    void requestsAtOneTimeAreBounded() throws Exception {
        serve(with(new Limits(0, null, 1, null, 0)));
        try (ProxyFixture.Client held = sent("/held")) {
            ProxyFixture.await(() -> backend.seen.size() == 1);
            assertThat(reading("u").parallelRequests()).isEqualTo(1);
            assertThat(metric("coppice_gateway_upstream_in_use", "upstream", "u", "bound", "parallel-requests"))
                    .isEqualTo(1);
            assertThat(proxy.get("/")).startsWith("HTTP/1.1 503").contains("as many requests as it may have");
            released.countDown();
            assertThat(held.rest()).startsWith("HTTP/1.1 200");
        }
        assertThat(status("/")).isEqualTo(200);
        assertThat(refused("parallel-requests")).isEqualTo(1);
    }

    @Test
    void aWebSocketIsAParallelRequestUntilItEnds() throws Exception {
        try (Backend chat = new Backend((_, conversation) -> {
            conversation.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
            conversation.in().readAllBytes();
            return null;
        })) {
            ResilienceConfig config = new ResilienceConfig(
                    breaker(50, 0, HOUR, 1, 0),
                    null,
                    new ResilienceConfig.Concurrency(1, 1, 150, HOUR),
                    new Limits(0, null, 1, null, 0),
                    null);
            proxy.serve(List.of(rule("u")), upstream("u", config, chat.port()));
            try (ProxyFixture.Client client = proxy.client()) {
                client.send("GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
                assertThat(client.head().getFirst()).contains("101");
                assertThat(reading("u").parallelRequests()).isEqualTo(1);
                assertThat(reading("u").waitingForAnswer()).isZero();
                assertThat(status("/")).isEqualTo(503);
            }
            ProxyFixture.await(() -> reading("u").idle());
        }
    }

    @Test
    void requestsThatWaitForAConnectionAreBounded() throws Exception {
        serve(with(new Limits(1, 1, null, null, 0)));
        try (ProxyFixture.Client held = sent("/held")) {
            ProxyFixture.await(() -> backend.seen.size() == 1);
            try (ProxyFixture.Client waiting = sent("/second")) {
                ProxyFixture.await(() -> reading("u").pendingRequests() == 1);
                assertThat(proxy.get("/")).startsWith("HTTP/1.1 503").contains("too many requests wait");
                assertThat(reading("u").connections()).isEqualTo(1);
                released.countDown();
                assertThat(held.rest()).startsWith("HTTP/1.1 200");
                assertThat(waiting.rest()).startsWith("HTTP/1.1 200");
            }
        }
        assertThat(backend.connections.get()).isEqualTo(1);
        assertThat(refused("pending-requests")).isEqualTo(1);
        awaitLogged("\"reason\":\"pending-requests\"");
    }

    @Test
    void aConnectionServesSoManyRequestsAndNoMore() throws Exception {
        serve(with(new Limits(0, null, null, null, 2)));
        for (int i = 0; i < 6; i++) {
            assertThat(status("/")).isEqualTo(200);
        }
        assertThat(backend.connections.get()).isEqualTo(3);
        Http2Backend http2 = new Http2Backend(100);
        try {
            proxy.serve(
                    List.of(rule("v")),
                    upstream("v", UpstreamConfig.Protocol.H2C, with(new Limits(0, null, null, null, 2)), http2.port()));
            for (int i = 0; i < 6; i++) {
                assertThat(status("/")).isEqualTo(200);
            }
            assertThat(http2.connections.get()).isEqualTo(3);
            ProxyFixture.await(() -> reading("v").connections() == 0);
        } finally {
            proxy.awaitNothingOpen();
            http2.close();
        }
    }

    @Test
    void whoWaitsForAnAnswerIsBoundedByLatency() throws Exception {
        serve(new ResilienceConfig(null, null, new ResilienceConfig.Concurrency(1, 1, 150, HOUR), null, null));
        try (ProxyFixture.Client held = sent("/held")) {
            ProxyFixture.await(() -> backend.seen.size() == 1);
            assertThat(proxy.get("/").toLowerCase(Locale.ROOT))
                    .startsWith("http/1.1 503")
                    .contains("\r\nretry-after: 1\r\n")
                    .contains("slower than usual");
            assertThat(metric("coppice_gateway_concurrency_limit", "upstream", "u"))
                    .isEqualTo(1);
            assertThat(metric("coppice_gateway_concurrency_used", "upstream", "u"))
                    .isEqualTo(1);
            released.countDown();
            assertThat(held.rest()).startsWith("HTTP/1.1 200");
        }
        assertThat(status("/")).isEqualTo(200);
        assertThat(refused("concurrency")).isEqualTo(1);
    }

    @Test
    void anAnswerThatHasBegunDoesNotCountForLatency() throws Exception {
        try (Backend events = new Backend((request, conversation) -> {
            if (!request.line().contains("/events")) {
                return Backend.ok("hello");
            }
            conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfirst");
            awaitRelease();
            return "last";
        })) {
            proxy.serve(
                    List.of(rule("u")),
                    upstream(
                            "u",
                            new ResilienceConfig(
                                    null, null, new ResilienceConfig.Concurrency(1, 1, 150, HOUR), null, null),
                            events.port()));
            try (ProxyFixture.Client client = sent("/events")) {
                assertThat(client.head().getFirst()).contains("200");
                assertThat(status("/")).isEqualTo(200);
                released.countDown();
                assertThat(client.rest()).isEqualTo("firstlast");
            }
        }
    }

    @Test
    void copiesOfRequestsAreBoundedAsRequestsAre() throws Exception {
        try (Backend shadow = Backend.saying("shadow")) {
            Breaker open = new Breaker(Mode.FORCED_OPEN, HOUR, 0, 4, 50, List.of(), 0, 0, HOUR, HOUR, 1, 0);
            RuleConfig rule = rule("v", new FilterConfig.Mirror("u", 1, 1));
            proxy.serve(List.of(rule), upstream("v", null, backend.port()), upstream("u", with(open), shadow.port()));
            assertThat(status("/")).isEqualTo(200);
            assertThat(shadow.seen).isEmpty();
            assertThat(metric("coppice_gateway_mirrors_lost", "reason", "circuit-breaker"))
                    .isEqualTo(1);
            proxy.serve(
                    List.of(rule),
                    upstream("v", null, backend.port()),
                    upstream("u", with(new Limits(0, null, 1, null, 0)), shadow.port()));
            assertThat(status("/")).isEqualTo(200);
            ProxyFixture.await(() -> shadow.seen.size() == 1 && reading("u").idle());
        }
    }

    // ---- fallbacks

    private static final Fallback SORRY = new Fallback(
            new Fallback.Response(
                    203, List.of(new FilterConfig.Header("Content-Type", "application/json")), "{\"sorry\":true}"),
            null);

    @Test
    void whoGetsNoAnswerGetsTheOneThatIsThereForThat() throws Exception {
        int nobody = FreePorts.next();
        for (UpstreamConfig each : List.of(upstream("u", with(SORRY)), upstream("u", with(SORRY), nobody))) {
            proxy.serve(List.of(rule("u")), each);
            assertThat(proxy.get("/").toLowerCase(Locale.ROOT))
                    .startsWith("http/1.1 203")
                    .contains("content-type: application/json")
                    .contains("content-length: 14")
                    .endsWith("{\"sorry\":true}");
        }
        assertThat(metric("coppice_gateway_fallbacks", "upstream", "u", "to", "response"))
                .isEqualTo(2);
        awaitLogged("\"reason\":\"no-endpoint\"");
        awaitLogged("\"reason\":\"connect\"");
        String grpc = proxy.exchange("POST /a.B/C HTTP/1.1\r\nHost: example.org\r\nContent-Length: 0\r\n"
                + "Content-Type: application/grpc\r\nConnection: close\r\n\r\n");
        assertThat(grpc).startsWith("HTTP/1.1 200").contains("grpc-status: 14");
    }

    @Test
    void theServicesOwnFailuresAreNotReplaced() throws Exception {
        serve(with(SORRY));
        failing.set(true);
        assertThat(status("/")).isEqualTo(500);
    }

    @Test
    void aTimeoutFallsBack() throws Exception {
        proxy.serve(
                List.of(new RuleConfig(
                        "",
                        List.of(MatchConfig.ANY),
                        List.of(),
                        List.of(new BackendConfig("u", 1, List.of())),
                        100,
                        0,
                        null,
                        null)),
                upstream("u", with(SORRY), backend.port()));
        assertThat(status("/held")).isEqualTo(203);
    }

    @Test
    void anotherBackendGetsTheRequestWithItsBody() throws Exception {
        try (Backend dead = new Backend((_, _) -> null)) {
            proxy.serve(
                    List.of(rule("u")),
                    upstream("u", with(new Fallback(null, "v")), dead.port()),
                    upstream("v", with(new Fallback(null, "u")), backend.port()));
            String post = "POST / HTTP/1.1\r\nHost: example.org\r\nContent-Length: 5\r\nConnection: close\r\n\r\nworld";
            assertThat(proxy.exchange(post)).startsWith("HTTP/1.1 200").endsWith("helloworld");
            assertThat(dead.seen).hasSize(1);
            assertThat(metric("coppice_gateway_fallbacks", "upstream", "u", "to", "backend"))
                    .isEqualTo(1);
            // Its own fallback does not count, nor is the first one asked again.
            int nobody = FreePorts.next();
            proxy.serve(
                    List.of(rule("u")),
                    upstream("u", with(new Fallback(null, "v")), dead.port()),
                    upstream("v", with(new Fallback(null, "u")), nobody));
            assertThat(status("/")).isEqualTo(503);
            assertThat(dead.seen).hasSize(2);
        }
    }

    @Test
    void aBreakerThatIsOpenFallsBackAtOnce() throws Exception {
        Breaker open = new Breaker(Mode.FORCED_OPEN, HOUR, 0, 4, 50, List.of(), 0, 0, HOUR, HOUR, 1, 0);
        try (Backend closed = Backend.saying("closed")) {
            proxy.serve(
                    List.of(rule("u")),
                    upstream("u", new ResilienceConfig(open, null, null, null, new Fallback(null, "v")), closed.port()),
                    upstream("v", null, backend.port()));
            assertThat(proxy.get("/")).endsWith("hello");
            assertThat(closed.seen).isEmpty();
        }
    }

    // ---- the gateway itself

    @Test
    void whoComesWhileAnEventLoopIsLateIsRefused() throws Exception {
        proxy.close();
        proxy = new ProxyFixture(ProxyOptions.DEFAULT
                .withLoops(1)
                .withAccessLog(directory.resolve("access.log"))
                // Always late.
                .withOverload(new ProxyOptions.Overload(Duration.ofNanos(-2), Duration.ofNanos(-3), 101, 100)));
        serve(ResilienceConfig.DEFAULT);
        ProxyFixture.await(() -> {
            try {
                String answer = proxy.get("/").toLowerCase(Locale.ROOT);
                return answer.startsWith("http/1.1 503")
                        && answer.contains("\r\nretry-after: 1\r\n")
                        && answer.contains("the gateway has too much to do");
            } catch (java.io.IOException e) {
                throw new AssertionError(e);
            }
        });
        assertThat(metric("coppice_gateway_shed", "reason", "event-loop")).isPositive();
        assertThat(metric("coppice_gateway_shed_ratio", "reason", "event-loop")).isGreaterThanOrEqualTo(0.5);
        awaitLogged("\"reason\":\"event-loop\"");
        ProxyFixture.await(() -> {
            try {
                return status("/") == 200;
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
    }

    @Test
    void aFullHeapShedsAndRecovers() {
        double[] percent = {99};
        long second = 1000 * MILLI;
        try (Overload overload = new Overload(
                ProxyOptions.Overload.DEFAULT,
                new io.prometheus.metrics.model.registry.PrometheusRegistry(),
                0,
                () -> percent[0])) {
            Overload.Loop loop = overload.loop();
            for (int i = 0; i < 10; i++) {
                // Looked at once a second.
                overload.look(second / 2);
            }
            assertThat(loop.refuses()).isNull();
            for (int i = 1; i <= 10; i++) {
                overload.look(i * 2 * second);
            }
            int refused = 0;
            for (int i = 0; i < 100; i++) {
                refused += loop.refuses() == Overload.Reason.HEAP ? 1 : 0;
            }
            assertThat(refused).isBetween(94, 96);
            percent[0] = 50;
            for (int i = 11; i <= 40; i++) {
                overload.look(i * 2 * second);
            }
            assertThat(loop.refuses()).isNull();
        }
    }
}
