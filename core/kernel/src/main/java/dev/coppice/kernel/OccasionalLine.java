package dev.coppice.kernel;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A line of the log that may have cause to be written many times a second, and is written once in {@value #SECONDS} seconds: it then tells
 * how many were left out since the last. Safe for use by many threads.
 */
public final class OccasionalLine {
    private static final int SECONDS = 10;
    private static final long BETWEEN_NANOS = TimeUnit.SECONDS.toNanos(SECONDS);

    private final System.Logger log;
    private final Clock clock;
    private final AtomicLong dueNanos;
    private final AtomicLong leftOut = new AtomicLong();

    /** Writes nothing yet. */
    public OccasionalLine(System.Logger log, Clock clock) {
        this.log = log;
        this.clock = clock;
        this.dueNanos = new AtomicLong(clock.nanoTime());
    }

    /** Writes a warning, or counts it as left out. */
    public void warn(String line) {
        long now = clock.nanoTime();
        long due = dueNanos.get();
        if (now - due < 0 || !dueNanos.compareAndSet(due, now + BETWEEN_NANOS)) {
            leftOut.incrementAndGet();
            return;
        }
        long others = leftOut.getAndSet(0);
        log.log(
                System.Logger.Level.WARNING,
                others == 0 ? line : line + " (" + others + " such lines were left out since the last)");
    }
}
