package dev.coppice.gateway.config;

import org.jspecify.annotations.Nullable;

/**
 * How requests are sent to the endpoints of an upstream. Immutable; the with-methods copy.
 *
 * @param balance which endpoint gets a request; null: each in its turn
 * @param healthCheck how endpoints are asked whether they are well; null: they are not
 * @param outliers when endpoints are left out because of how they answer; null: never
 */
public record TrafficConfig(
        @Nullable BalanceConfig balance,
        @Nullable HealthCheckConfig healthCheck,
        @Nullable OutlierConfig outliers) {

    /** Says nothing, but that requests are counted. */
    public static final TrafficConfig NONE = new TrafficConfig(null, null, null);

    public TrafficConfig withBalance(@Nullable BalanceConfig balance) {
        return new TrafficConfig(balance, healthCheck, outliers);
    }

    public TrafficConfig withHealthCheck(@Nullable HealthCheckConfig healthCheck) {
        return new TrafficConfig(balance, healthCheck, outliers);
    }

    public TrafficConfig withOutliers(@Nullable OutlierConfig outliers) {
        return new TrafficConfig(balance, healthCheck, outliers);
    }
}
