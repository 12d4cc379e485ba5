package dev.coppice.kernel;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Timers in the order of their times, and of their adding where times are equal. What is due within the present tick, of
 * about a millisecond, stands in a heap; what is due later in a hierarchy of wheels, where to add and to take out costs a few
 * writes whatever their number (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987). Most timers are limits
 * that are never reached, and so never see the heap. Not safe for use by many threads.
 *
 * <p>A timer's level is that of the highest digit (6 bits) in which its tick differs from the present one, its slot that
 * digit. So the first slot in use of the lowest level in use is the earliest, and no empty slot is ever visited.
 */
final class TimerQueue {
    static final long NEVER = Long.MAX_VALUE;

    private static final int TICK_BITS = 20;
    private static final int DIGIT_BITS = 6;
    private static final int SLOTS = 1 << DIGIT_BITS;
    /** Enough for 2^62 nanoseconds, 146 years. */
    private static final int LEVELS = 7;

    private final long originNanos;
    private final TimerHeap soon = new TimerHeap();
    /** The heads of the slots' lists, level by level. */
    private final @Nullable TimerEntry[] slots = new TimerEntry[LEVELS * SLOTS];
    /** A bit for each slot in use. */
    private final long[] used = new long[LEVELS];

    private long tick;
    private long sequence;
    private int later;

    /** @param originNanos a time that no timer's time is before */
    TimerQueue(long originNanos) {
        this.originNanos = originNanos;
    }

    int size() {
        return soon.size() + later;
    }

    void add(TimerEntry entry) {
        entry.sequence = sequence++;
        place(entry);
    }

    private void place(TimerEntry entry) {
        long due = tickOf(entry.dueNanos);
        if (due <= tick) {
            soon.add(entry);
            return;
        }
        int level = (Long.SIZE - 1 - Long.numberOfLeadingZeros(due ^ tick)) / DIGIT_BITS;
        int digit = (int) (due >>> level * DIGIT_BITS) & SLOTS - 1;
        int slot = level * SLOTS + digit;
        TimerEntry head = slots[slot];
        entry.slot = (short) slot;
        entry.previous = null;
        entry.next = head;
        if (head != null) {
            head.previous = entry;
        }
        slots[slot] = entry;
        used[level] |= 1L << digit;
        later++;
    }

    private long tickOf(long nanos) {
        return Math.max(0, nanos - originNanos) >>> TICK_BITS;
    }

    /** Takes one out; does nothing when it is not here. */
    void remove(TimerEntry entry) {
        int slot = entry.slot;
        if (slot < 0) {
            soon.remove(entry);
            return;
        }
        TimerEntry previous = entry.previous;
        TimerEntry next = (TimerEntry) entry.next;
        if (previous != null) {
            previous.next = next;
        } else {
            slots[slot] = next;
            if (next == null) {
                used[slot >>> DIGIT_BITS] &= ~(1L << (slot & SLOTS - 1));
            }
        }
        if (next != null) {
            next.previous = previous;
        }
        release(entry);
    }

    private void release(TimerEntry entry) {
        entry.slot = TimerEntry.NO_SLOT;
        entry.previous = null;
        entry.next = null;
        later--;
    }

    /** The one that is due first, if it is due at the given time. */
    @Nullable
    TimerEntry due(long nowNanos) {
        advance(tickOf(nowNanos));
        TimerEntry first = soon.first();
        return first != null && first.dueNanos - nowNanos <= 0 ? first : null;
    }

    /** A time before which none is due: exact for what is due within a tick. {@link #NEVER} when there is none. */
    long nextNanos() {
        TimerEntry first = soon.first();
        if (first != null) {
            return first.dueNanos;
        }
        int slot = earliest();
        return slot < 0 ? NEVER : originNanos + (startOf(slot) << TICK_BITS);
    }

    /** When the first is due, exactly; makes what is added later and due before it dearer. */
    long firstNanos() {
        while (soon.first() == null) {
            int slot = earliest();
            if (slot < 0) {
                return NEVER;
            }
            advance(startOf(slot));
        }
        return nextNanos();
    }

    void clear() {
        soon.clear();
        Arrays.fill(slots, null);
        Arrays.fill(used, 0);
        later = 0;
    }

    /** Moves the present tick on, and what the wheels hold for it, and for ticks before, closer. */
    private void advance(long toTick) {
        for (int slot = earliest(); slot >= 0; slot = earliest()) {
            long start = startOf(slot);
            if (start > toTick) {
                break;
            }
            tick = start;
            empty(slot);
        }
        tick = Math.max(tick, toTick);
    }

    private void empty(int slot) {
        TimerEntry entry = slots[slot];
        slots[slot] = null;
        used[slot >>> DIGIT_BITS] &= ~(1L << (slot & SLOTS - 1));
        while (entry != null) {
            TimerEntry next = (TimerEntry) entry.next;
            release(entry);
            place(entry);
            entry = next;
        }
    }

    private int earliest() {
        for (int level = 0; level < LEVELS; level++) {
            if (used[level] != 0) {
                return level * SLOTS + Long.numberOfTrailingZeros(used[level]);
            }
        }
        return -1;
    }

    /** The first tick of a slot in use. */
    private long startOf(int slot) {
        int shift = (slot >>> DIGIT_BITS) * DIGIT_BITS;
        long digit = slot & SLOTS - 1;
        return (tick >>> shift + DIGIT_BITS << shift + DIGIT_BITS) | digit << shift;
    }
}
