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
        assertThat(problems(", cache: {}")).isEmpty();
        assertThat(
                        problems(
                                ", cache: {enabled: false, defaultTtl: 1m, staleWhileRevalidate: 10s, staleIfError: 24h, maxBodyBytes: 0, clientDirectives: Ignore, collapseTimeout: 0s, version: '2026-01-01', key: {ignoredQueryParameters: ['utm_*', ref], headers: [x-tenant]}}"))
                .isEmpty();
        assertThat(
                        problems(
                                ", compression: {algorithms: [Gzip], contentTypes: [text/html, 'image/*', '*+json'], minBytes: 0}"))
                .isEmpty();
    }

    @Test
    void whatNobodyCouldMeanIsRefused() throws Exception {
        assertThat(problems("")).contains("compression, maxRequestBytes or cache must be given");
        assertThat(problems(", compression: {algorithms: []}")).contains("algorithms");
        assertThat(problems(", compression: {algorithms: [Gzip, Gzip]}")).contains("algorithms");
        assertThat(problems(", compression: {algorithms: [Deflate]}")).contains("algorithms");
        assertThat(problems(", compression: {contentTypes: [html]}")).contains("contentTypes");
        assertThat(problems(", compression: {contentTypes: ['*']}")).contains("contentTypes");
        assertThat(problems(", compression: {minBytes: -1}")).contains("minBytes");
        assertThat(problems(", maxRequestBytes: -1")).contains("maxRequestBytes");
        assertThat(problems(", cache: {defaultTtl: 0s}")).contains("defaultTtl must be 1s to 8760h");
        assertThat(problems(", cache: {defaultTtl: 10}")).contains("defaultTtl");
        assertThat(problems(", cache: {staleWhileRevalidate: 9000h}"))
                .contains("staleWhileRevalidate must be 0s to 8760h");
        assertThat(problems(", cache: {staleIfError: 9000h}")).contains("staleIfError must be 0s to 8760h");
        assertThat(problems(", cache: {collapseTimeout: 31s}")).contains("collapseTimeout must be 0s to 30s");
        assertThat(problems(", cache: {maxBodyBytes: 67108865}")).contains("maxBodyBytes");
        assertThat(problems(", cache: {clientDirectives: Obey}")).contains("clientDirectives");
        assertThat(problems(", cache: {version: 'a b'}")).contains("version");
        assertThat(problems(", cache: {key: {headers: [X-Tenant]}}")).contains("headers");
        assertThat(problems(", cache: {key: {ignoredQueryParameters: ['a=b']}}"))
                .contains("ignoredQueryParameters");
        assertThat(problems(", cache: {key: {ignoredQueryParameters: ['a*b']}}"))
                .contains("ignoredQueryParameters");
    }
}
