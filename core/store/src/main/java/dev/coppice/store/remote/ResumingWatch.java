package dev.coppice.store.remote;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.Backoff;
import dev.coppice.kernel.Kernel;
import dev.coppice.store.StoreException;
import dev.coppice.store.Watch;
import dev.coppice.store.WatchObserver;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchGrpc;
import dev.coppice.store.api.WatchProgressRequest;
import dev.coppice.store.api.WatchRequest;
import dev.coppice.store.api.WatchResponse;
import dev.coppice.store.engine.Errors;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A watch on an etcd that goes on where it was when its stream breaks, on whichever member answers. Its observer sees whole
 * revisions, each once, in order: large answers come in parts, and what belongs to a revision that is not complete yet waits.
 * It ends when it is closed, when what it needs was compacted, or when etcd refuses it. Safe for use by many threads.
 */
final class ResumingWatch implements Watch {

    private static final System.Logger LOG = System.getLogger(ResumingWatch.class.getName());
    private static final Backoff PAUSE = Backoff.of(Duration.ofMillis(50), Duration.ofSeconds(2));
    private static final ByteString EVERYTHING = ByteString.copyFrom(new byte[1]);

    private final Kernel kernel;
    private final EtcdConnection etcd;
    private final KeyPrefix prefix;
    private final EtcdMeters meters;
    private final WatchCreateRequest request;
    private final WatchObserver observer;
    private final long id;
    private final Consumer<ResumingWatch> ended;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition advanced = lock.newCondition();
    private volatile @Nullable BlockingClientCall<WatchRequest, WatchResponse> call;
    private volatile boolean closed;

    // Of the thread that runs it.
    private boolean told;
    private long next;
    private List<Event> held = List.of();

    private volatile long reached;

    ResumingWatch(
            Kernel kernel,
            EtcdConnection etcd,
            KeyPrefix prefix,
            EtcdMeters meters,
            WatchCreateRequest request,
            WatchObserver observer,
            long id,
            Consumer<ResumingWatch> ended) {
        this.kernel = kernel;
        this.etcd = etcd;
        this.prefix = prefix;
        this.meters = meters;
        this.request = request;
        this.observer = observer;
        this.id = id;
        this.ended = ended;
        this.next = request.getStartRevision();
        this.reached = Math.max(0, next - 1);
    }

    @Override
    public long id() {
        return id;
    }

    /** Whether it watches all keys, and so sees every change below the prefix. */
    boolean whole() {
        return request.getKey().equals(EVERYTHING) && request.getRangeEnd().equals(EVERYTHING);
    }

    /** Waits until it has delivered everything up to a revision; says whether it has. */
    boolean reaches(long revision, long nanos) {
        if (reached >= revision) {
            return true;
        }
        lock.lock();
        try {
            long left = nanos;
            while (reached < revision && left > 0) {
                left = advanced.awaitNanos(left);
            }
            return reached >= revision;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            lock.unlock();
        }
    }

    /** As right as the server: before etcd 3.4.25 and 3.5.8 the answer may come too early. */
    @Override
    public void requestProgress() {
        BlockingClientCall<WatchRequest, WatchResponse> current = call;
        if (current == null) {
            return;
        }
        try {
            boolean unused = current.write(
                    WatchRequest.newBuilder()
                            .setProgressRequest(WatchProgressRequest.getDefaultInstance())
                            .build(),
                    1,
                    TimeUnit.SECONDS);
        } catch (StatusException | java.util.concurrent.TimeoutException e) {
            LOG.log(System.Logger.Level.DEBUG, "the stream is broken, and will be made again", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        closed = true;
        BlockingClientCall<WatchRequest, WatchResponse> current = call;
        if (current != null) {
            current.cancel("closed", null);
        }
    }

    /** Runs until it ends. */
    void run() throws InterruptedException {
        Throwable error = null;
        try {
            int failures = 0;
            while (!closed) {
                long before = next;
                try {
                    etcd.stream(channel ->
                            deliverAll(WatchGrpc.newBlockingV2Stub(channel).watch()));
                } catch (StoreException e) {
                    if (refused(e)) {
                        error = e;
                        return;
                    }
                    LOG.log(System.Logger.Level.DEBUG, "the watch goes on on another stream", e);
                }
                failures = next == before ? failures + 1 : 1;
                if (!closed) {
                    meters.resumed();
                    kernel.timers().sleep(PAUSE.delay(failures, kernel.random()));
                }
            }
        } catch (Refusal e) {
            error = e.reason;
        } catch (InterruptedException | RuntimeException e) {
            error = e;
            throw e;
        } finally {
            closed = true;
            ended.accept(this);
            observer.closed(error);
        }
    }

    private boolean refused(StoreException e) {
        return e.code() == Code.PERMISSION_DENIED || e.code() == Code.INVALID_ARGUMENT;
    }

    /** That etcd will not go on with it. */
    private static final class Refusal extends RuntimeException {
        private final StoreException reason;

        Refusal(StoreException reason) {
            super(reason);
            this.reason = reason;
        }
    }

    private void deliverAll(BlockingClientCall<WatchRequest, WatchResponse> stream)
            throws StatusException, InterruptedException {
        call = stream;
        held = List.of();
        try {
            if (closed) {
                return;
            }
            boolean unused = stream.write(WatchRequest.newBuilder()
                    .setCreateRequest(prefix.sent(request).toBuilder()
                            .setStartRevision(next)
                            .setProgressNotify(true)
                            .setFragment(true))
                    .build());
            while (!closed) {
                WatchResponse response = stream.read();
                if (response == null) {
                    throw new StatusException(Status.UNAVAILABLE.withDescription("etcd ended the watch"));
                }
                take(response);
            }
        } finally {
            call = null;
            stream.cancel("over", null);
        }
    }

    private void take(WatchResponse response) throws StatusException {
        if (response.getCanceled()) {
            cancelled(response);
        } else if (response.getCreated()) {
            if (next == 0) {
                next = response.getHeader().getRevision() + 1;
                reach(next - 1);
            }
            if (!told) {
                told = true;
                tell(response.toBuilder().setWatchId(id).build());
            }
        } else if (response.getEventsCount() == 0) {
            progress(response);
        } else {
            events(response);
        }
    }

    private void cancelled(WatchResponse response) throws StatusException {
        String why = response.getCancelReason();
        if (response.getCompactRevision() > 0) {
            tell(response.toBuilder().setWatchId(id).build());
            throw new Refusal(Errors.compacted());
        }
        if (why.contains("permission denied") || why.contains("duplicate")) {
            throw new Refusal(new StoreException(Code.PERMISSION_DENIED, why));
        }
        if (why.contains("token")) {
            etcd.forgetToken();
        }
        throw new StatusException(Status.UNAVAILABLE.withDescription("etcd ended the watch: " + why));
    }

    private void progress(WatchResponse response) {
        long revision = response.getHeader().getRevision();
        if (held.isEmpty() && revision >= next) {
            next = revision + 1;
            tell(response.toBuilder().setWatchId(id).build());
            reach(revision);
        }
    }

    private void events(WatchResponse response) {
        List<Event> all = new ArrayList<>(held);
        all.addAll(response.getEventsList());
        int whole = all.size();
        if (response.getFragment()) {
            long last = all.getLast().getKv().getModRevision();
            while (whole > 0 && all.get(whole - 1).getKv().getModRevision() == last) {
                whole--;
            }
        }
        held = List.copyOf(all.subList(whole, all.size()));
        if (whole == 0) {
            return;
        }
        List<Event> complete = all.subList(0, whole);
        long revision = complete.getLast().getKv().getModRevision();
        WatchResponse received = prefix.received(response.toBuilder()
                .clearEvents()
                .addAllEvents(complete)
                .setFragment(false)
                .setWatchId(id)
                .build());
        WatchResponse.Builder shown = received.toBuilder().clearEvents();
        received.getEventsList().stream()
                .filter(event -> !prefix.hides() || !event.getKv().getKey().equals(EtcdKeyspace.MARK))
                .forEach(shown::addEvents);
        if (shown.getEventsCount() == 0 || lastOf(shown) < revision) {
            shown.setHeader(response.getHeader().toBuilder().setRevision(revision));
        }
        next = revision + 1;
        tell(shown.build());
        if (shown.getEventsCount() > 0 && lastOf(shown) < revision) {
            // A mark came last: that there is nothing after the events is told by itself.
            tell(shown.clearEvents().build());
        }
        reach(revision);
    }

    private static long lastOf(WatchResponse.Builder response) {
        return response.getEvents(response.getEventsCount() - 1).getKv().getModRevision();
    }

    private void tell(WatchResponse response) {
        try {
            observer.response(response);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while a watch was delivered", e);
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private void reach(long revision) {
        lock.lock();
        try {
            reached = revision;
            advanced.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
