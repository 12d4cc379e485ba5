package dev.coppice.gateway.proxy;

import dev.coppice.gateway.balance.EndpointLoad;
import dev.coppice.gateway.balance.OutlierDetector;
import dev.coppice.kernel.Clock;
import org.jspecify.annotations.Nullable;

/**
 * Is told of the requests that are sent to one endpoint: each {@linkplain #begin begins} and {@linkplain #end ends}, and between these it
 * may be answered or fail. Safe for use by many threads.
 */
final class Tracker {
    private final EndpointLoad load;
    private final long decayNanos;
    private final OutlierDetector.@Nullable Endpoint outlier;
    private final Clock clock;

    /** A failure counts like an answer after so long: else one that refuses all would seem the fastest. */
    private static final long FAILURE_NANOS = 1_000_000_000;

    /**
     * Of one endpoint.
     *
     * @param decayNanos how long slow answers are remembered; 0: answers are not timed
     * @param outlier null: nobody looks for outliers
     */
    Tracker(EndpointLoad load, long decayNanos, OutlierDetector.@Nullable Endpoint outlier, Clock clock) {
        this.load = load;
        this.decayNanos = decayNanos;
        this.outlier = outlier;
        this.clock = clock;
    }

    OutlierDetector.@Nullable Endpoint outlier() {
        return outlier;
    }

    long decayNanos() {
        return decayNanos;
    }

    /** Whether the endpoint is left out because of how it answered. */
    boolean ejected() {
        return outlier != null && outlier.ejected();
    }

    void begin() {
        load.begin();
    }

    void end() {
        load.end();
    }

    /**
     * The head of an answer is there.
     *
     * @param sinceNanos when the request was sent
     */
    void answered(long sinceNanos) {
        if (decayNanos != 0) {
            long now = clock.nanoTime();
            load.observe(now, now - sinceNanos, decayNanos);
        }
    }

    /** It is known how the request went, as a status of HTTP. */
    void judged(int code) {
        if (outlier != null) {
            outlier.answered(code, clock.nanoTime());
        }
    }

    /** There is no answer, or it broke off. */
    void failed(Attempt.Failure failure, long sinceNanos) {
        if (failure == Attempt.Failure.WAITING || decayNanos == 0 && outlier == null) {
            // It was never sent.
            return;
        }
        long now = clock.nanoTime();
        if (decayNanos != 0) {
            load.observe(now, Math.max(FAILURE_NANOS, now - sinceNanos), decayNanos);
        }
        if (outlier != null) {
            outlier.failed(now);
        }
    }
}
