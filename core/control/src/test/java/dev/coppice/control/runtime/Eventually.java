package dev.coppice.control.runtime;

import java.time.Duration;
import java.util.concurrent.Callable;

/** Waits, with a bound, for what other threads do. */
public final class Eventually {
    private Eventually() {}

    static void eventually(Callable<Boolean> condition) throws Exception {
        eventually(Duration.ofSeconds(10), condition);
    }

    public static void eventually(Duration limit, Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + limit.toNanos();
        while (!condition.call()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("did not happen within " + limit);
            }
            Thread.sleep(1);
        }
    }
}
