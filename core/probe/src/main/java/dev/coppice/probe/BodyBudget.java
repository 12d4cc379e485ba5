package dev.coppice.probe;

import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** The memory that all running probes together may hold of answers, in KiB. Safe for use by many threads. */
final class BodyBudget {
    private final Semaphore kibibytes;
    private final int total;

    BodyBudget(long bytes) {
        this.total = (int) Math.clamp(bytes >> 10, 1, Integer.MAX_VALUE);
        this.kibibytes = new Semaphore(total);
    }

    /** Waits, as long as the attempt may, for room; give it back by {@link #release} with what this returns. */
    int acquire(Attempt attempt, int bytes) throws ProbeFailure, InterruptedException {
        int wanted = Math.min(total, (bytes >> 10) + 1);
        if (!kibibytes.tryAcquire(wanted)
                && !kibibytes.tryAcquire(wanted, attempt.remaining().toNanos(), TimeUnit.NANOSECONDS)) {
            throw new ProbeFailure(
                    ProbeResult.Outcome.OVERLOADED,
                    "too many probes hold large answers at once: no memory became free");
        }
        return wanted;
    }

    void release(int acquired) {
        kibibytes.release(acquired);
    }
}
