package dev.coppice.store.coordination;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.Compare;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Something held: a lock, a permit, a leadership. Given back by {@link #close}; one that was acquired again has to be given
 * back as often. Safe for use by many threads.
 */
public final class Grant implements AutoCloseable {
    private final Session session;
    private final String name;
    private final FairQueue.Place place;
    private final Holding holding;
    private final CompletableFuture<String> lost;
    private final Instant since;
    private final AtomicBoolean closed = new AtomicBoolean();

    Grant(
            Session session,
            String name,
            FairQueue.Place place,
            Holding holding,
            CompletableFuture<String> lost,
            Instant since) {
        this.session = session;
        this.name = name;
        this.place = place;
        this.holding = holding;
        this.lost = lost;
        this.since = since;
    }

    public String name() {
        return name;
    }

    public ByteString key() {
        return place.key();
    }

    /**
     * The fencing token: greater than that of every grant of this name before. Whatever the lock protects should refuse what
     * comes with a smaller token than it has seen.
     */
    public long token() {
        return place.revision();
    }

    /** A condition for transactions of the same keyspace: they are done only while this is held. */
    public Compare guard() {
        return FairQueue.createdAt(place.key(), place.revision());
    }

    public Instant since() {
        return since;
    }

    /** Whether it is certainly still held. Asks nobody. */
    public boolean held() {
        return !closed.get() && !lost.isDone() && session.alive();
    }

    /** Completes, with the reason, when it is lost before it is given back. What follows it must not block. */
    public CompletableFuture<String> lost() {
        return lost.copy();
    }

    FairQueue.Place place() {
        return place;
    }

    Session session() {
        return session;
    }

    /**
     * Gives it back.
     *
     * @throws dev.coppice.store.StoreException when the store does not answer: then it is free when the lease ends
     */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            holding.leave();
        }
    }
}
