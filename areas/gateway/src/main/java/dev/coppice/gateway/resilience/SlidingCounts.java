package dev.coppice.gateway.resilience;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Counts of what happened lately: some counters over the last {@value #BUCKETS} epochs, each of which is a part of a time span or of a number of
 * calls. Safe for use by many threads: an epoch's counters are one long that changes by compare-and-set, so that nothing is lost.
 *
 * <p>A counter that reaches its bound in one epoch (8,192 with three counters, 1,048,576 with two) is halved with those beside it: what
 * they are to each other stays. An epoch is known by its last 22 bits, so that one from exactly 4,194,304 epochs ago counts once more if nothing
 * happened since.
 */
final class SlidingCounts {
    static final int BUCKETS = 10;
    private static final int COUNT_BITS = 42;
    private static final long COUNTS = (1L << COUNT_BITS) - 1;
    private static final long TAGS = (1L << Long.SIZE - COUNT_BITS) - 1;
    /** So many epochs at most may a thread be behind another one. */
    private static final long MOST_BEHIND = 1 << 10;

    private final int bits;
    private final int sumBits;
    private final int fields;
    /** The highest bit of each counter. */
    private final long halves;

    private final AtomicLongArray buckets = new AtomicLongArray(BUCKETS);

    /** @param fields counters: 2 or 3 */
    SlidingCounts(int fields) {
        this.fields = fields;
        this.bits = COUNT_BITS / fields;
        this.sumBits = Long.SIZE / fields;
        long highest = 0;
        for (int i = 0; i < fields; i++) {
            highest |= 1L << i * bits + bits - 1;
        }
        this.halves = highest;
    }

    /** What {@link #add} takes to count one more in a field. */
    long one(int field) {
        return 1L << field * bits;
    }

    /**
     * Counts.
     *
     * @param epoch 0 or more; one that is older than all that are kept is not counted
     * @param ones a sum of {@link #one}
     */
    void add(long epoch, long ones) {
        int slot = (int) (epoch % BUCKETS);
        long tag = epoch & TAGS;
        while (true) {
            long before = buckets.get(slot);
            long there = before >>> COUNT_BITS;
            if (there != tag && newer(there, tag)) {
                return;
            }
            long counts = (there == tag ? before & COUNTS : 0) + ones;
            if ((counts & halves) != 0) {
                counts = counts >>> 1 & ~halves;
            }
            if (buckets.compareAndSet(slot, before, tag << COUNT_BITS | counts)) {
                return;
            }
        }
    }

    /** Takes back what was added to an epoch, unless that is no longer kept. */
    void takeBack(long epoch, long ones) {
        int slot = (int) (epoch % BUCKETS);
        long tag = epoch & TAGS;
        while (true) {
            long before = buckets.get(slot);
            if (before >>> COUNT_BITS != tag || !has(before, ones)) {
                return;
            }
            if (buckets.compareAndSet(slot, before, before - ones)) {
                return;
            }
        }
    }

    private boolean has(long counts, long ones) {
        for (int i = 0; i < fields; i++) {
            if (field(counts, i) < field(ones, i)) {
                return false;
            }
        }
        return true;
    }

    private long field(long counts, int field) {
        return counts >>> field * bits & (1L << bits) - 1;
    }

    private static boolean newer(long there, long tag) {
        return (there - tag & TAGS) <= MOST_BEHIND;
    }

    /** What was counted in an epoch and those before it; for {@link #sum}. */
    long sums(long epoch) {
        long all = 0;
        for (int slot = 0; slot < BUCKETS; slot++) {
            long bucket = buckets.get(slot);
            if ((epoch - (bucket >>> COUNT_BITS) & TAGS) < BUCKETS) {
                for (int i = 0; i < fields; i++) {
                    all += field(bucket, i) << i * sumBits;
                }
            }
        }
        return all;
    }

    /** One counter of {@link #sums}. */
    int sum(long sums, int field) {
        return (int) (sums >>> field * sumBits & (1L << sumBits) - 1);
    }
}
