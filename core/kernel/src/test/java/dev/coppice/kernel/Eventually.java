package dev.coppice.kernel;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.assertj.core.api.Assertions;

/** Waits, with a bound, for what other threads bring about. */
public final class Eventually {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private Eventually() {}

    public static void eventually(String what, BooleanSupplier condition) {
        eventually(() -> what, condition);
    }

    /** @param what asked for once the time is over, so that it tells how things are then and not how they were before */
    public static void eventually(Supplier<String> what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                Assertions.fail("not within " + LIMIT + ": " + what.get());
            }
            LockSupport.parkNanos(500_000);
        }
    }
}
