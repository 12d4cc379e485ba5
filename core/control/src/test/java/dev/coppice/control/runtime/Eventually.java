package dev.coppice.control.runtime;

import java.time.Duration;
import java.util.concurrent.Callable;

/** Waits, with a bound, for what other threads do. */
final class Eventually {
    private Eventually() {}

    static void eventually(Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(10).toNanos();
        while (!condition.call()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("did not happen within 10 s");
            }
            Thread.sleep(1);
        }
    }
}
