package dev.coppice.gateway.balance;

import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** A choice, used again and again by one thread, so that choices need no memory. */
public final class Pick implements Choice {
    private final RandomGenerator random;
    private final LongSupplier clock;
    private long hash;
    private int turn;
    private int unwanted;
    private boolean overflowed;
    private boolean timed;
    private long nanos;

    /** Of the level that is being asked: what its endpoints are numbered among all. */
    int @Nullable [] numbers;

    /** @param clock in nanoseconds */
    public Pick(RandomGenerator random, LongSupplier clock) {
        this.random = random;
        this.clock = clock;
    }

    /**
     * Makes it another choice.
     *
     * @param turn not negative
     * @param hash what the request has in common with others
     * @param unwanted the number of an endpoint that is not wanted; -1: there is none
     */
    public Pick with(int turn, long hash, int unwanted) {
        this.turn = turn;
        this.hash = hash;
        this.unwanted = unwanted;
        this.overflowed = false;
        this.timed = false;
        return this;
    }

    /** Whether there is one that is not wanted. */
    boolean excludes() {
        return unwanted >= 0;
    }

    @Override
    public long hash() {
        return hash;
    }

    @Override
    public int turn() {
        return turn;
    }

    @Override
    public int random(int bound) {
        return random.nextInt(bound);
    }

    @Override
    public long nanoTime() {
        if (!timed) {
            timed = true;
            nanos = clock.getAsLong();
        }
        return nanos;
    }

    @Override
    public void overflowed() {
        overflowed = true;
    }

    /** Whether the endpoint that the hash belongs to was passed over, since it has too much to do. */
    public boolean passedOver() {
        return overflowed;
    }

    @Override
    public boolean excluded(int index) {
        return unwanted >= 0 && unwanted == (numbers == null ? index : numbers[index]);
    }
}
