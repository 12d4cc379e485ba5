package dev.coppice.gateway.resilience;

import org.jspecify.annotations.Nullable;

/**
 * How an upstream is at one moment, for people. Immutable.
 *
 * @param breaker null: it has none
 * @param concurrencyLimit requests that may wait for its answer; 0: there is no such limit
 * @param waitingForAnswer requests that do; 0 where there is no such limit
 * @param leastLatencyNanos the latency that the limit goes by; 0: none is known
 * @param bounded whether requests are bounded in number
 * @param connections that are there or being made
 * @param pendingRequests that wait for a connection, where that is bounded
 * @param parallelRequests on their way, where that is bounded
 * @param parallelRetries among those, where that is bounded
 * @param requests of the time of the retry budget, retries included
 * @param retries among those
 */
public record UpstreamReading(
        String upstream,
        CircuitBreaker.@Nullable Reading breaker,
        int concurrencyLimit,
        int waitingForAnswer,
        long leastLatencyNanos,
        boolean bounded,
        int connections,
        int pendingRequests,
        int parallelRequests,
        int parallelRetries,
        int requests,
        int retries) {

    /** Whether nothing of it is in use, but connections that are kept. */
    public boolean idle() {
        return waitingForAnswer == 0 && pendingRequests == 0 && parallelRequests == 0 && parallelRetries == 0;
    }
}
