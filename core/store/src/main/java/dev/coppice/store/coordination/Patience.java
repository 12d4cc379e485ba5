package dev.coppice.store.coordination;

import dev.coppice.kernel.Timers;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** How long somebody goes on waiting: until it is ended, by its time or by whoever has it. Safe for use by many threads. */
public final class Patience implements AutoCloseable {
    private Timers.@Nullable Timer timer;
    private @Nullable Runnable wake;
    private boolean over;

    /** Without an end of its own. */
    public Patience() {}

    /** Ends after a time on the timers' clock. */
    public static Patience of(Timers timers, Duration atMost) {
        Patience patience = new Patience();
        if (atMost.isPositive()) {
            patience.timer = timers.schedule(atMost, patience::end);
        } else {
            patience.end();
        }
        return patience;
    }

    /** Ends it: whoever waits with it waits no longer. */
    public synchronized void end() {
        over = true;
        if (wake != null) {
            wake.run();
        }
    }

    synchronized boolean over() {
        return over;
    }

    /** What is run, once or more, when it ends; at once when it has ended. Null for nothing. */
    synchronized void onEnd(@Nullable Runnable action) {
        wake = action;
        if (over && action != null) {
            action.run();
        }
    }

    /** Forgets its timer. */
    @Override
    public void close() {
        Timers.Timer pending = timer;
        if (pending != null) {
            boolean _ = pending.cancel();
        }
    }
}
