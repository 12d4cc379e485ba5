package dev.coppice.kernel;

import java.time.Duration;

/** Timers on the kernel's clock; a million may be pending. Actions are short and do not block: send mail instead. */
public interface Timers {

    Timer schedule(Duration delay, Runnable action);

    /** Waits, on this kernel's clock; the only way to sleep. */
    void sleep(Duration duration) throws InterruptedException;

    /** A pending timer. */
    interface Timer {
        /** True when the action will not run because of this call. */
        boolean cancel();
    }
}
