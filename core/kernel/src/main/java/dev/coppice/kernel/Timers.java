package dev.coppice.kernel;

import java.time.Duration;
import java.util.Optional;

/**
 * Timers on the kernel's clock; a million may be pending. Actions are short and do not block: send mail instead. Safe for use by
 * many threads.
 */
public interface Timers {

    /** Runs an action once, after the delay; at once, in another thread, when that is not positive. */
    Timer schedule(Duration delay, Runnable action);

    /**
     * Runs an action again and again, first after the interval, until it is cancelled (Erlang: timer:apply_interval). It
     * keeps to the clock: an action that takes long delays no later one, and what it is too late for is left out.
     */
    Timer every(Duration interval, Runnable action);

    /** Waits, on this kernel's clock; the only way to sleep. */
    void sleep(Duration duration) throws InterruptedException;

    /** A pending timer. */
    interface Timer {
        /** True when the action will not run because of this call, or for an interval not any more. */
        boolean cancel();

        /** The time until the action runs; empty once it ran or was cancelled (Erlang: read_timer). */
        default Optional<Duration> remaining() {
            return Optional.empty();
        }
    }
}
