package dev.coppice.store.etcd;

import com.google.protobuf.ByteString;
import dev.coppice.store.MemberKeyspace;
import dev.coppice.store.StoreException;
import dev.coppice.store.Watch;
import dev.coppice.store.WatchObserver;
import dev.coppice.store.api.ResponseHeader;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchRequest;
import dev.coppice.store.api.WatchResponse;
import dev.coppice.store.engine.Errors;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One stream of etcd's Watch service: many watches over one connection. Requests come from one thread at a time; responses
 * come from the watches. Safe for use by many threads.
 */
final class WatchStream {

    private static final int MAX_WATCHES = 100_000;

    /** Where responses go; may block while the connection is full; called by one thread at a time. */
    interface Sink {
        void send(WatchResponse response) throws Exception;
    }

    private final MemberKeyspace keyspace;
    private final Gate gate;
    private final Supplier<Caller> caller;
    private final Sink sink;
    private final Object sending = new Object();
    private final Map<Long, Watch> watches = new HashMap<>();
    private final Set<Long> awaitingProgress = new HashSet<>();
    private @Nullable ResponseHeader progress;
    private long nextId;
    private boolean closed;

    /** @param caller says who it is; asked with every watch */
    WatchStream(MemberKeyspace keyspace, Gate gate, Supplier<Caller> caller, Sink sink) {
        this.keyspace = keyspace;
        this.gate = gate;
        this.caller = caller;
        this.sink = sink;
    }

    void request(WatchRequest request) {
        switch (request.getRequestUnionCase()) {
            case CREATE_REQUEST -> create(request.getCreateRequest());
            case CANCEL_REQUEST -> cancel(request.getCancelRequest().getWatchId());
            case PROGRESS_REQUEST -> requestProgress();
            case REQUESTUNION_NOT_SET -> {}
        }
    }

    // ---- requests

    private void create(WatchCreateRequest request) {
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
        WatchCreateRequest chosen;
        synchronized (this) {
            if (request.getWatchId() != 0 && watches.containsKey(request.getWatchId())) {
                refuse("mvcc: duplicate watch ID provided on the WatchStream");
                return;
            }
            if (closed || watches.size() >= MAX_WATCHES) {
                refuse("etcdserver: a stream takes at most " + MAX_WATCHES + " watches; open another one");
                return;
            }
            long id = request.getWatchId();
            if (id == 0) {
                while (watches.containsKey(nextId)) {
                    nextId++;
                }
                id = nextId++;
            }
            chosen = request.toBuilder().setKey(key).setWatchId(id).build();
            watches.put(id, keyspace.watch(chosen, new Member(id)));
        }
    }

    private static boolean emptyRange(ByteString key, ByteString rangeEnd) {
        return !rangeEnd.isEmpty()
                && !(rangeEnd.size() == 1 && rangeEnd.byteAt(0) == 0)
                && ByteString.unsignedLexicographicalComparator().compare(key, rangeEnd) >= 0;
    }

    private void refuse(String reason) {
        send(WatchResponse.newBuilder()
                .setHeader(keyspace.space().header(keyspace.revision()))
                .setWatchId(-1)
                .setCreated(true)
                .setCanceled(true)
                .setCancelReason(reason)
                .build());
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

    private void requestProgress() {
        Map<Long, Watch> asked;
        synchronized (this) {
            asked = Map.copyOf(watches);
            awaitingProgress.addAll(asked.keySet());
            progress = null;
        }
        asked.values().forEach(Watch::requestProgress);
    }

    void close() {
        Map<Long, Watch> left;
        synchronized (this) {
            closed = true;
            left = Map.copyOf(watches);
            watches.clear();
        }
        left.values().forEach(Watch::close);
    }

    // ---- responses

    private void send(WatchResponse response) {
        try {
            synchronized (sending) {
                sink.send(response);
            }
        } catch (Exception e) {
            close();
        }
    }

    /** Takes what one of its watches tells. */
    private final class Member implements WatchObserver {
        private final long id;
        private boolean toldEnd;

        Member(long id) {
            this.id = id;
        }

        @Override
        public void response(WatchResponse response) {
            toldEnd = response.getCanceled();
            boolean onlyProgress = !response.getCreated() && !response.getCanceled() && response.getEventsCount() == 0;
            if (!onlyProgress || !takeProgress(id, response.getHeader())) {
                send(response);
            }
        }

        @Override
        public void closed(@Nullable Throwable error) {
            boolean open;
            synchronized (WatchStream.this) {
                watches.remove(id);
                open = !closed;
            }
            if (open && !toldEnd) {
                WatchResponse.Builder end =
                        WatchResponse.newBuilder().setWatchId(id).setCanceled(true);
                if (error != null) {
                    end.setCancelReason(String.valueOf(error.getMessage()));
                } else {
                    end.setHeader(keyspace.space().header(keyspace.revision()));
                }
                send(end.build());
            }
            boolean unused = takeProgress(id, null);
        }
    }

    /**
     * Counts the answer of one watch to a request for progress: when all have answered, the stream tells how far all of them
     * are, as watch -1. True when the answer was part of such a request.
     */
    private boolean takeProgress(long id, @Nullable ResponseHeader header) {
        ResponseHeader least;
        synchronized (this) {
            if (!awaitingProgress.remove(id)) {
                return false;
            }
            ResponseHeader known = progress;
            if (header != null && (known == null || header.getRevision() < known.getRevision())) {
                progress = header;
            }
            least = progress;
            if (!awaitingProgress.isEmpty() || least == null) {
                return true;
            }
            progress = null;
        }
        send(WatchResponse.newBuilder().setHeader(least).setWatchId(-1).build());
        return true;
    }
}
