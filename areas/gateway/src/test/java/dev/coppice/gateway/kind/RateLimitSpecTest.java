package dev.coppice.gateway.kind;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What a RateLimit may say, and how it is told that it may not. */
class RateLimitSpecTest {
    private static final SpecProblems PROBLEMS = new SpecProblems(GatewayKinds.RATE_LIMIT);
    private static final String GATE = "{group: gateway.networking.k8s.io, kind: Gateway, name: gate}";

    private static String problems(String targets, String limit) throws Exception {
        return PROBLEMS.of("{targetRefs: [" + targets + "], limits: [" + limit + "]}");
    }

    @Test
    void goodOnesAreTaken() throws Exception {
        assertThat(problems(GATE, "{name: a, requests: 1, per: 1s}")).isEmpty();
        assertThat(problems(GATE, "{name: a, requests: 1, per: 24h, burst: 3}")).isEmpty();
        assertThat(problems(GATE, "{name: a, algorithm: SlidingWindow, requests: 1000000, per: 1ms}"))
                .isEmpty();
        assertThat(problems(GATE, "{name: a, algorithm: Concurrency, requests: 1}"))
                .isEmpty();
        assertThat(problems(GATE, "{name: a, requests: 1, per: 1s, scope: Shared}"))
                .isEmpty();
        assertThat(problems(GATE, "{name: a, algorithm: SlidingWindow, requests: 1, per: 1s, scope: Shared}"))
                .isEmpty();
        assertThat(problems(GATE, "{name: a, algorithm: Concurrency, requests: 1, scope: Node}"))
                .isEmpty();
        assertThat(problems(
                        GATE,
                        "{name: a, requests: 1, per: 1s, key: [{type: ClientIP, clientIP: {ipv6PrefixLength: 56}},"
                                + " {type: Header, header: x-a}, {type: Expression, expression: request.host}]}"))
                .isEmpty();
        assertThat(problems(
                        GATE + ", {group: gateway.networking.k8s.io, kind: Gateway, name: gate, sectionName: http}",
                        "{name: a, requests: 1, per: 1s}"))
                .isEmpty();
    }

    @Test
    void whatNobodyCouldMeanIsRefused() throws Exception {
        assertThat(problems(GATE, "{name: a, requests: 1}")).contains("per must be given");
        assertThat(problems(GATE, "{name: a, algorithm: Concurrency, requests: 1, per: 1s}"))
                .contains("per must be given");
        assertThat(problems(GATE, "{name: a, algorithm: SlidingWindow, requests: 1, per: 1s, burst: 2}"))
                .contains("TokenBucket only");
        assertThat(problems(GATE, "{name: a, requests: 1, per: 25h}")).contains("1ms to 24h");
        assertThat(problems(GATE, "{name: a, requests: 1, per: 0s}")).contains("1ms to 24h");
        assertThat(problems(GATE, "{name: a, requests: 0, per: 1s}")).contains("spec.limits[0].requests");
        assertThat(problems(GATE, "{name: A, requests: 1, per: 1s}")).contains("spec.limits[0].name");
        assertThat(problems(GATE, "{name: a, requests: 1, per: 1s, key: [{type: Header}]}"))
                .contains("header must be given");
        assertThat(problems(GATE, "{name: a, requests: 1, per: 1s, key: [{type: Route, constant: x}]}"))
                .contains("constant must be given");
        assertThat(problems(GATE, "{name: a, requests: 1, per: 1s, key: [{type: Route, clientIP: {}}]}"))
                .contains("clientIP may be given");
        assertThat(problems(GATE, "{name: a, algorithm: Concurrency, requests: 1, scope: Shared}"))
                .contains("scope must be Node with Concurrency");
        assertThat(problems(GATE, "{name: a, requests: 1, per: 1s, scope: Cluster}"))
                .contains("spec.limits[0].scope");
        assertThat(problems(GATE + ", " + GATE, "{name: a, requests: 1, per: 1s}"))
                .contains("may be there once");
        assertThat(problems("{group: \"\", kind: Service, name: web}", "{name: a, requests: 1, per: 1s}"))
                .contains("spec.targetRefs[0].kind");
        assertThat(problems(GATE.replace("kind: Gateway", "kind: TCPRoute"), "{name: a, requests: 1, per: 1s}"))
                .contains("routes that have requests: expected kind Gateway, HTTPRoute or GRPCRoute");
    }
}
