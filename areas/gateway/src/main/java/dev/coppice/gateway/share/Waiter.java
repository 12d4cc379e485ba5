package dev.coppice.gateway.share;

import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** A request that waits for the owner of its key. Safe for use by many threads; it is decided once. */
final class Waiter {
    final Allowance allowance;
    final long deadline;
    private SharedLimit.@Nullable Decided then;
    private final AtomicBoolean done = new AtomicBoolean();

    Waiter(Allowance allowance, long deadline, SharedLimit.Decided then) {
        this.allowance = allowance;
        this.deadline = deadline;
        this.then = then;
    }

    boolean done() {
        return done.get();
    }

    /** Whether it falls to the caller to decide it. */
    boolean claim() {
        return done.compareAndSet(false, true);
    }

    /** Tells it the outcome; called once, by whoever claimed it. It keeps nothing of the request from then on. */
    void decide(long outcome) {
        SharedLimit.Decided told = then;
        then = null;
        if (told != null) {
            told.decided(outcome);
        }
    }
}
