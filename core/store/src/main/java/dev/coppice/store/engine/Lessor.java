package dev.coppice.store.engine;

import dev.coppice.kernel.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The leases of a keyspace: which there are comes from the log; when they expire is a matter of this member's monotonic
 * clock, and acted upon by the leader only, through the log. After a restart every lease has its whole time again. Safe
 * for use by many threads.
 */
public final class Lessor {

    /** The least and the most seconds a lease lives. */
    public static final long MIN_TTL_SECONDS = 2;

    public static final long MAX_TTL_SECONDS = 9_000_000_000L;

    /** A lease, and when it ends on the clock's nanosecond scale. */
    private static final class Lease {
        private final long ttlSeconds;
        private volatile long startNanos;

        Lease(long ttlSeconds, long startNanos) {
            this.ttlSeconds = ttlSeconds;
            this.startNanos = startNanos;
        }

        /** Nanoseconds left; the longest leases would overflow in nanoseconds, so it saturates. */
        long remainingNanos(long now) {
            long spent = now - startNanos;
            long total = ttlSeconds > Long.MAX_VALUE / 1_000_000_000L ? Long.MAX_VALUE : ttlSeconds * 1_000_000_000L;
            return total - spent;
        }
    }

    /** A lease's time in seconds: granted and left. */
    public record Time(long grantedSeconds, long remainingSeconds) {}

    private final Clock clock;
    private final Map<Long, Lease> leases = new ConcurrentHashMap<>();

    Lessor(Clock clock) {
        this.clock = clock;
    }

    void add(long id, long ttlSeconds) {
        leases.put(id, new Lease(ttlSeconds, clock.nanoTime()));
    }

    void remove(long id) {
        leases.remove(id);
    }

    boolean exists(long id) {
        return leases.containsKey(id);
    }

    /** Starts the time of a lease anew; its seconds, or 0 when it is not there or has run out. */
    public long renew(long id) {
        Lease lease = leases.get(id);
        long now = clock.nanoTime();
        if (lease == null || lease.remainingNanos(now) <= 0) {
            return 0;
        }
        lease.startNanos = now;
        return lease.ttlSeconds;
    }

    /** Gives every lease its whole time again, when this member begins to lead. */
    void renewAll() {
        long now = clock.nanoTime();
        leases.values().forEach(lease -> lease.startNanos = now);
    }

    public @Nullable Time time(long id) {
        Lease lease = leases.get(id);
        if (lease == null) {
            return null;
        }
        long remaining = lease.remainingNanos(clock.nanoTime());
        return new Time(lease.ttlSeconds, Duration.ofNanos(remaining).toSeconds());
    }

    public List<Long> ids() {
        return leases.keySet().stream().sorted().toList();
    }

    public int count() {
        return leases.size();
    }

    /** Leases whose time is over, at most {@code limit}. */
    public List<Long> expired(int limit) {
        List<Long> expired = new ArrayList<>();
        long now = clock.nanoTime();
        for (Map.Entry<Long, Lease> each : leases.entrySet()) {
            if (each.getValue().remainingNanos(now) <= 0) {
                expired.add(each.getKey());
                if (expired.size() >= limit) {
                    break;
                }
            }
        }
        return expired;
    }
}
