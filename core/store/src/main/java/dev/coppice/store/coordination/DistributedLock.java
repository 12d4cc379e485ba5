package dev.coppice.store.coordination;

import com.google.protobuf.ByteString;
import dev.coppice.store.StoreException;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.RangeRequest;
import io.grpc.Status.Code;
import java.time.Duration;
import java.util.Optional;

/**
 * A lock, one side of a read-write lock, or a semaphore, as its session may acquire it. Whoever comes first has it first; a
 * restart of the store or a change of its leader is waited out, in place. Safe for use by many threads.
 */
public final class DistributedLock {
    private static final Duration RETRY = Duration.ofMillis(200);

    private final Session session;
    private final String name;
    private final ByteString key;
    private final FairQueue.Turn turn;
    private final ByteString value;
    private final LockNote note;

    DistributedLock(Session session, String name, ByteString key, FairQueue.Turn turn, LockNote note) {
        this.session = session;
        this.name = name;
        this.key = key;
        this.turn = turn;
        this.note = note;
        this.value = note.bytes();
    }

    public String name() {
        return name;
    }

    /**
     * Waits until it is held.
     *
     * @throws SessionExpiredException when the session ends meanwhile, or the wait was ended to resolve a deadlock
     */
    public Grant acquire() throws InterruptedException {
        return acquire(new Patience()).orElseThrow(session::expired);
    }

    /** Waits for some time; empty when it is over. Throws as {@link #acquire()}. */
    public Optional<Grant> acquire(Duration atMost) throws InterruptedException {
        return acquire(Patience.of(session.kernel().timers(), atMost));
    }

    /** Acquires it if that is possible at once. */
    public Optional<Grant> tryAcquire() throws InterruptedException {
        return acquire(Duration.ZERO);
    }

    /** Waits until patience ends; empty then. The patience is used up. Throws as {@link #acquire()}. */
    public Optional<Grant> acquire(Patience patience) throws InterruptedException {
        return Acquisition.acquire(session, name, key, value, turn, session.begin(patience), this::check);
    }

    /** All who use a semaphore must mean the same number of permits. */
    private void check() {
        if (note.kind() != LockNote.Kind.SEMAPHORE) {
            return;
        }
        for (KeyValue first : session.keyspace()
                .range(RangeRequest.newBuilder()
                        .setKey(turn.prefix())
                        .setRangeEnd(FairQueue.prefixEnd(turn.prefix()))
                        .setSortTarget(RangeRequest.SortTarget.CREATE)
                        .setLimit(1)
                        .build())
                .getKvsList()) {
            LockNote other = LockNote.parse(first.getValue()).orElse(LockNote.NONE);
            if (other.kind() != note.kind() || other.permits() != note.permits()) {
                throw new IllegalArgumentException("permits " + note.permits() + " of semaphore \"" + name + "\": "
                        + (other.kind() == LockNote.Kind.SEMAPHORE
                                ? "it is in use with " + other.permits() + " permits: name the same number"
                                : "the name is in use by a lock or an election: choose another name"));
            }
        }
    }

    /** How something with a place in a queue is acquired. */
    static final class Acquisition {
        private Acquisition() {}

        static Optional<Grant> acquire(
                Session session,
                String name,
                ByteString key,
                ByteString value,
                FairQueue.Turn turn,
                Patience patience,
                Runnable check)
                throws InterruptedException {
            try {
                check.run();
                if (!session.alive()) {
                    throw session.expired();
                }
                Optional<Grant> grant = stand(session, name, key, value, turn, patience);
                if (grant.isEmpty() && !session.alive()) {
                    throw session.expired();
                }
                return grant;
            } finally {
                session.end(patience);
            }
        }

        private static Optional<Grant> stand(
                Session session, String name, ByteString key, ByteString value, FairQueue.Turn turn, Patience patience)
                throws InterruptedException {
            Holding.Joined joined = patiently(session, patience, () -> session.join(key, value));
            Holding holding = joined.holding();
            FairQueue.Place place = joined.place();
            Optional<Grant> grant = Optional.empty();
            try {
                grant = patiently(session, patience, () -> session.queue().awaitTurn(place, turn, patience))
                        .map(header -> new Grant(
                                session,
                                name,
                                place,
                                holding,
                                holding.held(place, header.getRevision()),
                                session.kernel().clock().now()));
                return grant;
            } finally {
                if (grant.isEmpty()) {
                    holding.leave();
                }
            }
        }

        private interface Step<T> {
            T run() throws InterruptedException;
        }

        /** Tries again while the store has no leader, or is away. */
        private static <T> T patiently(Session session, Patience patience, Step<T> step) throws InterruptedException {
            while (true) {
                try {
                    return step.run();
                } catch (StoreException e) {
                    boolean passing = e.code() == Code.UNAVAILABLE || e.code() == Code.DEADLINE_EXCEEDED;
                    if (!passing || !session.alive() || patience.over()) {
                        throw e;
                    }
                    session.kernel().timers().sleep(RETRY);
                }
            }
        }
    }
}
