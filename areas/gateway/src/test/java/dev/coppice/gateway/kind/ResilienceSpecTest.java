package dev.coppice.gateway.kind;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What a BackendTrafficPolicy may say of whether requests are sent at all, and how it is told that it may not. */
class ResilienceSpecTest {
    private static final SpecProblems PROBLEMS = new SpecProblems(GatewayKinds.BACKEND_TRAFFIC_POLICY);

    private static String policy(String section, String fields) throws Exception {
        return PROBLEMS.of(
                "{targetRefs: [{group: \"\", kind: Service, name: web}], " + section + ": {" + fields + "}}");
    }

    @Test
    void goodOnesAreTaken() throws Exception {
        assertThat(policy("circuitBreaker", "")).isEmpty();
        assertThat(policy(
                        "circuitBreaker", "window: 1m, slowAfter: 1s, slowPercent: 10, openTime: 100ms, rampTime: 1h"))
                .isEmpty();
        assertThat(policy("circuitBreaker", "windowRequests: 10, minimumRequests: 5, mode: Disabled"))
                .isEmpty();
        assertThat(policy("retryBudget", "percent: 100, minRetryRate: {}")).isEmpty();
        assertThat(policy("concurrency", "minimum: 7, maximum: 7")).isEmpty();
        assertThat(policy("limits", "maxPendingRequests: 0, maxParallelRetries: 0"))
                .isEmpty();
        assertThat(policy("fallback", "response: {headers: [{name: X-A, value: \"b, c\"}], body: \"{}\"}"))
                .isEmpty();
        assertThat(policy("fallback", "backend: {name: spare, port: 80}")).isEmpty();
    }

    @Test
    void whatNobodyCouldMeanIsRefused() throws Exception {
        assertThat(policy("circuitBreaker", "window: 1m, windowRequests: 10")).contains("may not both be given");
        assertThat(policy("circuitBreaker", "window: 2h")).contains("window must be 1s to 1h");
        assertThat(policy("circuitBreaker", "windowRequests: 9")).contains("spec.circuitBreaker.windowRequests");
        assertThat(policy("circuitBreaker", "minimumRequests: 4001")).contains("spec.circuitBreaker.minimumRequests");
        assertThat(policy("circuitBreaker", "slowPercent: 10")).contains("with slowAfter only");
        assertThat(policy("circuitBreaker", "slowAfter: 2h")).contains("slowAfter must be 1ms to 1h");
        assertThat(policy("circuitBreaker", "openTime: 1ms")).contains("openTime must be 100ms to 1h");
        assertThat(policy("circuitBreaker", "openTime: 10s, maxOpenTime: 5s")).contains("maxOpenTime must be openTime");
        assertThat(policy("circuitBreaker", "rampTime: 2h")).contains("rampTime must be 0s to 1h");
        assertThat(policy("circuitBreaker", "mode: Open")).contains("spec.circuitBreaker.mode");
        assertThat(policy("circuitBreaker", "failureCodes: [99]")).contains("spec.circuitBreaker.failureCodes");
        assertThat(policy("retryBudget", "percent: 101")).contains("spec.retryBudget.percent");
        assertThat(policy("retryBudget", "interval: 1ms")).contains("interval must be 1s to 1h");
        assertThat(policy("retryBudget", "minRetryRate: {interval: 2h}")).contains("interval must be 1s to 1h");
        assertThat(policy("concurrency", "minimum: 10, maximum: 9")).contains("maximum must be minimum or more");
        assertThat(policy("concurrency", "minLatencyInterval: 1ms")).contains("minLatencyInterval must be 1s to 1h");
        assertThat(policy("limits", "maxConnections: 0")).contains("spec.limits.maxConnections");
        assertThat(policy("fallback", "")).contains("one of response and backend");
        assertThat(policy("fallback", "response: {}, backend: {name: a, port: 80}"))
                .contains("one of response and backend");
        assertThat(policy("fallback", "response: {status: 199}")).contains("spec.fallback.response.status");
        assertThat(policy("fallback", "response: {headers: [{name: Content-Length, value: \"3\"}]}"))
                .contains("the gateway's own");
        assertThat(policy("fallback", "response: {headers: [{name: X-A, value: \"b\\r\\nX-B: c\"}]}"))
                .contains("spec.fallback.response.headers[0].value");
        assertThat(policy("fallback", "response: {body: \"" + "a".repeat(16_385) + "\"}"))
                .contains("spec.fallback.response.body");
        assertThat(policy("fallback", "backend: {name: a}")).contains("spec.fallback.backend.port");
    }
}
