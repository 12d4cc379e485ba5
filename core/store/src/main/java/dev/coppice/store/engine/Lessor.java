package dev.coppice.store.engine;

import dev.coppice.kernel.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The leases of a keyspace: which there are comes from the log; when they expire is a matter of this member's monotonic
 * clock, and acted upon by the leader only, through the log. After a restart every lease has its whole time again. Safe
 * for use by many threads. Looking for expired leases costs as much as there are, not as many as live.
 */
public final class Lessor {

    /** The least and the most seconds a lease lives. */
    public static final long MIN_TTL_SECONDS = 2;

    public static final long MAX_TTL_SECONDS = 9_000_000_000L;

    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    /** A lease. Its place in the queue may be before its end: renewing does not touch the queue. */
    private static final class Lease {
        private final long id;
        private final long ttlSeconds;
        private volatile long endNanos;
        private long queuedNanos;

        Lease(long id, long ttlSeconds) {
            this.id = id;
            this.ttlSeconds = ttlSeconds;
        }

        /** Starts its time anew; the longest leases would overflow in nanoseconds, so it saturates. */
        void start(long now) {
            endNanos = ttlSeconds >= (Long.MAX_VALUE - now) / NANOS_PER_SECOND
                    ? Long.MAX_VALUE
                    : now + ttlSeconds * NANOS_PER_SECOND;
        }
    }

    /** A lease's time in seconds: granted and left. */
    public record Time(long grantedSeconds, long remainingSeconds) {}

    private final Clock clock;
    private final long origin;
    private final Map<Long, Lease> leases = new ConcurrentHashMap<>();

    /** All leases, by when to look at them next. Guarded by itself. */
    private final TreeSet<Lease> queue = new TreeSet<>(
            Comparator.comparingLong((Lease lease) -> lease.queuedNanos).thenComparingLong(lease -> lease.id));

    Lessor(Clock clock) {
        this.clock = clock;
        this.origin = clock.nanoTime();
    }

    /** Nanoseconds since this was made. */
    private long now() {
        return clock.nanoTime() - origin;
    }

    void add(long id, long ttlSeconds) {
        Lease lease = new Lease(id, ttlSeconds);
        lease.start(now());
        synchronized (queue) {
            lease.queuedNanos = lease.endNanos;
            Lease before = leases.put(id, lease);
            if (before != null) {
                queue.remove(before);
            }
            queue.add(lease);
        }
    }

    void remove(long id) {
        synchronized (queue) {
            Lease lease = leases.remove(id);
            if (lease != null) {
                queue.remove(lease);
            }
        }
    }

    void clear() {
        synchronized (queue) {
            leases.clear();
            queue.clear();
        }
    }

    boolean exists(long id) {
        return leases.containsKey(id);
    }

    /** Starts the time of a lease anew; its seconds, or 0 when it is not there or has run out. */
    public long renew(long id) {
        Lease lease = leases.get(id);
        long now = now();
        if (lease == null || lease.endNanos <= now) {
            return 0;
        }
        lease.start(now);
        return lease.ttlSeconds;
    }

    /** Gives every lease its whole time again, when this member begins to lead. */
    void renewAll() {
        long now = now();
        leases.values().forEach(lease -> lease.start(now));
    }

    public @Nullable Time time(long id) {
        Lease lease = leases.get(id);
        if (lease == null) {
            return null;
        }
        long remaining = lease.endNanos - now();
        return new Time(lease.ttlSeconds, Duration.ofNanos(remaining).toSeconds());
    }

    public List<Long> ids() {
        return leases.keySet().stream().sorted().toList();
    }

    public int count() {
        return leases.size();
    }

    /** Leases whose time is over, at most {@code limit}, the oldest first; each until it is removed. */
    public List<Long> expired(int limit) {
        long now = now();
        List<Lease> over = new ArrayList<>();
        synchronized (queue) {
            while (!queue.isEmpty() && queue.first().queuedNanos <= now && over.size() < limit) {
                Lease first = queue.removeFirst();
                if (first.endNanos <= now) {
                    over.add(first);
                } else {
                    first.queuedNanos = first.endNanos;
                    queue.add(first);
                }
            }
            queue.addAll(over);
        }
        return over.stream().map(lease -> lease.id).toList();
    }
}
