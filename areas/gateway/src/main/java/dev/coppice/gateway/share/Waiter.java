package dev.coppice.gateway.share;

import java.util.concurrent.atomic.AtomicBoolean;

/** A request that waits for the owner of its key. Safe for use by many threads; it is decided once. */
final class Waiter {
    final Allowance allowance;
    final long deadline;
    private final SharedLimit.Decided then;
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

    void decide(long outcome) {
        then.decided(outcome);
    }
}
