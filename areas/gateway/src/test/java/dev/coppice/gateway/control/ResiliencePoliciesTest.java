package dev.coppice.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.FilterConfig.Header;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ResilienceConfig;
import dev.coppice.gateway.config.ResilienceConfig.Breaker;
import dev.coppice.gateway.config.ResilienceConfig.Fallback;
import dev.coppice.gateway.config.TrafficConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The sections of BackendTrafficPolicies on whether requests are sent at all: what they come to, and what is said of them. */
class ResiliencePoliciesTest {
    private static final long SECOND = 1_000_000_000;
    private static final String ACCEPTED = "Accepted=True/Accepted";

    private final World world = new World()
            .service("default", "web", "{name: http, port: 80}", "10.0.0.1")
            .service("default", "spare", "{name: http, port: 8080}", "10.0.0.2")
            .apply("""
                    kind: Gateway
                    metadata: {name: gate}
                    spec: {gatewayClassName: coppice, listeners: [{name: http, port: 80, protocol: HTTP}]}
                    ---
                    kind: HTTPRoute
                    metadata: {name: shop}
                    spec: {parentRefs: [{name: gate}], rules: [{backendRefs: [{name: web, port: 80}]}]}
                    """);

    private World policy(String service, String fields) {
        return world.apply("kind: BackendTrafficPolicy\nmetadata: {name: " + service
                + "}\nspec: {targetRefs: [{group: \"\", kind: Service, name: " + service + "}], " + fields + "}");
    }

    private static @Nullable ResilienceConfig resilience(World.Outcome outcome, String upstream) {
        TrafficConfig traffic = outcome.upstream(upstream).traffic();
        return traffic == null ? null : traffic.resilience();
    }

    private static List<String> said(World.Outcome outcome, String policy) {
        return outcome.parents("BackendTrafficPolicy", policy);
    }

    private static String message(World.Outcome outcome, String policy, int condition) {
        return ((Draft.OfRoute) outcome.draft("BackendTrafficPolicy", policy))
                .parents()
                .getFirst()
                .conditions()
                .get(condition)
                .message();
    }

    @Test
    void sectionsAreReadWithTheirDefaults() {
        policy("web", "circuitBreaker: {}, retryBudget: {}, concurrency: {}, limits: {}, fallback: {response: {}}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "web")).containsExactly(ACCEPTED);
        assertThat(resilience(outcome, "default/web:80"))
                .isEqualTo(new ResilienceConfig(
                        new Breaker(
                                Breaker.Mode.AUTOMATIC,
                                10 * SECOND,
                                0,
                                20,
                                50,
                                List.of(500, 502, 503, 504),
                                0,
                                0,
                                5 * SECOND,
                                60 * SECOND,
                                5,
                                10 * SECOND),
                        new ResilienceConfig.RetryBudget(20, 10 * SECOND, 10, SECOND),
                        new ResilienceConfig.Concurrency(5, 1000, 150, 60 * SECOND),
                        new ResilienceConfig.Limits(0, null, null, null, 0),
                        new Fallback(new Fallback.Response(503, List.of(), ""), null)));
        policy("web", "loadBalancer: {}");
        assertThat(resilience(world.translate(), "default/web:80")).isNull();
    }

    @Test
    void sectionsAreReadAsTheySay() {
        policy(
                "web",
                "circuitBreaker: {mode: ForcedOpen, windowRequests: 100, minimumRequests: 91, failurePercent: 0, failureCodes: [500],"
                        + " slowAfter: 2s, openTime: 1s, maxOpenTime: 1h, trialRequests: 1, rampTime: 0s},"
                        + " retryBudget: {percent: 0, interval: 1m, minRetryRate: {count: 3, interval: 2s}},"
                        + " concurrency: {minimum: 1, maximum: 2, tolerancePercent: 200, minLatencyInterval: 10s},"
                        + " limits: {maxConnections: 1, maxPendingRequests: 0, maxParallelRequests: 2, maxParallelRetries: 0, maxRequestsPerConnection: 5},"
                        + " fallback: {response: {status: 200, headers: [{name: X-A, value: b c}], body: sorry}}");
        assertThat(resilience(world.translate(), "default/web:80"))
                .isEqualTo(new ResilienceConfig(
                        new Breaker(
                                Breaker.Mode.FORCED_OPEN,
                                0,
                                100,
                                91,
                                0,
                                List.of(500),
                                80,
                                2 * SECOND,
                                SECOND,
                                3600 * SECOND,
                                1,
                                0),
                        new ResilienceConfig.RetryBudget(0, 60 * SECOND, 3, 2 * SECOND),
                        new ResilienceConfig.Concurrency(1, 2, 200, 10 * SECOND),
                        new ResilienceConfig.Limits(1, 0, 2, 0, 5),
                        new Fallback(new Fallback.Response(200, List.of(new Header("X-A", "b c")), "sorry"), null)));
    }

    @Test
    void aWindowHasTheLeastNumberOfRequestsAtAnyTime() {
        policy("web", "circuitBreaker: {windowRequests: 100, minimumRequests: 92}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "web")).containsExactly("Accepted=False/Invalid");
        assertThat(message(outcome, "web", 0))
                .startsWith("circuitBreaker.minimumRequests: 92 is more than a window of 100 requests has")
                .contains("expected 91 at most");
        assertThat(resilience(outcome, "default/web:80")).isNull();
    }

    @Test
    void aFallbackToAServiceIsServedThoughNoRouteNamesIt() {
        policy("web", "circuitBreaker: {}, fallback: {backend: {name: spare, port: 8080}}");
        policy("spare", "fallback: {backend: {name: web, port: 80}}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "web")).containsExactly(ACCEPTED + " ResolvedRefs=True/ResolvedRefs");
        ResilienceConfig config = resilience(outcome, "default/web:80");
        assertThat(config).isNotNull();
        assertThat(config.breaker()).isNotNull();
        assertThat(config.fallback()).isEqualTo(new Fallback(null, "default/spare:8080"));
        assertThat(outcome.upstream("default/spare:8080").endpoints())
                .extracting(UpstreamConfig.Endpoint::address)
                .containsExactly("10.0.0.2");
        // Both are each other's: that is no loop here, and the data plane goes to one other at most.
        assertThat(resilience(outcome, "default/spare:8080").fallback())
                .isEqualTo(new Fallback(null, "default/web:80"));
        assertThat(outcome.config().upstreams()).hasSize(2);
    }

    @Test
    void aFallbackThatLeadsNowhereIsToldAndIsNone() {
        policy("web", "fallback: {backend: {name: spare, port: 81}}, limits: {maxConnections: 3}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "web")).containsExactly(ACCEPTED + " ResolvedRefs=False/BackendNotFound");
        assertThat(message(outcome, "web", 1))
                .isEqualTo(
                        "fallback.backend: Service default/spare has no port 81; until that is mended there is no fallback");
        ResilienceConfig config = resilience(outcome, "default/web:80");
        assertThat(config).isNotNull();
        assertThat(config.fallback()).isNull();
        assertThat(config.limits().connections()).isEqualTo(3);
        policy("web", "fallback: {backend: {name: nobody, port: 81}}");
        assertThat(message(world.translate(), "web", 1)).contains("Service default/nobody does not exist");
    }

    @Test
    void aSavedConfigurationHasIt(@TempDir Path directory) throws Exception {
        policy(
                "web",
                "circuitBreaker: {slowAfter: 1s}, retryBudget: {}, concurrency: {}, limits: {maxPendingRequests: 1},"
                        + " fallback: {response: {headers: [{name: a, value: b}]}}");
        GatewayConfig config = world.translate().config();
        SavedConfig saved = World.saved(directory.resolve("config.json"));
        saved.write(config);
        assertThat(saved.read()).contains(config);
        policy("web", "fallback: {backend: {name: spare, port: 8080}}");
        config = world.translate().config();
        saved.write(config);
        assertThat(saved.read()).contains(config);
    }
}
