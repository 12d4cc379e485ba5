package dev.coppice.kernel;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Runs an action at whole multiples of an interval after it was made; what it is too late for is left out. */
final class IntervalTimer implements Timers.Timer {
    private final Timers timers;
    private final Clock clock;
    private final long intervalNanos;
    private final Runnable action;
    private long dueNanos;
    private Timers.@Nullable Timer next;
    private boolean cancelled;

    IntervalTimer(Timers timers, Clock clock, Duration interval, Runnable action) {
        if (!interval.isPositive()) {
            throw new IllegalArgumentException("interval " + interval + " must be positive");
        }
        this.timers = timers;
        this.clock = clock;
        this.intervalNanos = WheelTimers.nanos(interval);
        this.action = action;
        this.dueNanos = clock.nanoTime();
        plan();
    }

    private synchronized boolean plan() {
        if (cancelled) {
            return false;
        }
        long now = clock.nanoTime();
        dueNanos += intervalNanos;
        if (dueNanos - now <= 0) {
            dueNanos += (now - dueNanos) / intervalNanos * intervalNanos + intervalNanos;
        }
        next = timers.schedule(Duration.ofNanos(dueNanos - now), this::run);
        return true;
    }

    /** The next one first, so that an action that throws ends nothing. */
    private void run() {
        if (plan()) {
            action.run();
        }
    }

    @Override
    public synchronized boolean cancel() {
        boolean first = !cancelled;
        cancelled = true;
        Timers.Timer waiting = next;
        if (waiting != null) {
            waiting.cancel();
        }
        return first;
    }

    @Override
    public synchronized Optional<Duration> remaining() {
        Timers.Timer waiting = next;
        return waiting == null ? Optional.empty() : waiting.remaining();
    }
}
