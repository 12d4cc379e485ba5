package dev.coppice.kernel.stage;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Timers;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Lets a stage's messages through at a rate that may change, shared by its workers. A message counts in the interval in which
 * it goes through, also when leave was given before, as to a producer that then waited for it. Safe for use by many threads.
 */
final class RateLimiter {
    private final Kernel kernel;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private volatile @Nullable Rate rate;
    private Timers.@Nullable Timer timer;
    private long startNanos;
    private long interval = 1;
    private int used;

    /**
     * Leave for messages to go through, to be {@linkplain #settle settled} once it is known how many did.
     *
     * @param interval the number of the interval in which they count until then
     */
    record Leave(int messages, long interval) {
        static final Leave NONE = new Leave(0, 0);
    }

    RateLimiter(Kernel kernel, @Nullable Rate rate) {
        this.kernel = kernel;
        this.rate = rate;
        this.startNanos = kernel.clock().nanoTime();
    }

    @Nullable
    Rate rate() {
        return rate;
    }

    /** Takes effect at once; what went through in the running interval counts. */
    void change(@Nullable Rate next) {
        lock.lock();
        try {
            rate = next;
            stopTimer();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Lets at least one and at most {@code max} through, and waits for that. */
    Leave take(int max) throws InterruptedException {
        if (rate == null) {
            return new Leave(max, 0);
        }
        lock.lockInterruptibly();
        try {
            while (true) {
                int granted = grant(max);
                if (granted > 0) {
                    return new Leave(granted, interval);
                }
                changed.await();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Lets one through if that is possible now. */
    boolean tryTake() {
        if (rate == null) {
            return true;
        }
        lock.lock();
        try {
            return grant(1) > 0;
        } finally {
            lock.unlock();
        }
    }

    /** Lets up to {@code max} through; 0 when the interval is used up, or, after a change, more than that. */
    private int grant(int max) {
        Rate now = rate;
        if (now == null) {
            return max;
        }
        long left = begin(now.interval().toNanos());
        int granted = Math.clamp(now.messages() - used, 0, max);
        if (granted > 0) {
            used += granted;
        } else if (timer == null) {
            timer = kernel.timers().schedule(Duration.ofNanos(left), this::nextInterval);
        }
        return granted;
    }

    /** Begins a new interval if it is time; gives the nanoseconds that are left of the present one. */
    private long begin(long nanos) {
        long passed = kernel.clock().nanoTime() - startNanos;
        if (passed >= nanos) {
            startNanos += passed - passed % nanos;
            passed %= nanos;
            interval++;
            used = 0;
        }
        return nanos - passed;
    }

    private void nextInterval() {
        lock.lock();
        try {
            timer = null;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Takes note of how many went through by a leave: in its own interval the rest is free again, a later one they count in. */
    void settle(Leave leave, int through) {
        Rate now = rate;
        if (now == null || leave.messages == 0) {
            return;
        }
        lock.lock();
        try {
            begin(now.interval().toNanos());
            if (leave.interval != interval) {
                used += through;
            } else if (through < leave.messages) {
                used -= leave.messages - through;
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    private void stopTimer() {
        Timers.Timer pending = timer;
        if (pending != null) {
            pending.cancel();
            timer = null;
        }
    }
}
