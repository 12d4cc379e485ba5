package dev.coppice.store.coordination;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.Timers;
import dev.coppice.store.Keyspace;
import dev.coppice.store.StoreException;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseGrantResponse;
import dev.coppice.store.api.LeaseKeepAliveRequest;
import dev.coppice.store.api.LeaseRevokeRequest;
import io.grpc.Status.Code;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A holder of locks: a lease, renewed by a task of its own three times in each TTL, and everything bound to it. One session
 * is one holder: what it holds it may acquire again (re-entrance), from any thread. It is lost when the store says that the
 * lease is gone, or when it could not be renewed for a whole TTL, measured on the monotonic clock from before the last
 * renewal that was answered: so it knows of its end no later than the store. Safe for use by many threads.
 */
public final class Session implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Session.class.getName());
    private static final int RENEWALS_IN_TTL = 3;
    private static final int RETRIES_IN_TTL = 20;

    private final Kernel kernel;
    private final Keyspace keyspace;
    private final Supervisor supervisor;
    private final SessionOptions options;
    private final FairQueue queue;
    private final long lease;
    private final long ttlNanos;
    private final CompletableFuture<String> lost = new CompletableFuture<>();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final Map<ByteString, Holding> holdings = new ConcurrentHashMap<>();
    private final Set<Patience> waiting = ConcurrentHashMap.newKeySet();
    private volatile long deadlineNanos;
    private Timers.@Nullable Timer alarm;

    private Session(
            Kernel kernel,
            Supervisor supervisor,
            Keyspace keyspace,
            SessionOptions options,
            LeaseGrantResponse granted,
            long askedNanos) {
        this.kernel = kernel;
        this.supervisor = supervisor;
        this.keyspace = keyspace;
        this.options = options;
        this.queue = new FairQueue(keyspace);
        this.lease = granted.getID();
        this.ttlNanos = Duration.ofSeconds(granted.getTTL()).toNanos();
        renewedAt(askedNanos);
    }

    static Session open(Kernel kernel, Supervisor supervisor, Keyspace keyspace, SessionOptions options) {
        long asked = kernel.clock().nanoTime();
        LeaseGrantResponse granted = keyspace.grant(
                LeaseGrantRequest.newBuilder().setTTL(options.ttl().toSeconds()).build());
        Session session = new Session(kernel, supervisor, keyspace, options, granted, asked);
        try {
            var _ = supervisor.start(
                    ChildSpec.task(session.child(), session::renew).withRestart(ChildSpec.Restart.TEMPORARY));
        } catch (StartException e) {
            session.close();
            throw new StoreException(Code.UNAVAILABLE, "the session could not be started: " + e.getMessage(), e);
        }
        return session;
    }

    private String child() {
        return "session-" + Long.toHexString(lease);
    }

    // ---- what can be held

    /** A lock: one holder, in order of arrival. etcdctl lock and jetcd's Lock contend for the same. */
    public DistributedLock lock(String name) {
        ByteString key = Names.check(name);
        return lock(name, ContenderKey.of(key, lease), FairQueue.Turn.exclusive(key), LockNote.Kind.LOCK, 1);
    }

    /** A lock that readers share and writers have alone; nobody overtakes: readers wait for writers that came before. */
    public ReadWriteLock readWriteLock(String name) {
        ByteString key = Names.check(name);
        ByteString write = key.concat(ByteString.copyFromUtf8("/write"));
        ByteString read = key.concat(ByteString.copyFromUtf8("/read"));
        return new ReadWriteLock(
                lock(name, ContenderKey.of(read, lease), FairQueue.Turn.exclusive(write), LockNote.Kind.READ, 1),
                lock(name, ContenderKey.of(write, lease), FairQueue.Turn.exclusive(key), LockNote.Kind.WRITE, 1));
    }

    /**
     * A lock with several holders at a time. All who use a name have to name the same number: the first one fixes it while
     * anybody holds or waits.
     *
     * @param permits 1 to 1,000
     */
    public DistributedLock semaphore(String name, int permits) {
        if (permits < 1 || permits > LockNote.MOST_PERMITS) {
            throw new IllegalArgumentException(
                    "permits " + permits + " of semaphore \"" + name + "\": expected 1 to " + LockNote.MOST_PERMITS);
        }
        ByteString key = Names.check(name);
        return lock(
                name,
                ContenderKey.of(key, lease),
                new FairQueue.Turn(ContenderKey.below(key), permits),
                LockNote.Kind.SEMAPHORE,
                permits);
    }

    private DistributedLock lock(String name, ByteString key, FairQueue.Turn turn, LockNote.Kind kind, int permits) {
        return new DistributedLock(this, name, key, turn, new LockNote(kind, permits, options.owner()));
    }

    /** A barrier that one closes and others wait at. */
    public DistributedBarrier barrier(String name) {
        return new DistributedBarrier(this, Names.check(name));
    }

    /**
     * A barrier at which so many wait for each other, when they come and when they go.
     *
     * @param parties at least 1
     */
    public DistributedDoubleBarrier doubleBarrier(String name, int parties) {
        return new DistributedDoubleBarrier(this, Names.check(name), parties);
    }

    /** An election. etcdctl elect and jetcd's Election are candidates of the same. */
    public Election election(String name) {
        return new Election(this, name, Names.check(name));
    }

    // ---- how it is

    public long lease() {
        return lease;
    }

    public Optional<String> owner() {
        return Optional.ofNullable(options.owner());
    }

    /** Whether what it holds is certainly still held. Asks nobody. */
    public boolean alive() {
        return !closed.get() && !lost.isDone() && remaining().isPositive();
    }

    /** For how long what it holds is certainly still held, if it is not renewed again. Zero or less when it is lost. */
    public Duration remaining() {
        return lost.isDone()
                ? Duration.ZERO
                : Duration.ofNanos(deadlineNanos - kernel.clock().nanoTime());
    }

    /** Completes, with the reason, when it is lost; never when it is closed before. What follows it must not block. */
    public CompletableFuture<String> lost() {
        return lost.copy();
    }

    /** Ends the lease, and with it everything that is held. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        cancelAlarm();
        waiting.forEach(Patience::end);
        try {
            var _ = keyspace.revoke(LeaseRevokeRequest.newBuilder().setID(lease).build());
        } catch (StoreException e) {
            if (e.code() != Code.NOT_FOUND) {
                LOG.log(System.Logger.Level.DEBUG, "the lease of a closed session ends by itself", e);
            }
        }
        boolean _ = supervisor.stop(child());
    }

    // ---- renewing

    private synchronized void renewedAt(long askedNanos) {
        deadlineNanos = askedNanos + ttlNanos;
        if (alarm != null) {
            boolean _ = alarm.cancel();
        }
        Duration left =
                Duration.ofNanos(Math.max(0, deadlineNanos - kernel.clock().nanoTime()));
        alarm = closed.get() ? null : kernel.timers().schedule(left, () -> lose("it could not be renewed in its time"));
    }

    private synchronized void cancelAlarm() {
        if (alarm != null) {
            boolean _ = alarm.cancel();
        }
    }

    private void lose(String reason) {
        if (!closed.get() && lost.complete("lease " + Long.toHexString(lease) + ": " + reason)) {
            cancelAlarm();
            waiting.forEach(Patience::end);
            holdings.values().forEach(holding -> holding.lose(reason));
        }
    }

    private void renew() throws InterruptedException {
        boolean failing = false;
        while (!closed.get() && !lost.isDone()) {
            kernel.timers().sleep(Duration.ofNanos(ttlNanos / (failing ? RETRIES_IN_TTL : RENEWALS_IN_TTL)));
            long asked = kernel.clock().nanoTime();
            try {
                long seconds = keyspace.keepAlive(
                                LeaseKeepAliveRequest.newBuilder().setID(lease).build())
                        .getTTL();
                if (seconds <= 0) {
                    lose("it has ended");
                    return;
                }
                renewedAt(asked);
                failing = false;
                holdings.values().forEach(Holding::verify);
            } catch (StoreException e) {
                failing = true;
                LOG.log(System.Logger.Level.DEBUG, "a lease could not be renewed, which is tried again", e);
            }
        }
    }

    // ---- for what is held

    Kernel kernel() {
        return kernel;
    }

    Keyspace keyspace() {
        return keyspace;
    }

    FairQueue queue() {
        return queue;
    }

    /** Stands in a queue, together with all of this session that do. */
    Holding.Joined join(ByteString key, ByteString value) {
        while (true) {
            Holding holding = holdings.computeIfAbsent(key, made -> new Holding(this, made));
            Optional<FairQueue.Place> place = holding.join(value);
            if (place.isPresent()) {
                return new Holding.Joined(holding, place.get());
            }
        }
    }

    void forget(Holding holding) {
        holdings.remove(holding.key(), holding);
    }

    SessionExpiredException expired() {
        return new SessionExpiredException(
                closed.get()
                        ? "the session is closed"
                        : lost.getNow("lease " + Long.toHexString(lease) + " has ended"));
    }

    /** Patience that ends with the session, too. */
    Patience begin(Patience patience) {
        waiting.add(patience);
        if (closed.get() || lost.isDone()) {
            patience.end();
        }
        return patience;
    }

    void end(Patience patience) {
        waiting.remove(patience);
        patience.close();
    }
}
