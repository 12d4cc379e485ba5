package dev.coppice.acceptance.etcd;

import dev.coppice.store.api.Event;
import dev.coppice.store.api.WatchRequest;
import dev.coppice.store.api.WatchResponse;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * One stream of watches on one server, and what it told, by watch. How events are packed into responses depends on timing; which
 * they are, and their order, does not.
 */
final class Watches implements AutoCloseable {

    /** The watch that an asked for progress is told of: none, but all. */
    private static final long ALL = -1;

    private final Side side;
    private final StreamObserver<WatchRequest> requests;

    /** Guarded by itself. */
    private final TreeMap<Long, List<String>> told = new TreeMap<>();

    /** Revisions, as asked for; guarded by {@link #told}. */
    private final List<Long> progress = new ArrayList<>();

    private boolean lastWasFragment;

    Watches(Side side, String user) {
        this.side = side;
        this.requests = side.watch(user).watch(new StreamObserver<>() {
            @Override
            public void onNext(WatchResponse response) {
                take(response);
            }

            @Override
            public void onError(Throwable error) {
                tell(Long.MIN_VALUE, "ended with " + Plain.of(error, side));
            }

            @Override
            public void onCompleted() {
                tell(Long.MIN_VALUE, "ended");
            }
        });
    }

    void send(WatchRequest request) {
        requests.onNext(request);
    }

    private void take(WatchResponse response) {
        for (Event event : response.getEventsList()) {
            tell(response.getWatchId(), Plain.of(event, side));
        }
        if (response.getCreated() || response.getCanceled() || response.getCompactRevision() != 0) {
            tell(
                    response.getWatchId(),
                    Plain.of(response.toBuilder().clearEvents().clearFragment().build(), side));
        } else if (response.getWatchId() == ALL) {
            synchronized (told) {
                progress.add(response.getHeader().getRevision());
            }
        }
        if (lastWasFragment && response.getEventsCount() == 0) {
            tell(response.getWatchId(), "a response without events between fragments");
        }
        lastWasFragment = response.getFragment();
    }

    private void tell(long watch, String what) {
        synchronized (told) {
            told.computeIfAbsent(watch, unknown -> new ArrayList<>()).add(what);
        }
    }

    /** Everything told so far: a line each. */
    List<String> told() {
        List<String> lines = new ArrayList<>();
        synchronized (told) {
            told.forEach((watch, each) -> each.forEach(line -> lines.add("watch " + watch + ": " + line)));
        }
        return lines;
    }

    /** The revisions that were told when progress was asked for. 3.4 always tells; 3.5 only when there is a watch and none waits. */
    List<Long> progress() {
        synchronized (told) {
            return List.copyOf(progress);
        }
    }

    @Override
    public void close() {
        requests.onCompleted();
    }
}
