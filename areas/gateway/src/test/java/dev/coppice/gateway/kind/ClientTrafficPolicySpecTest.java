package dev.coppice.gateway.kind;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What an API server takes of ClientTrafficPolicies, and what it refuses. */
class ClientTrafficPolicySpecTest {
    private static final String GATE = "{group: gateway.networking.k8s.io, kind: Gateway, name: gate}";

    private final SpecProblems specs = new SpecProblems(GatewayKinds.CLIENT_TRAFFIC_POLICY);

    private String problems(String target, String fields) throws Exception {
        return specs.of("{targetRefs: [" + target + "], " + fields + "}");
    }

    @Test
    void goodOnesAreTaken() throws Exception {
        assertThat(problems(GATE, "proxyProtocol: {trustedAddresses: [10.0.0.0/8, \"fd00::/8\", 127.0.0.1, \"::1\"]}"))
                .isEmpty();
        assertThat(problems(GATE, "webSocket: {idleTimeout: 1s, maxDuration: 24h, maxConnections: 1}"))
                .isEmpty();
    }

    @Test
    void whatNobodyCouldMeanIsRefused() throws Exception {
        assertThat(problems(GATE, "proxyProtocol: {trustedAddresses: [10.0.0.0/33]}"))
                .contains("expected ranges of addresses such as 10.0.0.0/8");
        assertThat(problems(GATE, "proxyProtocol: {trustedAddresses: []}")).contains("trustedAddresses");
        assertThat(problems(GATE, "webSocket: {idleTimeout: 10ms}")).contains("idleTimeout must be 1s to 24h");
        assertThat(problems(GATE, "webSocket: {maxDuration: 0s}")).contains("maxDuration must be 1s or more");
        assertThat(problems(
                        "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop}",
                        "webSocket: {idleTimeout: 1m}"))
                .contains("expected kind Gateway");
        assertThat(problems(GATE + ", " + GATE, "webSocket: {}")).contains("may be there once");
    }
}
