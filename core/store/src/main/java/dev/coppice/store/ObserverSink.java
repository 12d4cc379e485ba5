package dev.coppice.store;

import dev.coppice.store.engine.WatchBody;
import dev.coppice.store.engine.WatchSession;
import dev.coppice.store.engine.WatchSink;
import org.jspecify.annotations.Nullable;

/** Tells an observer in this process what its one watch sees; the session ends with the watch. */
final class ObserverSink implements WatchSink {

    private final WatchObserver observer;
    private volatile @Nullable WatchSession session;

    ObserverSink(WatchObserver observer) {
        this.observer = observer;
    }

    void of(WatchSession ofTheWatch) {
        session = ofTheWatch;
    }

    @Override
    public void send(WatchBody body, long[] watches) throws Exception {
        for (long each : watches) {
            observer.response(body.response(each));
        }
    }

    @Override
    public void ended(long watch, @Nullable Throwable error, boolean told) {
        observer.closed(error);
        WatchSession over = session;
        if (over != null) {
            over.end(null);
        }
    }
}
