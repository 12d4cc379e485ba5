package dev.coppice.store.engine;

import dev.coppice.kernel.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The leases of a keyspace: which there are comes from the log; when they expire is a matter of this member's monotonic
 * clock, and acted upon by the leader only, through the log. After a restart a lease has its whole time again, or what was left of it when
 * that was last written down, which is done every five minutes. Safe
 * for use by many threads. Looking for expired leases costs as much as there are, not as many as live.
 */
public final class Lessor {

    /** The least and the most seconds a lease lives. */
    public static final long MIN_TTL_SECONDS = 2;

    public static final long MAX_TTL_SECONDS = 9_000_000_000L;

    /** As in etcd: so much time passes between two checkpoints of a lease. */
    private static final long CHECKPOINT_SECONDS = 300;

    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    /** A lease. Its place in the queue may be before its end: renewing does not touch the queue. */
    private static final class Lease {
        private final long id;
        private final long ttlSeconds;
        private volatile long endNanos;

        /** The seconds left when that was last written down; 0 when it was not since it was granted or renewed. */
        private volatile long checkpointSeconds;

        private long queuedNanos;

        Lease(long id, long ttlSeconds) {
            this.id = id;
            this.ttlSeconds = ttlSeconds;
        }

        /** Gives it some time from now on; the longest leases would overflow in nanoseconds, so it saturates. */
        void start(long now, long seconds) {
            endNanos = seconds >= (Long.MAX_VALUE - now) / NANOS_PER_SECOND
                    ? Long.MAX_VALUE
                    : now + seconds * NANOS_PER_SECOND;
        }

        /** The seconds that it has when nothing is known of it but what was written down. */
        long knownSeconds() {
            return checkpointSeconds > 0 ? checkpointSeconds : ttlSeconds;
        }
    }

    /** A lease's time in seconds: granted and left. */
    public record Time(long grantedSeconds, long remainingSeconds) {}

    private final Clock clock;
    private final long origin;
    private volatile LongConsumer beforeRenewal = id -> {};
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

    /** @param remainingSeconds what it had left at its last checkpoint, or 0 */
    void add(long id, long ttlSeconds, long remainingSeconds) {
        Lease lease = new Lease(id, ttlSeconds);
        lease.checkpointSeconds = remainingSeconds;
        lease.start(now(), lease.knownSeconds());
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
        if (lease == null || lease.endNanos <= now()) {
            return 0;
        }
        if (lease.checkpointSeconds > 0) {
            // Else the next leader would know of less time than the holder was promised.
            beforeRenewal.accept(id);
        }
        // One look at the clock, which nobody who finds it expired comes between: it is then renewed or over, not both.
        synchronized (lease) {
            long now = now();
            if (lease.endNanos <= now) {
                return 0;
            }
            lease.start(now, lease.ttlSeconds);
        }
        return lease.ttlSeconds;
    }

    /** Sets what is done with a lease that is renewed while its last checkpoint tells of less time. */
    void beforeRenewal(LongConsumer action) {
        beforeRenewal = action;
    }

    /** Gives every lease the time that is known to be left, when this member begins to lead. */
    void renewAll() {
        long now = now();
        leases.values().forEach(lease -> lease.start(now, lease.knownSeconds()));
    }

    /** Takes note that the seconds left of a lease were written down, 0 for all of them; its seconds granted, or 0. */
    long checkpoint(long id, long remainingSeconds) {
        Lease lease = leases.get(id);
        if (lease == null) {
            return 0;
        }
        if (lease.checkpointSeconds > 0 && remainingSeconds > lease.checkpointSeconds) {
            return 0; // an older one, which came late
        }
        lease.checkpointSeconds = remainingSeconds;
        return lease.ttlSeconds;
    }

    /** Leases that have much less time left than was written down, with the seconds left; at most {@code limit}. */
    public Map<Long, Long> checkpointsDue(int limit) {
        long now = now();
        Map<Long, Long> due = new TreeMap<>();
        for (Lease lease : leases.values()) {
            long left = (lease.endNanos - now) / NANOS_PER_SECOND;
            if (left > 0 && lease.endNanos < Long.MAX_VALUE && lease.knownSeconds() - left >= CHECKPOINT_SECONDS) {
                due.put(lease.id, left);
                if (due.size() >= limit) {
                    break;
                }
            }
        }
        return due;
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

    /** The next to end first, as etcd lists them. */
    public List<Long> idsByEnd() {
        return leases.values().stream()
                .sorted(Comparator.comparingLong((Lease lease) -> lease.endNanos)
                        .thenComparingLong(lease -> lease.id))
                .map(lease -> lease.id)
                .toList();
    }

    public int count() {
        return leases.size();
    }

    /** Leases whose time is over, at most {@code limit}, the oldest first; each until it is removed. */
    public List<Long> expired(int limit) {
        List<Lease> over = new ArrayList<>();
        synchronized (queue) {
            while (!queue.isEmpty() && queue.first().queuedNanos <= now() && over.size() < limit) {
                Lease first = queue.removeFirst();
                synchronized (first) {
                    if (first.endNanos <= now()) {
                        over.add(first);
                        continue;
                    }
                }
                first.queuedNanos = first.endNanos;
                queue.add(first);
            }
            queue.addAll(over);
        }
        return over.stream().map(lease -> lease.id).toList();
    }
}
