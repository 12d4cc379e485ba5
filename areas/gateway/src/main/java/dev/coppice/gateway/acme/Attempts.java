package dev.coppice.gateway.acme;

import dev.coppice.control.Key;
import dev.coppice.control.runtime.Backoff;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** How often something failed for an object, one time after the other, and when it is to be tried again. Safe for use by many threads. */
final class Attempts {
    private final Backoff backoff;
    private final RandomGenerator random;
    private final Map<Key, Integer> failures = new ConcurrentHashMap<>();

    Attempts(Backoff backoff, RandomGenerator random) {
        this.backoff = backoff;
        this.random = random;
    }

    /**
     * Counts a failure.
     *
     * @param wait for how long at least; null: no matter
     * @return after which time it is tried again
     */
    Duration failed(Key key, @Nullable Duration wait) {
        int count = failures.merge(key, 1, Integer::sum);
        Duration own = backoff.after(count, random);
        return wait == null || wait.compareTo(own) < 0 ? own : wait;
    }

    /** It has succeeded, or the object is gone. */
    void forget(Key key) {
        failures.remove(key);
    }
}
