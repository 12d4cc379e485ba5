package dev.coppice.store.client;

import dev.coppice.store.StoreException;
import dev.coppice.store.Watch;
import dev.coppice.store.WatchObserver;
import dev.coppice.store.api.WatchCancelRequest;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchProgressRequest;
import dev.coppice.store.api.WatchRequest;
import dev.coppice.store.api.WatchResponse;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** One watch on a stream of its own. */
final class RemoteWatch implements Watch, StreamObserver<WatchResponse> {
    private final WatchObserver observer;
    private final Function<Throwable, StoreException> failure;
    private final AtomicBoolean ended = new AtomicBoolean();
    private @Nullable StreamObserver<WatchRequest> out;
    private volatile long id;

    RemoteWatch(WatchObserver observer, Function<Throwable, StoreException> failure) {
        this.observer = observer;
        this.failure = failure;
    }

    synchronized void start(StreamObserver<WatchRequest> requests, WatchCreateRequest request) {
        out = requests;
        id = request.getWatchId();
        requests.onNext(WatchRequest.newBuilder().setCreateRequest(request).build());
    }

    private void end(@Nullable Throwable error) {
        if (ended.compareAndSet(false, true)) {
            observer.closed(error);
        }
    }

    // ---- the server's side

    @Override
    public void onNext(WatchResponse response) {
        if (ended.get()) {
            return;
        }
        if (response.getCreated()) {
            id = response.getWatchId();
        }
        try {
            observer.response(response);
        } catch (Exception e) {
            end(e);
            close();
            return;
        }
        if (response.getCanceled()) {
            end(
                    response.getCompactRevision() > 0
                            ? new StoreException(
                                    Status.Code.OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted")
                            : new StoreException(Status.Code.CANCELLED, response.getCancelReason()));
            close();
        }
    }

    @Override
    public void onError(Throwable error) {
        end(failure.apply(error));
    }

    @Override
    public void onCompleted() {
        end(new StoreException(Status.Code.UNAVAILABLE, "the server ended the watch"));
    }

    // ---- the user's side

    @Override
    public long id() {
        return id;
    }

    private synchronized void send(WatchRequest request) {
        StreamObserver<WatchRequest> requests = out;
        if (requests != null) {
            requests.onNext(request);
        }
    }

    @Override
    public void requestProgress() {
        send(WatchRequest.newBuilder()
                .setProgressRequest(WatchProgressRequest.getDefaultInstance())
                .build());
    }

    @Override
    public void close() {
        end(null);
        synchronized (this) {
            StreamObserver<WatchRequest> requests = out;
            out = null;
            if (requests != null) {
                try {
                    requests.onNext(WatchRequest.newBuilder()
                            .setCancelRequest(WatchCancelRequest.newBuilder().setWatchId(id))
                            .build());
                    requests.onCompleted();
                } catch (RuntimeException e) {
                    // The stream has ended already.
                }
            }
        }
    }
}
