package dev.coppice.store.engine;

import dev.coppice.store.Watch;
import dev.coppice.store.api.Event;
import java.util.function.Predicate;

/**
 * One watch of a {@linkplain WatchSession session}. Closing it and asking it for progress are safe for use by many threads;
 * everything else is the session's.
 */
public final class Watcher implements Watch {

    /** Wants every event. */
    public static final Predicate<Event> ALL = event -> true;

    private final WatchSession session;
    private final long id;
    private final long startRevision;
    private final boolean progressNotify;
    private volatile long lastResponseNanos;
    private volatile boolean closed;

    // Of the thread that delivers.
    private WatchGroup group;

    /** The first revision that it was not told of. */
    long next;

    /** Whether it has ended. Guarded by the session. */
    boolean over;

    /** @param startRevision where it starts; 0 for what is new */
    Watcher(
            WatchSession session,
            WatchShape shape,
            long id,
            long startRevision,
            boolean progressNotify,
            long nowNanos) {
        this.session = session;
        this.group = new WatchGroup(session, shape);
        this.id = id;
        this.startRevision = startRevision;
        this.progressNotify = progressNotify;
        this.lastResponseNanos = nowNanos;
    }

    WatchGroup group() {
        return group;
    }

    void join(WatchGroup ofItsShape) {
        group = ofItsShape;
    }

    long startRevision() {
        return startRevision;
    }

    boolean closed() {
        return closed;
    }

    boolean progressNotify() {
        return progressNotify;
    }

    void told(long nowNanos) {
        if (progressNotify) {
            lastResponseNanos = nowNanos;
        }
    }

    long lastResponseNanos() {
        return lastResponseNanos;
    }

    @Override
    public long id() {
        return id;
    }

    @Override
    public void requestProgress() {
        session.requestProgress(this);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            session.close(this);
        }
    }
}
