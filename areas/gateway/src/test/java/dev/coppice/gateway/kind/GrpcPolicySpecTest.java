package dev.coppice.gateway.kind;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What an API server takes of GRPCPolicies, and what it refuses. */
class GrpcPolicySpecTest {
    private static final String ROUTE = "{group: gateway.networking.k8s.io, kind: GRPCRoute, name: books}";

    private final SpecProblems specs = new SpecProblems(GatewayKinds.GRPC_POLICY);

    private String problems(String target, String fields) throws Exception {
        return specs.of("{targetRefs: [" + target + "], " + fields + "}");
    }

    @Test
    void goodOnesAreTaken() throws Exception {
        assertThat(problems(ROUTE, "retry: {statuses: [UNAVAILABLE]}")).isEmpty();
        assertThat(problems(ROUTE, "cors: {allowOrigins: [\"*\"]}")).isEmpty();
        assertThat(problems(ROUTE, "transcoding: {descriptors: {inline: QUJD}}"))
                .isEmpty();
        assertThat(problems(ROUTE, "transcoding: {descriptors: {ref: {name: a}}, maxMessageBytes: 1024}"))
                .isEmpty();
    }

    @Test
    void whatNobodyCouldMeanIsRefused() throws Exception {
        assertThat(problems(ROUTE, "retry: {statuses: [OK]}")).contains("statuses");
        assertThat(problems(ROUTE, "retry: {statuses: []}")).contains("statuses");
        assertThat(problems(ROUTE, "retry: {statuses: [ABORTED], backoff: 1h}")).contains("backoff must be 1m or less");
        assertThat(problems(ROUTE, "transcoding: {descriptors: {}}")).contains("one of inline and ref must be given");
        assertThat(problems(ROUTE, "transcoding: {descriptors: {inline: QUJD, ref: {name: a}}}"))
                .contains("one of inline and ref must be given");
        assertThat(problems(ROUTE, "transcoding: {descriptors: {ref: {name: a, kind: Service}}}"))
                .contains("kind");
        assertThat(problems(ROUTE.replace("GRPCRoute", "Gateway"), "retry: {statuses: [ABORTED]}"))
                .contains("expected kind GRPCRoute or HTTPRoute");
    }
}
