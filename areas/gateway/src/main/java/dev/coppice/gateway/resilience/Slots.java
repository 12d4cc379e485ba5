package dev.coppice.gateway.resilience;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many there are at one time, for a bound that may change meanwhile. Whoever takes a slot gives it back once. Safe for use by many
 * threads.
 */
public final class Slots {
    private final AtomicInteger used = new AtomicInteger();

    /** Takes one, unless there are {@code most} or more; false then. */
    public boolean take(int most) {
        while (true) {
            int now = used.get();
            if (now >= most) {
                return false;
            }
            if (used.compareAndSet(now, now + 1)) {
                return true;
            }
        }
    }

    /** Takes one whatever there are. */
    public void insist() {
        used.incrementAndGet();
    }

    /** Gives one back that was taken. */
    public void giveBack() {
        if (used.getAndDecrement() <= 0) {
            used.incrementAndGet();
            throw new IllegalStateException("a slot is given back that was not taken, or for the second time");
        }
    }

    /** Those that are taken. */
    public int used() {
        return used.get();
    }
}
