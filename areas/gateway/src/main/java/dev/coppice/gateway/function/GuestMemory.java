package dev.coppice.gateway.function;

import java.util.concurrent.atomic.AtomicLong;

/**
 * The memory that all instances of functions have together, and its bound. An instance that runs may grow beyond it by what its own bound lets it; that there
 * are only as many of these as processors bounds the whole. Safe for use by many threads.
 */
public final class GuestMemory {
    private final long most;
    private final AtomicLong used = new AtomicLong();

    /** @param most bytes */
    public GuestMemory(long most) {
        this.most = most;
    }

    /** Bytes that instances have. */
    public long used() {
        return used.get();
    }

    /** Takes some for a new instance, if there are. */
    boolean take(long bytes) {
        if (used.addAndGet(bytes) > most) {
            used.addAndGet(-bytes);
            return false;
        }
        return true;
    }

    /** An instance has grown, by what it has already; false: it is not to be kept. */
    boolean grown(long bytes) {
        return used.addAndGet(bytes) <= most;
    }

    void give(long bytes) {
        used.addAndGet(-bytes);
    }
}
