package dev.coppice.gateway.proxy;

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Asks endpoints whether they are well, on event loops and over connections like those of requests: with the same TLS, and kept open
 * between checks. So many at one time at most; others are asked a little later. Safe for use by many threads.
 */
final class HealthChecker {
    private static final int MOST_AT_ONE_TIME = 256;

    /** Hears of the end of a check, on an event loop. */
    interface Listener {
        void checked(Upstream.Target target, HealthChecks checks, HealthCheckAttempt.Outcome outcome);
    }

    private volatile Semaphore places = new Semaphore(MOST_AT_ONE_TIME);
    private final Function<Upstream.Target, @Nullable EventLoopState> loops;

    /** @param loops the one where an endpoint is asked; null when there is none now */
    HealthChecker(Function<Upstream.Target, @Nullable EventLoopState> loops) {
        this.loops = loops;
    }

    /** Starts a check, if there is a place for it. */
    void start(Upstream.Target target, HealthChecks checks, Listener listener) {
        EventLoopState state = loops.apply(target);
        Semaphore place = places;
        if (state == null || !place.tryAcquire()) {
            return;
        }
        checks.started(state.now());
        try {
            state.loop.execute(() -> HealthCheckAttempt.begin(state, target, checks.config(), outcome -> {
                place.release();
                listener.checked(target, checks, outcome);
            }));
        } catch (RejectedExecutionException e) {
            // The loop is being stopped, and the check with it.
            place.release();
        }
    }

    /** The event loops were stopped: checks that were running on them will not end. */
    void restart() {
        places = new Semaphore(MOST_AT_ONE_TIME);
    }
}
