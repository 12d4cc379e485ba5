package dev.coppice.gateway.trace;

import org.jspecify.annotations.Nullable;

/**
 * Which traces are recorded. Immutable.
 *
 * @param numerator of so many ...
 * @param denominator ... so many
 * @param follows whether a request that comes with a trace is recorded when whoever sent it recorded
 */
public record Sampler(int numerator, int denominator, boolean follows) {
    private static final int RANDOM_BITS = 56;

    /** Whether it is said already by whoever sent the request. */
    public boolean decided(TraceContext given) {
        return follows && given.decided() != null;
    }

    /**
     * Whether a share takes it. By the random part of a trace's identifier, so that all who take a share of it take the same traces (W3C
     * Trace Context, level 2, 3.2.2.3.2, as OpenTelemetry uses it); when it has none, by another random number.
     */
    public boolean takes(@Nullable TraceParent trace, long otherRandom) {
        long random = (trace != null && trace.random() ? trace.traceLow() : otherRandom) & (1L << RANDOM_BITS) - 1;
        double rejected = (1 - (double) numerator / denominator) * (1L << RANDOM_BITS);
        return numerator > 0 && random >= rejected;
    }
}
