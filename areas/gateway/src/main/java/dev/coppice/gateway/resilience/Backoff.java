package dev.coppice.gateway.resilience;

import java.util.random.RandomGenerator;

/**
 * How long to wait before a retry: at least as long as is asked for, which the Gateway API promises (GEP-1731), and with each retry up to
 * twice as long as before, at random, so that those who failed together do not come back together. Pure functions.
 */
public final class Backoff {
    /** The longest wait, in times of the least. */
    public static final int MOST_TIMES = 10;

    private Backoff() {}

    /**
     * The time until a retry.
     *
     * @param leastNanos 0: at once, always
     * @param retry 1 for the first
     * @return {@code leastNanos} to {@code leastNanos * min(2^retry, }{@value #MOST_TIMES}{@code )}
     */
    public static long nanos(long leastNanos, int retry, RandomGenerator random) {
        if (leastNanos <= 0) {
            return 0;
        }
        long times = retry >= Integer.SIZE - 2 ? MOST_TIMES : Math.min(1L << Math.max(1, retry), MOST_TIMES);
        long most = leastNanos > Long.MAX_VALUE / times - 1 ? Long.MAX_VALUE - 1 : leastNanos * times;
        return random.nextLong(leastNanos, most + 1);
    }
}
