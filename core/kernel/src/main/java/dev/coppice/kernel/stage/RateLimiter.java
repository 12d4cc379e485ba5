package dev.coppice.kernel.stage;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Timers;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Lets a stage's messages through at a rate that may change, shared by its workers. Safe for use by many threads. */
final class RateLimiter {
    private final Kernel kernel;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private volatile @Nullable Rate rate;
    private Timers.@Nullable Timer timer;
    private long startNanos;
    private int used;

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
    int take(int max) throws InterruptedException {
        if (rate == null) {
            return max;
        }
        lock.lockInterruptibly();
        try {
            while (true) {
                int granted = grant(max);
                if (granted > 0) {
                    return granted;
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

    private int grant(int max) {
        Rate now = rate;
        if (now == null) {
            return max;
        }
        long interval = now.interval().toNanos();
        long passed = kernel.clock().nanoTime() - startNanos;
        if (passed >= interval) {
            startNanos += passed - passed % interval;
            passed %= interval;
            used = 0;
        }
        int granted = Math.min(max, now.messages() - used);
        if (granted > 0) {
            used += granted;
        } else if (timer == null) {
            timer = kernel.timers().schedule(Duration.ofNanos(interval - passed), this::nextInterval);
        }
        return granted;
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

    /** Takes back what was let through and not used. */
    void giveBack(int unused) {
        if (unused > 0 && rate != null) {
            lock.lock();
            try {
                used = Math.max(0, used - unused);
                changed.signalAll();
            } finally {
                lock.unlock();
            }
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
