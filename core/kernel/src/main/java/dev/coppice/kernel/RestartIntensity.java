package dev.coppice.kernel;

/**
 * Counts a supervisor's restarts within its period (OTP: MaxR in MaxT). Keeps the times of the last ones only, at most one
 * more than are allowed. Safe for use by many threads.
 */
final class RestartIntensity {
    private static final int FIRST_ROOM = 8;

    private final int maxRestarts;
    private final long periodNanos;
    /** A ring of times, oldest first from {@code head} on. Guarded by the monitor, as all that changes. */
    private long[] nanos = new long[FIRST_ROOM];

    private int head;
    private int size;

    RestartIntensity(SupervisorOptions options) {
        maxRestarts = options.maxRestarts();
        periodNanos = WheelTimers.nanos(options.period());
    }

    /** Forgets all restarts, as for a new life of the supervisor. */
    synchronized void clear() {
        size = 0;
    }

    /** Counts a restart; false when there were too many in the period. */
    synchronized boolean allows(long nowNanos) {
        while (size > 0 && nowNanos - nanos[head] > periodNanos) {
            head = head + 1 & nanos.length - 1;
            size--;
        }
        if (size > maxRestarts) {
            return false;
        }
        if (size == nanos.length) {
            grow();
        }
        nanos[head + size & nanos.length - 1] = nowNanos;
        size++;
        return size <= maxRestarts;
    }

    private void grow() {
        long[] more = new long[size * 2];
        for (int i = 0; i < size; i++) {
            more[i] = nanos[head + i & size - 1];
        }
        nanos = more;
        head = 0;
    }
}
