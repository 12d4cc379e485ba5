package dev.coppice.gateway.config;

import dev.coppice.gateway.config.FilterConfig.Header;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether requests are sent to an upstream at all, and what they get when they are not. Immutable; what is null is not there.
 *
 * @param retryBudget null: {@link RetryBudget#DEFAULT}
 */
public record ResilienceConfig(
        @Nullable Breaker breaker,
        @Nullable RetryBudget retryBudget,
        @Nullable Concurrency concurrency,
        @Nullable Limits limits,
        @Nullable Fallback fallback) {

    /** With nothing but the budget that every upstream has. */
    public static final ResilienceConfig DEFAULT = new ResilienceConfig(null, null, null, null, null);

    /**
     * When an upstream gets no requests, since it fails or is slow.
     *
     * @param windowNanos the time whose calls are looked at; 0: a number of calls
     * @param windowCalls the number of calls that are looked at; 0: a time
     * @param minimumCalls among fewer calls no share is looked at
     * @param failurePercent it opens at this share of failed calls; 0: failures are not looked at
     * @param failureCodes statuses that are failures; a call without an answer always is one
     * @param slowPercent it opens at this share of slow calls; 0: slowness is not looked at
     * @param slowNanos to the head of the answer; from here on a call is slow
     * @param openNanos how long it is open the first time; twice as long with each further time
     * @param maxOpenNanos how long it is open at most
     * @param trialCalls with so many it is found out whether the upstream is well again
     * @param rampNanos in which time the share of requests then grows to all of them; 0: at once
     */
    public record Breaker(
            Mode mode,
            long windowNanos,
            int windowCalls,
            int minimumCalls,
            int failurePercent,
            List<Integer> failureCodes,
            int slowPercent,
            long slowNanos,
            long openNanos,
            long maxOpenNanos,
            int trialCalls,
            long rampNanos) {

        /** Who decides. */
        public enum Mode {
            /** The calls. */
            AUTOMATIC,
            /** The operator: no requests. */
            FORCED_OPEN,
            /** The operator: all requests. */
            DISABLED
        }

        public Breaker {
            failureCodes = List.copyOf(failureCodes);
        }
    }

    /**
     * How many of the requests to an upstream may be retries.
     *
     * @param percent of all requests of the last {@code intervalNanos}, retries included
     * @param minRetries so many may be in any {@code minIntervalNanos}, whatever share that is
     */
    public record RetryBudget(int percent, long intervalNanos, int minRetries, long minIntervalNanos) {
        /**
         * What protects an upstream that no policy is for: the share and the rate of the Gateway API's defaults (GEP-3388), but that the least
         * number is that of ten seconds, so that a few clients who try again at once are not refused.
         */
        public static final RetryBudget DEFAULT = new RetryBudget(20, 10_000_000_000L, 100, 10_000_000_000L);
    }

    /**
     * How many requests wait for an upstream's answer at one time, found out from how long answers take.
     *
     * @param minimum requests that are always let through
     * @param maximum requests that are let through at most
     * @param tolerancePercent of the least latency; answers that take longer make the limit smaller
     * @param minLatencyNanos how long the least latency counts until it is measured anew
     */
    public record Concurrency(int minimum, int maximum, int tolerancePercent, long minLatencyNanos) {}

    /**
     * Bounds of what goes to an upstream at one time, over all event loops.
     *
     * @param connections 0: no bound; each event loop may have one to each endpoint whatever the bound is
     * @param pendingRequests requests that wait for a connection; null: no bound
     * @param parallelRequests from their sending to the end of their answer, WebSockets included; null: no bound
     * @param parallelRetries retries among those; null: no bound
     * @param requestsPerConnection after so many a connection is closed; 0: no bound
     */
    public record Limits(
            int connections,
            @Nullable Integer pendingRequests,
            @Nullable Integer parallelRequests,
            @Nullable Integer parallelRetries,
            int requestsPerConnection) {}

    /**
     * What a request gets that would be answered with 502, 503 or 504 by the gateway itself; one of both is there.
     *
     * @param upstream name of the {@link UpstreamConfig} that gets the request instead; empty for a reference that leads nowhere
     */
    public record Fallback(
            @Nullable Response response, @Nullable String upstream) {

        /** An answer. */
        public record Response(int status, List<Header> headers, String body) {
            public Response {
                headers = List.copyOf(headers);
            }
        }
    }
}
