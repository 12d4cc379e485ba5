package dev.coppice.kernel;

import java.util.concurrent.locks.LockSupport;

/**
 * How long a loop has kept its processor from others. Virtual threads are not preempted: a loop that may go on without end has
 * to give way by itself, once a turn.
 *
 * <p>To wait is not enough for that. Two loops that wake each other keep the queue of their processor from being empty, and
 * as long as it is not, the scheduler does not look at threads that were started or woken from elsewhere: with as many such
 * pairs as processors these would wait for ever.
 *
 * <p>It measures real time, whatever the kernel's clock shows. For one thread, the one that made it.
 */
public final class TimeSlice {
    /** Nanoseconds after which other virtual threads get a chance. */
    static final long NANOS = 500_000;

    /** One of so many slices ends with a park. */
    private static final int PARKED = 4;

    private long since = System.nanoTime();
    private int slices;

    /** Gives other virtual threads a chance if that is due; costs a look at the time otherwise. Not for one who holds a lock. */
    public void giveWay() {
        if (System.nanoTime() - since > NANOS) {
            letOthersRun(++slices);
            since = System.nanoTime();
        }
    }

    /**
     * Gives other virtual threads a chance. Now and then it parks for that: who yields goes to the end of its processor's
     * own queue, who parks for a time comes back from elsewhere, behind all that wait there.
     */
    static void letOthersRun(int slices) {
        if (slices % PARKED == 0 && Thread.currentThread().isVirtual()) {
            LockSupport.parkNanos(1);
        } else {
            Thread.yield();
        }
    }
}
