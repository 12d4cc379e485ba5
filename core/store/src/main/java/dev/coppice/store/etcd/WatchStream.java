package dev.coppice.store.etcd;

import com.google.protobuf.ByteString;
import dev.coppice.store.MemberKeyspace;
import dev.coppice.store.StoreException;
import dev.coppice.store.Watch;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchRequest;
import dev.coppice.store.api.WatchResponse;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.engine.WatchBody;
import dev.coppice.store.engine.WatchSession;
import dev.coppice.store.engine.WatchSink;
import dev.coppice.store.engine.Watcher;
import io.grpc.Status.Code;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One stream of etcd's Watch service: many watches over one connection, delivered by one session. Requests come from one
 * thread at a time; closing is safe for use by many threads.
 */
final class WatchStream {

    private static final int MAX_WATCHES = 100_000;
    private static final int SESSIONS_TRIED = 3;

    /** Where responses go. Safe for use by many threads. */
    interface Sink {
        /** Sends the same to several watches; may block while the connection is full. */
        void send(WatchBody body, long[] watches) throws Exception;

        /** Sends the last of a watch; does not wait for room. */
        void sendLast(WatchBody body, long watch) throws Exception;

        /** Ends the whole stream. */
        void fail(StoreException why);
    }

    private final MemberKeyspace keyspace;
    private final Gate gate;
    private final Supplier<Caller> caller;
    private final Sink sink;
    private final Set<Long> ids = new HashSet<>();
    private final Map<Long, Watch> watches = new HashMap<>();
    private @Nullable WatchSession session;
    private long nextId;
    private boolean closed;

    /** @param caller says who it is; asked with every watch */
    WatchStream(MemberKeyspace keyspace, Gate gate, Supplier<Caller> caller, Sink sink) {
        this.keyspace = keyspace;
        this.gate = gate;
        this.caller = caller;
        this.sink = sink;
    }

    /** Takes a request; waits while the client does not take what it is told, and many requests wait already. */
    void request(WatchRequest request) {
        try {
            switch (request.getRequestUnionCase()) {
                case CREATE_REQUEST -> create(request.getCreateRequest());
                case CANCEL_REQUEST -> cancel(request.getCancelRequest().getWatchId());
                case PROGRESS_REQUEST -> requestProgress();
                case REQUESTUNION_NOT_SET -> {}
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Errors.stopped();
        }
    }

    /** The running session; another one after the store was restarted. Null when the stream is closed. */
    private @Nullable WatchSession session() {
        synchronized (this) {
            WatchSession current = session;
            if (closed || current != null && !current.over()) {
                return closed ? null : current;
            }
        }
        WatchSession started = keyspace.watches(new Outlet());
        synchronized (this) {
            if (!closed) {
                session = started;
                return started;
            }
        }
        started.end(null);
        return null;
    }

    // ---- requests

    private void create(WatchCreateRequest request) throws InterruptedException {
        ByteString key = request.getKey().isEmpty() ? ByteString.copyFrom(new byte[] {0}) : request.getKey();
        if (request.getStartRevision() < 0) {
            refuse(String.valueOf(Errors.compacted().getMessage()));
            return;
        }
        try {
            gate.read(caller.get(), key, request.getRangeEnd());
        } catch (StoreException e) {
            // As etcd's library prints an error: clients look for it.
            refuse("rpc error: code = " + EtcdCallMetrics.goName(e.code()) + " desc = " + e.getMessage());
            return;
        }
        if (emptyRange(key, request.getRangeEnd())) {
            refuse("mvcc: watcher range is empty");
            return;
        }
        long id = request.getWatchId();
        String refusal = null;
        synchronized (this) {
            if (id != 0 && ids.contains(id)) {
                refusal = "mvcc: duplicate watch ID provided on the WatchStream";
            } else if (closed || ids.size() >= MAX_WATCHES) {
                refusal = "etcdserver: a stream takes at most " + MAX_WATCHES + " watches; open another one";
            } else {
                if (id == 0) {
                    while (ids.contains(nextId)) {
                        nextId++;
                    }
                    id = nextId++;
                }
                ids.add(id);
            }
        }
        if (refusal != null) {
            refuse(refusal);
            return;
        }
        begin(request.toBuilder().setKey(key).setWatchId(id).build());
    }

    private void begin(WatchCreateRequest request) throws InterruptedException {
        Watcher watcher = null;
        for (int attempt = 0; attempt < SESSIONS_TRIED && watcher == null; attempt++) {
            WatchSession current = session();
            watcher = current == null ? null : current.watch(request, Watcher.ALL);
        }
        synchronized (this) {
            // It may have ended already.
            if (watcher != null && ids.contains(request.getWatchId())) {
                watches.put(request.getWatchId(), watcher);
                return;
            }
            if (watcher != null || closed) {
                return;
            }
            ids.remove(request.getWatchId());
        }
        throw Errors.stopped();
    }

    private static boolean emptyRange(ByteString key, ByteString rangeEnd) {
        return !rangeEnd.isEmpty()
                && !(rangeEnd.size() == 1 && rangeEnd.byteAt(0) == 0)
                && ByteString.unsignedLexicographicalComparator().compare(key, rangeEnd) >= 0;
    }

    private void refuse(String reason) throws InterruptedException {
        WatchResponse refusal = WatchResponse.newBuilder()
                .setHeader(keyspace.space().header(keyspace.revision()))
                .setWatchId(-1)
                .setCreated(true)
                .setCanceled(true)
                .setCancelReason(reason)
                .build();
        for (int attempt = 0; attempt < SESSIONS_TRIED; attempt++) {
            WatchSession current = session();
            if (current == null || current.tell(refusal)) {
                return;
            }
        }
        throw Errors.stopped();
    }

    private void cancel(long id) {
        Watch watch;
        synchronized (this) {
            watch = watches.get(id);
        }
        if (watch != null) {
            watch.close();
        }
    }

    private void requestProgress() throws InterruptedException {
        WatchSession current = session();
        if (current != null) {
            current.requestProgress();
        }
    }

    void close() {
        WatchSession current;
        synchronized (this) {
            closed = true;
            ids.clear();
            watches.clear();
            current = session;
        }
        if (current != null) {
            current.end(null);
        }
    }

    // ---- responses

    /** Takes what a session tells. */
    private final class Outlet implements WatchSink {
        @Override
        public void send(WatchBody body, long[] told) throws Exception {
            try {
                sink.send(body, told);
            } catch (Exception e) {
                close();
                throw e;
            }
        }

        @Override
        public void ended(long id, @Nullable Throwable error, boolean told) {
            synchronized (WatchStream.this) {
                watches.remove(id);
                ids.remove(id);
                if (closed || told) {
                    return;
                }
            }
            if (error instanceof StoreException why && why.code() == Code.UNAVAILABLE) {
                // The node stops. A client takes a cancelled watch for over, and a broken stream for one to begin
                // again.
                sink.fail(why);
                close();
                return;
            }
            WatchResponse.Builder end = WatchResponse.newBuilder().setCanceled(true);
            if (error != null) {
                end.setCancelReason(String.valueOf(error.getMessage()));
            } else {
                end.setHeader(keyspace.space().header(keyspace.revision()));
            }
            try {
                sink.sendLast(WatchBody.note(end.build()), id);
            } catch (Exception e) {
                close();
            }
        }
    }
}
