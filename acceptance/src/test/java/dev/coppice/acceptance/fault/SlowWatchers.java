package dev.coppice.acceptance.fault;

import dev.coppice.store.api.Event;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchRequest;
import dev.coppice.store.api.WatchResponse;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Many watchers of everything on one stream, of which one answer is taken at a time, slowly. */
final class SlowWatchers implements ClientResponseObserver<WatchRequest, WatchResponse>, AutoCloseable {
    private final TreeMap<Long, List<Long>> told = new TreeMap<>();
    private final int watchers;
    private @Nullable ClientCallStreamObserver<WatchRequest> stream;
    private @Nullable Throwable failure;

    SlowWatchers(EtcdClient node, int watchers, long from) {
        this.watchers = watchers;
        var requests = node.watches().watch(this);
        for (int i = 0; i < watchers; i++) {
            requests.onNext(WatchRequest.newBuilder()
                    .setCreateRequest(WatchCreateRequest.newBuilder()
                            .setKey(EtcdClient.ZERO)
                            .setRangeEnd(EtcdClient.ZERO)
                            .setStartRevision(from))
                    .build());
        }
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<WatchRequest> requests) {
        stream = requests;
        requests.disableAutoRequestWithInitial(1);
    }

    @Override
    public void onNext(WatchResponse response) {
        note(response);
        Load.pause(2);
        ClientCallStreamObserver<WatchRequest> requests = stream;
        if (requests != null) {
            requests.request(1);
        }
    }

    private synchronized void note(WatchResponse response) {
        List<Long> revisions = told.computeIfAbsent(response.getWatchId(), _ -> new ArrayList<>());
        for (Event each : response.getEventsList()) {
            revisions.add(each.getKv().getModRevision());
        }
        notifyAll();
    }

    @Override
    public synchronized void onError(Throwable error) {
        failure = error;
        notifyAll();
    }

    @Override
    public void onCompleted() {
        onError(new IllegalStateException("the stream was ended"));
    }

    /** The revisions that each watcher was told, once all were told the given one or the time is over. */
    synchronized List<List<Long>> await(long revision, Duration limit) throws InterruptedException {
        long end = System.nanoTime() + limit.toNanos();
        while (!all(revision) && failure == null && System.nanoTime() < end) {
            wait(100);
        }
        if (failure != null) {
            throw new AssertionError("the stream failed", failure);
        }
        return List.copyOf(told.values());
    }

    private boolean all(long revision) {
        return told.size() == watchers
                && told.values().stream().allMatch(each -> !each.isEmpty() && each.getLast() >= revision);
    }

    @Override
    public void close() {
        ClientCallStreamObserver<WatchRequest> requests = stream;
        if (requests != null) {
            requests.cancel("over", null);
        }
    }
}
