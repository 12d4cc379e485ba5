package dev.coppice.kernel;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * A clock that stands still until it is moved by hand. Kernels started on it fire their timers from {@link #advance}, in
 * the thread that calls it, ordered by due time and then by the order in which they were made; so a test sees the same
 * sequence every time. Several kernels may share one. Safe for use by many threads.
 */
public final class SimulatedClock implements Clock {
    private static final long POLL_NANOS = 200_000;

    private final List<WheelTimers> attached = new CopyOnWriteArrayList<>();
    private final Object turn = new Object();
    private final Instant origin;
    private volatile long elapsedNanos;

    /** A clock that shows 2026-01-01T00:00:00Z. */
    public SimulatedClock() {
        this(Instant.parse("2026-01-01T00:00:00Z"));
    }

    public SimulatedClock(Instant start) {
        origin = start;
    }

    @Override
    public Instant now() {
        return origin.plusNanos(elapsedNanos);
    }

    @Override
    public long nanoTime() {
        return elapsedNanos;
    }

    /**
     * Moves the time forward, stopping at each timer that falls due on the way to run it. Timers that those actions make
     * run too when they fall due within the duration. Threads woken from a sleep run on concurrently: use
     * {@link #awaitPending} to know that they went to sleep again.
     */
    public void advance(Duration duration) {
        if (duration.isNegative()) {
            throw new IllegalArgumentException("duration " + duration + " is negative; a clock only goes forward");
        }
        synchronized (turn) {
            long target = elapsedNanos + duration.toNanos();
            while (true) {
                Due next = earliest(target);
                if (next == null) {
                    break;
                }
                elapsedNanos = Math.max(elapsedNanos, next.nanos());
                next.timers().fireOne(elapsedNanos);
            }
            elapsedNanos = target;
        }
    }

    /** The timers that wait, sleeping threads included, over all kernels on this clock. */
    public int pending() {
        int sum = 0;
        for (WheelTimers timers : attached) {
            sum += timers.pending();
        }
        return sum;
    }

    /** Waits, in real time, until at least so many timers wait; false when that did not happen within {@code limit}. */
    public boolean awaitPending(int count, Duration limit) throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        while (pending() < count) {
            if (System.nanoTime() - deadline > 0) {
                return false;
            }
            Thread.sleep(Duration.ofNanos(POLL_NANOS));
        }
        return true;
    }

    void attach(WheelTimers timers) {
        attached.add(timers);
    }

    void detach(WheelTimers timers) {
        attached.remove(timers);
    }

    /** Read once: asked again, the timer may be gone and its kernel's next one due later than the target, or never. */
    private @Nullable Due earliest(long targetNanos) {
        Due best = null;
        for (WheelTimers timers : attached) {
            long due = timers.nextDueNanos();
            if (due <= targetNanos && (best == null || due < best.nanos())) {
                best = new Due(timers, due);
            }
        }
        return best;
    }

    private record Due(WheelTimers timers, long nanos) {}
}
