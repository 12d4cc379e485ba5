package dev.coppice.gateway.limit;

/**
 * A limit: each key may ask as often as its {@link Algorithm} says. Safe for use by many threads; allocates nothing for a key that
 * is known. Times are nanoseconds of one clock that never goes back, such as {@code Clock.nanoTime()}.
 *
 * <p>What {@link #take} answers is an outcome: ask {@link #passed} and the others what it says, at the time that was given to it.
 */
public final class Limiter implements AutoCloseable {
    /** Passed, and not counted, as there was no place for it. */
    static final long UNCOUNTED = Long.MAX_VALUE;

    private final Algorithm algorithm;
    private final KeyTable keys;
    private final long origin;

    /**
     * A limit of which no key has used anything.
     *
     * @param origin the time now
     * @param budget shared with others; it has at least one segment whatever there is left
     */
    public Limiter(Algorithm algorithm, long origin, SlotBudget budget) {
        this.algorithm = algorithm;
        this.keys = new KeyTable(algorithm, budget);
        this.origin = origin;
    }

    private long since(long now) {
        return Math.max(0, now - origin);
    }

    /**
     * Asks for one request of a key.
     *
     * @param key 64 bits of it, as {@link KeyHash} makes them
     */
    public long take(long key, long now) {
        return keys.take(key, since(now));
    }

    /** What there is of a key, as the outcome of nothing: {@link #remaining} and the others say what it means. */
    public long look(long key) {
        return keys.look(key);
    }

    /** Says that the request with this outcome is over, once; nothing needs to be said of one that did not pass. */
    public void giveBack(long key, long outcome) {
        if (passed(outcome) && outcome != UNCOUNTED && !algorithm.forgettable()) {
            keys.giveBack(key);
        }
    }

    public static boolean passed(long outcome) {
        return outcome >= 0;
    }

    private static long state(long outcome) {
        return outcome < 0 ? ~outcome : outcome;
    }

    /** How many more requests would pass. */
    public long remaining(long outcome, long now) {
        return outcome == UNCOUNTED ? algorithm.quota() - 1 : algorithm.remaining(state(outcome), since(now));
    }

    /** Nanoseconds until another request would pass; 0 for now, and where nobody knows. */
    public long retryNanos(long outcome, long now) {
        return outcome == UNCOUNTED ? 0 : algorithm.retryNanos(state(outcome), since(now));
    }

    /** Nanoseconds until all requests are there again, if nothing more comes; 0 where nobody knows. */
    public long resetNanos(long outcome, long now) {
        return outcome == UNCOUNTED ? 0 : algorithm.resetNanos(state(outcome), since(now));
    }

    public Algorithm algorithm() {
        return algorithm;
    }

    /** Keys whose state was forgotten for others, or that were not counted, as there was no place. */
    public long evicted() {
        return keys.evicted();
    }

    /** Keys that are not idle. Looks at all of them: for tests and people. */
    public long live(long now) {
        return keys.live(since(now), _ -> 1);
    }

    /** Requests of all keys that are not there again, which with {@link Concurrency} are those on their way. Looks at all keys. */
    public long used(long now) {
        return keys.live(since(now), state -> algorithm.quota() - algorithm.remaining(state, since(now)));
    }

    /** Gives its slots back to the budget. Requests that are on their way may still be given back. */
    @Override
    public void close() {
        keys.close();
    }
}
