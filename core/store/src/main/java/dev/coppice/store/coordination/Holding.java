package dev.coppice.store.coordination;

import com.google.protobuf.ByteString;
import dev.coppice.store.StoreException;
import dev.coppice.store.Watch;
import dev.coppice.store.WatchObserver;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchResponse;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A key of a session, shared by all of the session that hold it or wait for it; deleted when the last of them leaves. While
 * it is held it is watched, so that its loss is known at once.
 */
final class Holding {
    private final Session session;
    private final ByteString key;
    private final ReentrantLock lock = new ReentrantLock();
    private int users;
    private boolean left;
    private FairQueue.@Nullable Place place;
    private @Nullable Watch watch;
    private boolean unwatched;
    private CompletableFuture<String> lost = new CompletableFuture<>();

    Holding(Session session, ByteString key) {
        this.session = session;
        this.key = key;
    }

    /** Taken part in, with the place that it has. */
    record Joined(Holding holding, FairQueue.Place place) {}

    ByteString key() {
        return key;
    }

    /** Takes part: stands in the queue if nobody of the session does yet. Empty when the last one has just left. */
    Optional<FairQueue.Place> join(ByteString value) {
        lock.lock();
        try {
            if (left) {
                return Optional.empty();
            }
            FairQueue.Place stood = session.queue().stand(key, value, session.lease());
            if (users == 0 || place == null || place.revision() != stood.revision()) {
                unwatch();
                lost = new CompletableFuture<>();
            }
            users++;
            place = stood;
            return Optional.of(stood);
        } finally {
            lock.unlock();
        }
    }

    /** Is held from now on. */
    CompletableFuture<String> held(FairQueue.Place granted, long atRevision) {
        lock.lock();
        try {
            if (watch == null) {
                watch(granted, atRevision + 1);
            }
            return lost;
        } finally {
            lock.unlock();
        }
    }

    /** Leaves; the last one takes the key along. Fails when the store does not answer: then the lease has to end. */
    void leave() {
        lock.lock();
        try {
            if (--users > 0) {
                return;
            }
            left = true;
            session.forget(this);
            unwatch();
            if (place != null && !lost.isDone()) {
                boolean _ = session.queue().leave(place);
            }
        } finally {
            lock.unlock();
        }
    }

    private void unwatch() {
        if (watch != null) {
            watch.close();
            watch = null;
        }
    }

    void lose(String reason) {
        lost.complete(reason);
    }

    private void watch(FairQueue.Place granted, long from) {
        CompletableFuture<String> end = lost;
        unwatched = false;
        watch = session.keyspace()
                .watch(
                        WatchCreateRequest.newBuilder()
                                .setKey(key)
                                .setStartRevision(from)
                                .addFilters(WatchCreateRequest.FilterType.NOPUT)
                                .build(),
                        new WatchObserver() {
                            @Override
                            public void response(WatchResponse response) {
                                if (response.getEventsCount() > 0) {
                                    end.complete("its key " + granted.key().toStringUtf8() + " was deleted");
                                }
                            }

                            @Override
                            public void closed(@Nullable Throwable error) {
                                unwatched = error != null;
                            }
                        });
    }

    /** Looks after the key, when the watch broke. */
    void verify() {
        lock.lock();
        try {
            FairQueue.Place held = place;
            if (!unwatched || held == null || users == 0) {
                return;
            }
            RangeResponse now = session.keyspace()
                    .range(RangeRequest.newBuilder().setKey(key).build());
            if (now.getKvsCount() == 0 || now.getKvs(0).getCreateRevision() != held.revision()) {
                lost.complete("its key " + key.toStringUtf8() + " was deleted");
            } else {
                watch(held, now.getHeader().getRevision() + 1);
            }
        } catch (StoreException e) {
            unwatched = true; // looked after at the next renewal
        } finally {
            lock.unlock();
        }
    }
}
