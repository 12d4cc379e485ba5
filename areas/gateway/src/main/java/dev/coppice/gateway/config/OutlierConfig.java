package dev.coppice.gateway.config;

import org.jspecify.annotations.Nullable;

/**
 * When an endpoint is left out for a while because of how it answers. Immutable.
 *
 * @param consecutive5xx answers with 5xx, or none at all, one after the other; 0: not looked at
 * @param consecutiveGatewayFailures answers with 502, 503 or 504, or none at all, one after the other; 0: not looked at
 * @param successRate null: not looked at
 * @param intervalNanos between two looks at the success rates, after which also times out grow shorter again
 * @param baseEjectionNanos how long it is out for the first time; the second time twice as long, and so on
 * @param maxEjectionNanos at most
 * @param maxEjectionPercent of the endpoints may be out at one time, rounded down; one at least where there are several
 */
public record OutlierConfig(
        int consecutive5xx,
        int consecutiveGatewayFailures,
        @Nullable SuccessRate successRate,
        long intervalNanos,
        long baseEjectionNanos,
        long maxEjectionNanos,
        int maxEjectionPercent) {

    /**
     * Endpoints whose success rate is far below the others'.
     *
     * @param minimumEndpoints with enough requests; with fewer nothing is compared
     * @param requestVolume requests within an interval that an endpoint needs to be compared
     * @param stdevFactor how many standard deviations below the mean is far
     */
    public record SuccessRate(int minimumEndpoints, int requestVolume, double stdevFactor) {}
}
