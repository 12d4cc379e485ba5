package dev.coppice.gateway.limit;

/**
 * A bound on requests at one time. Each one that was taken has to be given back once. The state is how many there are, and
 * before that how often its place was given to another key: so that nobody changes the count of a key which came there meanwhile.
 */
public final class Concurrency implements Algorithm {
    private static final int COUNT_BITS = 32;
    private static final long COUNT = (1L << COUNT_BITS) - 1;
    private static final long TURNS = (1L << 63 - COUNT_BITS) - 1;

    private final long requests;

    /** @param requests at one time; less than 2<sup>31</sup> */
    public Concurrency(long requests) {
        Checks.positive("requests", requests);
        if (requests > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("requests: " + requests + "; expected at most " + Integer.MAX_VALUE);
        }
        this.requests = requests;
    }

    @Override
    public long take(long state, long now) {
        return (state & COUNT) < requests ? state + 1 : -1;
    }

    @Override
    public long giveBack(long state) {
        if ((state & COUNT) == 0) {
            throw new IllegalStateException("a request is given back that was not taken, or for the second time");
        }
        return state - 1;
    }

    @Override
    public boolean idle(long state, long now) {
        return (state & COUNT) == 0;
    }

    @Override
    public long fresh(long replaced) {
        return ((replaced >>> COUNT_BITS) + 1 & TURNS) << COUNT_BITS;
    }

    /** What is given back needs its count. */
    @Override
    public boolean forgettable() {
        return false;
    }

    @Override
    public long remaining(long state, long now) {
        return requests - (state & COUNT);
    }

    /** Nobody knows. */
    @Override
    public long retryNanos(long state, long now) {
        return 0;
    }

    @Override
    public long resetNanos(long state, long now) {
        return 0;
    }

    @Override
    public long quota() {
        return requests;
    }

    /** What is given back would have to be given back where it was taken. */
    @Override
    public Algorithm part(int of) {
        throw new UnsupportedOperationException("requests at one time are not divided");
    }
}
