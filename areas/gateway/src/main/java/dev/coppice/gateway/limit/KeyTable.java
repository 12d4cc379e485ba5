package dev.coppice.gateway.limit;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongUnaryOperator;

/**
 * The states of a limit's keys: a hash table of primitive longs that grows by small steps up to a bound, and that needs no
 * clearing. Safe for use by many threads.
 *
 * <p><b>Slots.</b> A key is 64 bits of a keyed hash (see {@link KeyHash}) and never kept itself; a slot is that and a state: {@value
 * SlotBudget#SLOT_BYTES} bytes. A slot whose state is idle, such as one whose theoretical arrival time is past, is free without anybody freeing it, so
 * there are no timers and no sweeps. A key lies within {@value #WINDOW} slots of its home (open addressing); nothing is ever taken
 * out, so a slot that was never used ends a search.
 *
 * <p><b>Growth.</b> Slots are in blocks of {@value #SLOTS}, and blocks in segments, found by the first bits of the key in a directory (extendible
 * hashing, Fagin and others 1979). When the slots around a key's home are all live, each block of its segment becomes two: in a
 * larger segment, or, from {@value #MOST_BLOCKS} blocks on, in two segments. That takes some ten microseconds, for new keys of this segment
 * only. Larger segments would stop for longer; smaller ones would have so many headers that these fall out of the processor's caches. When the {@link SlotBudget} is used up, the slot with the smallest state, which is the one nearest to
 * idle, is given to the new key and counted as evicted. So a million keys take about 45 MB, and no number of keys more than the
 * budget. A table does not shrink: its idle slots are used again.
 *
 * <p><b>Threads.</b> A known key costs one compare-and-set of its state, and no lock. A new key takes the lock of its segment while it is put in: a
 * word that is spun on, as nothing within waits or allocates but a split. Under the lock a slot changes hands in
 * three steps: its state becomes {@link #BUSY}, then its key changes, then its new state is written. A thread without the lock reads the state
 * before the key; so if the key was right, the state was that key's, and its compare-and-set fails if the slot changed hands since. (It
 * could succeed only if the new key's state was the same. Bucket states grow whenever a slot of an idle key changes hands, window states too,
 * and concurrency counts the turns; of a key that is evicted while live nothing is promised.) States of a segment that is
 * being split become {@link #MOVED}, which makes everybody look again.
 */
final class KeyTable {
    private static final int SLOT_BITS = 9;
    static final int SLOTS = 1 << SLOT_BITS;
    static final int WINDOW = 16;

    /** Keys at the end of a block reach into slots behind it, so that none ever has to go round to its beginning. */
    private static final int BLOCK = SLOTS + WINDOW - 1;

    private static final int MOST_BLOCKS = 8;
    private static final int MOST_DEPTH = 24;
    private static final int SPINS = 64;

    // A segment is an array: its lock, its depth in the directory, whether it was split, its blocks less one, then a
    // key and a state for each slot.
    private static final int LOCK = 0;
    private static final int DEPTH = 1;
    private static final int SPLIT = 2;
    private static final int BLOCKS = 3;
    private static final int FIRST = 4;

    private static final long BUSY = Long.MIN_VALUE;
    private static final long MOVED = Long.MIN_VALUE + 1;
    /** Look again: no outcome of {@link Algorithm}'s states, as these are not so large. */
    private static final long AGAIN = Long.MIN_VALUE;

    private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);

    private final Algorithm algorithm;
    private final SlotBudget budget;
    private final LongAdder evicted = new LongAdder();
    private volatile AtomicReferenceArray<long[]> directory;
    private long reserved;
    private boolean closed;

    KeyTable(Algorithm algorithm, SlotBudget budget) {
        this.algorithm = algorithm;
        this.budget = budget;
        budget.insist(SLOTS);
        reserved = SLOTS;
        directory = new AtomicReferenceArray<>(new long[][] {segment(0, 1)});
    }

    private static long[] segment(int depth, int blocks) {
        long[] made = new long[FIRST + 2 * BLOCK * blocks];
        made[DEPTH] = depth;
        made[BLOCKS] = blocks - 1;
        return made;
    }

    private static int index(long key, int directoryLength) {
        // In two steps, as a shift by 64 would be none.
        return (int) (key >>> 1 >>> 63 - Integer.numberOfTrailingZeros(directoryLength));
    }

    private long[] segmentOf(long key) {
        AtomicReferenceArray<long[]> now = directory;
        return now.get(index(key, now.length()));
    }

    private static int home(long[] segment, long key) {
        int block = (int) (key >>> SLOT_BITS & segment[BLOCKS]);
        return FIRST + (block * BLOCK + ((int) key & SLOTS - 1)) * 2;
    }

    /** No key is 0, which marks slots that were never used. */
    private static long proper(long key) {
        return key == 0 ? 1 : key;
    }

    /** Takes one request: the state then, or the complement of the state that allows none. */
    long take(long given, long now) {
        long key = proper(given);
        while (true) {
            long[] segment = segmentOf(key);
            int slot = find(segment, key);
            long outcome = slot < 0 ? AGAIN : update(segment, slot, key, now);
            if (outcome == AGAIN) {
                outcome = insert(segment, key, now);
            }
            if (outcome != AGAIN) {
                return outcome;
            }
        }
    }

    /** The state of a key; 0 of one that is not there. */
    long look(long given) {
        long key = proper(given);
        while (true) {
            long[] segment = segmentOf(key);
            int slot = find(segment, key);
            if (slot < 0) {
                return 0;
            }
            long state = (long) LONGS.getAcquire(segment, slot + 1);
            if (state >= 0 && (long) LONGS.getOpaque(segment, slot) == key) {
                return state;
            }
            Thread.onSpinWait();
        }
    }

    /** Gives one request of a key back that is there. */
    void giveBack(long given) {
        long key = proper(given);
        while (true) {
            long[] segment = segmentOf(key);
            int slot = find(segment, key);
            if (slot >= 0 && giveBack(segment, slot, key)) {
                return;
            }
            lock(segment);
            try {
                if (segment[SPLIT] == 0) {
                    int known = find(segment, key);
                    if (known < 0 || !giveBack(segment, known, key)) {
                        throw new IllegalStateException("a request is given back that was not taken");
                    }
                    return;
                }
            } finally {
                unlock(segment);
            }
        }
    }

    private static int find(long[] segment, long key) {
        int slot = home(segment, key);
        for (int i = 0; i < WINDOW; i++, slot += 2) {
            long there = (long) LONGS.getOpaque(segment, slot);
            if (there == key) {
                return slot;
            }
            if (there == 0) {
                return -1;
            }
        }
        return -1;
    }

    private long update(long[] segment, int slot, long key, long now) {
        while (true) {
            long state = (long) LONGS.getAcquire(segment, slot + 1);
            if (state < 0 || (long) LONGS.getOpaque(segment, slot) != key) {
                return AGAIN;
            }
            long next = algorithm.take(state, now);
            if (next < 0) {
                return ~state;
            }
            if (LONGS.compareAndSet(segment, slot + 1, state, next)) {
                return next;
            }
        }
    }

    private boolean giveBack(long[] segment, int slot, long key) {
        while (true) {
            long state = (long) LONGS.getAcquire(segment, slot + 1);
            if (state < 0 || (long) LONGS.getOpaque(segment, slot) != key) {
                return false;
            }
            if (LONGS.compareAndSet(segment, slot + 1, state, algorithm.giveBack(state))) {
                return true;
            }
        }
    }

    private long insert(long[] segment, long key, long now) {
        lock(segment);
        try {
            while (segment[SPLIT] == 0) {
                int known = find(segment, key);
                if (known >= 0) {
                    return update(segment, known, key, now);
                }
                int slot = place(segment, key, now);
                if (slot < 0 && split(segment, key, now)) {
                    break;
                }
                if (slot < 0 && !algorithm.forgettable()) {
                    evicted.increment();
                    return Limiter.UNCOUNTED;
                }
                long outcome = move(segment, slot < 0 ? stalest(segment, key) : slot, key, now, slot < 0);
                if (outcome != AGAIN) {
                    return outcome;
                }
            }
            return AGAIN;
        } finally {
            unlock(segment);
        }
    }

    /** A slot for a new key that nobody needs; negative when there is none. */
    private int place(long[] segment, long key, long now) {
        int slot = home(segment, key);
        for (int i = 0; i < WINDOW; i++, slot += 2) {
            long state = (long) LONGS.getAcquire(segment, slot + 1);
            if (segment[slot] == 0 || algorithm.idle(state, now)) {
                return slot;
            }
        }
        return -1;
    }

    private static int stalest(long[] segment, long key) {
        int slot = home(segment, key);
        int found = slot;
        long least = Long.MAX_VALUE;
        for (int i = 0; i < WINDOW; i++, slot += 2) {
            long state = (long) LONGS.getAcquire(segment, slot + 1);
            if (state < least) {
                least = state;
                found = slot;
            }
        }
        return found;
    }

    /** Gives a slot to a key; fails when the slot's own key asked meanwhile. */
    private long move(long[] segment, int slot, long key, long now, boolean live) {
        long state = (long) LONGS.getAcquire(segment, slot + 1);
        if (!live && !algorithm.idle(state, now) || !LONGS.compareAndSet(segment, slot + 1, state, BUSY)) {
            return AGAIN;
        }
        LONGS.setOpaque(segment, slot, key);
        long first = algorithm.take(algorithm.fresh(state), now);
        LONGS.setRelease(segment, slot + 1, first);
        if (live) {
            evicted.increment();
        }
        return first;
    }

    /** Makes two blocks of each of a segment whose lock is held; false when there may be no more. */
    private boolean split(long[] segment, long key, long now) {
        int depth = (int) segment[DEPTH];
        int blocks = (int) segment[BLOCKS] + 1;
        if (depth == MOST_DEPTH || !budget.reserve(blocks * SLOTS)) {
            return false;
        }
        boolean apart = blocks == MOST_BLOCKS;
        long[] low = apart ? segment(depth + 1, blocks) : segment(depth, 2 * blocks);
        long[] high = apart ? segment(depth + 1, blocks) : low;
        for (int slot = FIRST; slot < segment.length; slot += 2) {
            long moved = segment[slot];
            long state = (long) LONGS.getAndSet(segment, slot + 1, MOVED);
            if (moved != 0 && !algorithm.idle(state, now)) {
                // Two new blocks have what one had, in its order, so no key lands behind where it was: there is always
                // a place.
                long[] to = moved << depth < 0 ? high : low;
                int at = place(to, moved, now);
                to[at] = moved;
                to[at + 1] = state;
            }
        }
        publish(key, depth, low, high, blocks * SLOTS);
        segment[SPLIT] = 1;
        return true;
    }

    /** Puts segments into the place of one of this depth; both are the same one where it was not split but made larger. */
    private synchronized void publish(long key, int depth, long[] low, long[] high, int moreSlots) {
        AtomicReferenceArray<long[]> now = directory;
        if (now.length() == 1 << depth && low != high) {
            AtomicReferenceArray<long[]> twice = new AtomicReferenceArray<>(now.length() * 2);
            for (int i = 0; i < twice.length(); i++) {
                twice.set(i, now.get(i / 2));
            }
            now = twice;
        }
        int span = now.length() >> depth;
        int first = index(key, now.length()) & -span;
        for (int i = 0; i < span; i++) {
            now.set(first + i, i < span / 2 ? low : high);
        }
        directory = now;
        if (closed) {
            budget.giveBack(moreSlots);
        } else {
            reserved += moreSlots;
        }
    }

    private static void lock(long[] segment) {
        for (int tries = 1; !LONGS.compareAndSet(segment, LOCK, 0L, 1L); tries++) {
            if (tries % SPINS == 0) {
                // Whoever has it may be waiting for this processor.
                Thread.yield();
            } else {
                Thread.onSpinWait();
            }
        }
    }

    private static void unlock(long[] segment) {
        LONGS.setRelease(segment, LOCK, 0L);
    }

    long evicted() {
        return evicted.sum();
    }

    /** The sum of what each state that is not idle counts for. */
    long live(long now, LongUnaryOperator counts) {
        AtomicReferenceArray<long[]> all = directory;
        long live = 0;
        long[] last = null;
        for (int i = 0; i < all.length(); i++) {
            long[] segment = all.get(i);
            for (int slot = FIRST; segment != last && slot < segment.length; slot += 2) {
                long state = (long) LONGS.getAcquire(segment, slot + 1);
                if ((long) LONGS.getOpaque(segment, slot) != 0 && state >= 0 && !algorithm.idle(state, now)) {
                    live += counts.applyAsLong(state);
                }
            }
            last = segment;
        }
        return live;
    }

    synchronized void close() {
        if (!closed) {
            closed = true;
            budget.giveBack(reserved);
        }
    }
}
