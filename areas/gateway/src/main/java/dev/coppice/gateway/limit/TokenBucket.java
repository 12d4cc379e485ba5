package dev.coppice.gateway.limit;

/**
 * A token bucket, as the generic cell rate algorithm (GCRA, ITU-T I.371, A.1): tokens come at an even rate up to {@code burst}, and each
 * request takes one. The state is the theoretical arrival time: when the bucket is full again.
 *
 * <p>Time is counted in sixteenths of a nanosecond here, for 18 years. The interval between two tokens is rounded up to those, so that
 * never more than the limit gets through: with a million requests a second that is at most 0.007% less than the limit.
 */
public final class TokenBucket implements Algorithm {
    private static final int FRACTION = 4;

    private final long burst;
    private final long interval;
    private final long full;

    /**
     * A bucket.
     *
     * @param requests tokens that come ...
     * @param perNanos ... within this time
     * @param burst tokens that it holds
     */
    public TokenBucket(long requests, long perNanos, long burst) {
        Checks.positive("requests", requests);
        Checks.positive("burst", burst);
        Checks.span("per", perNanos);
        this.burst = burst;
        this.interval = Math.ceilDiv(perNanos << FRACTION, requests);
        if (interval > (LONGEST_NANOS << FRACTION) / burst) {
            throw new IllegalArgumentException(
                    "burst: " + burst + " requests come within more than 30 days at a rate of " + requests + " in "
                            + perNanos + " ns; expected a smaller burst or a higher rate");
        }
        this.full = burst * interval;
    }

    private TokenBucket(long burst, long interval) {
        this.burst = burst;
        this.interval = interval;
        this.full = burst * interval;
    }

    @Override
    public long take(long state, long now) {
        long at = now << FRACTION;
        long next = Math.max(state, at) + interval;
        return next - at <= full ? next : -1;
    }

    @Override
    public boolean idle(long state, long now) {
        return state <= now << FRACTION;
    }

    @Override
    public long remaining(long state, long now) {
        long at = now << FRACTION;
        return Math.max(0, (at + full - Math.max(state, at)) / interval);
    }

    @Override
    public long retryNanos(long state, long now) {
        return nanos(state + interval - full - (now << FRACTION));
    }

    @Override
    public long resetNanos(long state, long now) {
        return nanos(state - (now << FRACTION));
    }

    @Override
    public long quota() {
        return burst;
    }

    @Override
    public Algorithm part(int of) {
        return new TokenBucket(Math.max(1, burst / of), Math.min(interval * of, LONGEST_NANOS << FRACTION));
    }

    private static long nanos(long fractions) {
        return fractions <= 0 ? 0 : Math.ceilDiv(fractions, 1 << FRACTION);
    }
}
