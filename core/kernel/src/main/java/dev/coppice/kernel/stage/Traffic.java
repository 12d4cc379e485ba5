package dev.coppice.kernel.stage;

import java.time.Duration;

/** What went over an edge, ever and in the last seconds. Guarded by the lock of its junction. */
final class Traffic {
    private static final int SECONDS = 10;
    private static final long SECOND = 1_000_000_000;

    private final long startNanos;
    private final long[] second = new long[SECONDS];
    private final long[] count = new long[SECONDS];
    private final long[] wait = new long[SECONDS];
    long messages;
    long waitNanos;

    Traffic(long nowNanos) {
        startNanos = nowNanos;
    }

    void took(long nowNanos, int taken, long waitedNanos) {
        messages += taken;
        waitNanos += waitedNanos;
        long now = (nowNanos - startNanos) / SECOND;
        int at = (int) (now % SECONDS);
        if (second[at] != now) {
            second[at] = now;
            count[at] = 0;
            wait[at] = 0;
        }
        count[at] += taken;
        wait[at] += waitedNanos;
    }

    double perSecond(long nowNanos) {
        double seconds = Math.clamp((nowNanos - startNanos) / (double) SECOND, 1, SECONDS);
        return recent(count, nowNanos) / seconds;
    }

    Duration meanWait(long nowNanos) {
        long recent = recent(count, nowNanos);
        return recent == 0 ? Duration.ZERO : Duration.ofNanos(recent(wait, nowNanos) / recent);
    }

    private long recent(long[] figures, long nowNanos) {
        long now = (nowNanos - startNanos) / SECOND;
        long sum = 0;
        for (int i = 0; i < SECONDS; i++) {
            if (second[i] > now - SECONDS) {
                sum += figures[i];
            }
        }
        return sum;
    }
}
