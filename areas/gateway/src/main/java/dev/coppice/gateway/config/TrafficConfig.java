package dev.coppice.gateway.config;

import org.jspecify.annotations.Nullable;

/**
 * How requests are sent to the endpoints of an upstream. Immutable; the with-methods copy.
 *
 * @param balance which endpoint gets a request; null: each in its turn
 * @param healthCheck how endpoints are asked whether they are well; null: they are not
 * @param outliers when endpoints are left out because of how they answer; null: never
 * @param resilience whether a request is sent at all; null: {@link ResilienceConfig#DEFAULT}
 * @param proxyProtocol in which version endpoints are told who the client is; null: they are not
 * @param credentials what requests have so that the endpoints know the gateway; null: nothing
 */
public record TrafficConfig(
        @Nullable BalanceConfig balance,
        @Nullable HealthCheckConfig healthCheck,
        @Nullable OutlierConfig outliers,
        @Nullable ResilienceConfig resilience,
        @Nullable ProxyProtocol proxyProtocol,
        @Nullable CredentialConfig credentials) {

    /** Versions of the PROXY protocol. */
    public enum ProxyProtocol {
        V1,
        V2
    }

    /** Endpoints are told neither who the client nor who the gateway is. */
    public TrafficConfig(
            @Nullable BalanceConfig balance,
            @Nullable HealthCheckConfig healthCheck,
            @Nullable OutlierConfig outliers,
            @Nullable ResilienceConfig resilience) {
        this(balance, healthCheck, outliers, resilience, null, null);
    }

    /** Says nothing, but that requests are counted. */
    public static final TrafficConfig NONE = new TrafficConfig(null, null, null, null);

    public TrafficConfig withBalance(@Nullable BalanceConfig balance) {
        return new TrafficConfig(balance, healthCheck, outliers, resilience, proxyProtocol, credentials);
    }

    public TrafficConfig withHealthCheck(@Nullable HealthCheckConfig healthCheck) {
        return new TrafficConfig(balance, healthCheck, outliers, resilience, proxyProtocol, credentials);
    }

    public TrafficConfig withOutliers(@Nullable OutlierConfig outliers) {
        return new TrafficConfig(balance, healthCheck, outliers, resilience, proxyProtocol, credentials);
    }

    public TrafficConfig withResilience(@Nullable ResilienceConfig resilience) {
        return new TrafficConfig(balance, healthCheck, outliers, resilience, proxyProtocol, credentials);
    }

    public TrafficConfig withProxyProtocol(@Nullable ProxyProtocol proxyProtocol) {
        return new TrafficConfig(balance, healthCheck, outliers, resilience, proxyProtocol, credentials);
    }

    public TrafficConfig withCredentials(@Nullable CredentialConfig credentials) {
        return new TrafficConfig(balance, healthCheck, outliers, resilience, proxyProtocol, credentials);
    }

    /**
     * With requests going elsewhere when there is no answer.
     *
     * @param upstream null: nowhere else
     */
    public TrafficConfig withFallback(@Nullable String upstream) {
        ResilienceConfig given = resilience == null ? ResilienceConfig.DEFAULT : resilience;
        return withResilience(new ResilienceConfig(
                given.breaker(),
                given.retryBudget(),
                given.concurrency(),
                given.limits(),
                upstream == null ? null : new ResilienceConfig.Fallback(null, upstream)));
    }
}
