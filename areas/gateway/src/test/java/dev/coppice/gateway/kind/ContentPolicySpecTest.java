package dev.coppice.gateway.kind;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What an API server takes of ContentPolicies, and what it refuses. */
class ContentPolicySpecTest {
    private final SpecProblems specs = new SpecProblems(GatewayKinds.CONTENT_POLICY);

    private String problems(String fields) throws Exception {
        return specs.of(
                "{targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop}]" + fields + "}");
    }

    @Test
    void goodOnesAreTaken() throws Exception {
        assertThat(problems(", compression: {}")).isEmpty();
        assertThat(problems(", maxRequestBytes: 0")).isEmpty();
        assertThat(
                        problems(
                                ", compression: {algorithms: [Gzip], contentTypes: [text/html, 'image/*', '*+json'], minBytes: 0}"))
                .isEmpty();
    }

    @Test
    void whatNobodyCouldMeanIsRefused() throws Exception {
        assertThat(problems("")).contains("compression or maxRequestBytes must be given");
        assertThat(problems(", compression: {algorithms: []}")).contains("algorithms");
        assertThat(problems(", compression: {algorithms: [Gzip, Gzip]}")).contains("algorithms");
        assertThat(problems(", compression: {algorithms: [Deflate]}")).contains("algorithms");
        assertThat(problems(", compression: {contentTypes: [html]}")).contains("contentTypes");
        assertThat(problems(", compression: {contentTypes: ['*']}")).contains("contentTypes");
        assertThat(problems(", compression: {minBytes: -1}")).contains("minBytes");
        assertThat(problems(", maxRequestBytes: -1")).contains("maxRequestBytes");
    }
}
