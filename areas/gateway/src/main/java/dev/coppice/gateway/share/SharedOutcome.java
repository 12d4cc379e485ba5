package dev.coppice.gateway.share;

/**
 * What a shared limit said of a request, in one long, as it may come from another node whose clock is another one: whether it passes, what
 * remains, and seconds until then. Not negative when it passes.
 */
public final class SharedOutcome {
    /** No answer yet: there will be one. */
    public static final long PENDING = Long.MIN_VALUE;

    private static final long SECOND_NANOS = 1_000_000_000;
    /** More than 30 days in seconds, and more than a million. */
    private static final int BITS = 22;

    private static final long MASK = (1L << BITS) - 1;

    private SharedOutcome() {}

    static long passed(long remaining, long resetNanos) {
        return Math.min(remaining, MASK) << BITS | seconds(resetNanos);
    }

    static long refused(long retryNanos, long resetNanos) {
        return ~(seconds(retryNanos) << BITS | seconds(resetNanos));
    }

    private static long seconds(long nanos) {
        return Math.clamp(Math.ceilDiv(nanos, SECOND_NANOS), 0, MASK);
    }

    public static boolean passed(long outcome) {
        return outcome >= 0;
    }

    /** How many more requests would pass; of those that the owner of the key has left, all nodes may have them. */
    public static long remaining(long outcome) {
        return outcome < 0 ? 0 : outcome >> BITS;
    }

    /** Until another request would pass, rounded up to seconds. */
    public static long retryNanos(long outcome) {
        return outcome < 0 ? (~outcome >> BITS) * SECOND_NANOS : 0;
    }

    /** Until all requests are there again if nothing more comes, rounded up to seconds. */
    public static long resetNanos(long outcome) {
        return ((outcome < 0 ? ~outcome : outcome) & MASK) * SECOND_NANOS;
    }
}
