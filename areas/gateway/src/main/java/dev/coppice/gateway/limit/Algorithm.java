package dev.coppice.gateway.limit;

/**
 * How a limit counts one key: pure functions of the key's state, which is one non-negative long, and the time in nanoseconds since
 * the limit began. Immutable, safe for use by many threads.
 */
public sealed interface Algorithm permits TokenBucket, SlidingWindow, Concurrency {

    /** Time spans of limits are at most this long, so that no calculation here overflows: 30 days. */
    long LONGEST_NANOS = 30L * 24 * 3600 * 1_000_000_000;

    /** The state after one more request; negative when it is one too many. A key that is {@link #idle} always gets one. */
    long take(long state, long now);

    /** The state after the end of a request that was taken. */
    default long giveBack(long state) {
        return state;
    }

    /** Whether the state says no more than that of a key which never asked, so that its place may be given to another. */
    boolean idle(long state, long now);

    /** What a key starts with in a place that another one had, whose last state was this. */
    default long fresh(long replaced) {
        return 0;
    }

    /** Whether the state of a key may be forgotten when there is no place for another: the smallest one is forgotten first. */
    default boolean forgettable() {
        return true;
    }

    /** How many more requests would be taken now. */
    long remaining(long state, long now);

    /** Nanoseconds until another request would be taken; 0 for now. */
    long retryNanos(long state, long now);

    /** Nanoseconds until the key is idle if nothing more comes. */
    long resetNanos(long state, long now);

    /** What may be asked for at most at once. */
    long quota();

    /**
     * The part of one of several that count for themselves and together pass what this one does. What cannot be divided further is 1: with a
     * burst that is smaller than their number together they pass one each.
     *
     * @throws UnsupportedOperationException when it cannot be divided
     */
    Algorithm part(int of);
}
