package dev.coppice.gateway.limit;

/**
 * A sliding window, approximated by two fixed ones: the requests of the last window count by the part of it that the sliding window
 * still covers, those of this window in full. Within a fixed window never more than {@code requests} get through; within any
 * window of that length it would take a very uneven last one to let through more, and then less than twice as many.
 *
 * <p>The state is the number of the fixed window, what it took, and what the one before took, in as many bits as these need. With a
 * million requests there are 23 bits for the number, and it comes round after 97 days of windows of a second: a key which was silent for
 * exactly so long is taken for one that was not, once.
 */
public final class SlidingWindow implements Algorithm {
    /** The most requests in a window. */
    public static final long MOST_REQUESTS = 1_000_000;
    /** The shortest window: 1 ms. */
    public static final long SHORTEST_NANOS = 1_000_000;

    private static final int NANOS_A_MICRO = 1000;

    private final long requests;
    private final long micros;
    private final int countBits;
    private final long countMask;
    private final long windowMask;

    /**
     * A window.
     *
     * @param requests that are taken in ...
     * @param perNanos ... this time; rounded up to microseconds
     */
    public SlidingWindow(long requests, long perNanos) {
        Checks.positive("requests", requests);
        Checks.span("per", perNanos);
        if (requests > MOST_REQUESTS || perNanos < SHORTEST_NANOS) {
            throw new IllegalArgumentException(
                    "requests: " + requests + " in " + perNanos + " ns; expected at most 1000000, in 1 ms or more");
        }
        this.requests = requests;
        this.micros = Math.ceilDiv(perNanos, NANOS_A_MICRO);
        this.countBits = 64 - Long.numberOfLeadingZeros(requests);
        this.countMask = (1L << countBits) - 1;
        this.windowMask = (1L << 63 - 2 * countBits) - 1;
    }

    private long window(long now) {
        return now / NANOS_A_MICRO / micros;
    }

    private long elapsed(long now) {
        return now / NANOS_A_MICRO % micros;
    }

    /** The time to look at a state: no earlier than the window it was written in, by a thread whose clock was read later. */
    private long notBefore(long state, long now) {
        return (window(now) - (state >>> 2 * countBits) & windowMask) == windowMask
                ? (window(now) + 1) * micros * NANOS_A_MICRO
                : now;
    }

    /** How many windows ago the state was written. */
    private long age(long state, long now) {
        return window(now) - (state >>> 2 * countBits) & windowMask;
    }

    /** The requests of the window that {@code now} is in. */
    private long current(long state, long now) {
        return age(state, now) == 0 ? state >>> countBits & countMask : 0;
    }

    /** The requests of the window before. */
    private long previous(long state, long now) {
        long age = age(state, now);
        return age == 0 ? state & countMask : age == 1 ? state >>> countBits & countMask : 0;
    }

    /** The weight of all that counts, in requests times microseconds. */
    private long used(long state, long now) {
        return previous(state, now) * (micros - elapsed(now)) + current(state, now) * micros;
    }

    @Override
    public long take(long state, long now) {
        long at = notBefore(state, now);
        if (used(state, at) + micros > requests * micros) {
            return -1;
        }
        return (window(at) & windowMask) << 2 * countBits | current(state, at) + 1 << countBits | previous(state, at);
    }

    @Override
    public boolean idle(long state, long now) {
        return age(state, notBefore(state, now)) > 1 || state == 0;
    }

    @Override
    public long remaining(long state, long now) {
        return Math.max(0, (requests * micros - used(state, notBefore(state, now))) / micros);
    }

    @Override
    public long retryNanos(long state, long now) {
        long at = notBefore(state, now);
        long current = current(state, at);
        long previous = previous(state, at);
        long elapsed = elapsed(at);
        if (current >= requests) {
            // In the next window this one's requests lose weight; that of one is enough.
            return (micros - elapsed + Math.ceilDiv(micros, requests)) * NANOS_A_MICRO;
        }
        long weight = (requests - current - 1) * micros;
        long from = previous == 0 ? 0 : micros - weight / previous;
        return Math.max(0, from - elapsed) * NANOS_A_MICRO;
    }

    @Override
    public long resetNanos(long state, long now) {
        long at = notBefore(state, now);
        if (idle(state, at)) {
            return 0;
        }
        long rest = micros - elapsed(at);
        return (current(state, at) > 0 ? rest + micros : rest) * NANOS_A_MICRO;
    }

    @Override
    public long quota() {
        return requests;
    }

    @Override
    public Algorithm part(int of) {
        long nanos = micros * NANOS_A_MICRO;
        return requests >= of
                ? new SlidingWindow(requests / of, Math.min(LONGEST_NANOS, nanos))
                : new SlidingWindow(1, Math.min(LONGEST_NANOS, Math.ceilDiv(nanos * of, requests)));
    }
}
