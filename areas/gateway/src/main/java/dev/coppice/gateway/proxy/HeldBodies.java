package dev.coppice.gateway.proxy;

import java.util.concurrent.atomic.AtomicLong;

/** The bodies of requests that filters want to see, and what all of them together may have. Safe for use by many threads. */
final class HeldBodies {
    private final long most;
    private final AtomicLong bytes = new AtomicLong();

    /** @param most bytes */
    HeldBodies(long most) {
        this.most = most;
    }

    /** Takes room for some; false: there is none. */
    boolean take(long some) {
        if (bytes.addAndGet(some) > most) {
            bytes.addAndGet(-some);
            return false;
        }
        return true;
    }

    void give(long some) {
        bytes.addAndGet(-some);
    }

    /** Bytes that came, or may still come. */
    long bytes() {
        return bytes.get();
    }
}
