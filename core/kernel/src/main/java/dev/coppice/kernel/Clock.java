package dev.coppice.kernel;

import java.time.Instant;

/**
 * A source of wall-clock and monotonic time. Nothing outside this module reads the system's clock; everything that needs
 * time takes one of these, so that tests can move it by hand. Implementations are safe for use by many threads.
 */
public interface Clock {

    /** The wall-clock time. It may jump: use it for what people read, never to measure. */
    Instant now();

    /** Nanoseconds from an arbitrary origin; never goes back. Use differences only. */
    long nanoTime();

    /** The wall-clock time in milliseconds since 1970-01-01T00:00:00Z. */
    default long currentTimeMillis() {
        return now().toEpochMilli();
    }

    /** The clock of the machine. */
    static Clock system() {
        return SystemClock.INSTANCE;
    }
}
