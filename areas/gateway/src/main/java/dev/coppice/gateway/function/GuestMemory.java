package dev.coppice.gateway.function;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The memory that all instances of functions have together, and its bound. An instance that runs may grow beyond it by what its own bound lets it; that there
 * are only as many of these as threads that compute bounds the whole. Safe for use by many threads.
 */
public final class GuestMemory {
    private final long most;
    private final AtomicLong used = new AtomicLong();
    /** Whose idle instances may go. */
    private final Set<EdgeFunction> functions = ConcurrentHashMap.newKeySet();

    /** @param most bytes */
    public GuestMemory(long most) {
        this.most = most;
    }

    /** Bytes that instances have. */
    public long used() {
        return used.get();
    }

    void add(EdgeFunction function) {
        functions.add(function);
    }

    void remove(EdgeFunction function) {
        functions.remove(function);
    }

    /** Takes some for a new instance, if there are, or are once instances are thrown away that do nothing. The caller holds no lock of a function. */
    boolean take(long bytes) {
        if (used.addAndGet(bytes) <= most) {
            return true;
        }
        for (EdgeFunction each : functions) {
            each.discardIdle();
            if (used.get() <= most) {
                return true;
            }
        }
        used.addAndGet(-bytes);
        return false;
    }

    /** An instance has grown, by what it has already; false: it is not to be kept. */
    boolean grown(long bytes) {
        return used.addAndGet(bytes) <= most;
    }

    void give(long bytes) {
        used.addAndGet(-bytes);
    }
}
