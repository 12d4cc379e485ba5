package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import dev.coppice.store.RequestLimits;
import dev.coppice.store.StoreException;
import dev.coppice.store.Watch;
import dev.coppice.store.WatchObserver;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchCreateRequest.FilterType;
import dev.coppice.store.api.WatchResponse;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One watch. The hub offers it events, which wait in a bounded queue; a process of its own delivers them. When the queue is
 * full the watch is <em>behind</em>: it delivers what waits, then reads on from the ring or the disk until it has caught
 * up. {@link #offer} and {@link #caughtUp} are called with the hub's lock held; {@link #deliver} by one thread at a time.
 */
public final class Watcher implements Watch {

    private static final int QUEUE_EVENTS = 1024;
    private static final long QUEUE_BYTES = 1L << 20;
    private static final int CATCH_UP_REVISIONS = 256;
    private static final int MAX_SHOWN_BYTES = 200;

    /** Wakes the process that delivers. */
    public interface Bell {
        void ring();

        /** Whether there is still somebody to hear it. */
        boolean heard();
    }

    private static final Bell NOT_YET = new Bell() {
        @Override
        public void ring() {}

        @Override
        public boolean heard() {
            return true;
        }
    };

    /** Wants every event. */
    public static final Predicate<Event> ALL = event -> true;

    private final Space space;
    private final WatchCreateRequest request;
    private final Predicate<Event> interest;
    private final WatchObserver observer;
    private final ByteString key;
    private final @Nullable ByteString prefix;
    private final boolean puts;
    private final boolean deletions;
    private volatile Bell bell = NOT_YET;

    // Guarded by this.
    private final ArrayDeque<Recorded> queue = new ArrayDeque<>();
    private long queuedBytes;
    private boolean behind;
    private long behindFrom;
    private boolean progressWanted;

    private volatile boolean closed;
    private volatile long lastResponseNanos;

    // Used by the delivering process only.
    private boolean started;

    private final AtomicBoolean ended = new AtomicBoolean();

    Watcher(Space space, WatchCreateRequest request, Predicate<Event> interest, WatchObserver observer) {
        this.space = space;
        this.request = request;
        this.interest = interest;
        this.observer = observer;
        this.key = request.getKey().isEmpty() ? ByteString.copyFrom(new byte[] {0}) : request.getKey();
        this.prefix = prefixOf(key, request.getRangeEnd());
        this.puts = !request.getFiltersList().contains(FilterType.NOPUT);
        this.deletions = !request.getFiltersList().contains(FilterType.NODELETE);
        this.lastResponseNanos = space.clock().nanoTime();
    }

    /** The prefix that a range stands for, or null when it is not that of a prefix. */
    static @Nullable ByteString prefixOf(ByteString key, ByteString rangeEnd) {
        if (key.size() != rangeEnd.size() || key.isEmpty() || key.byteAt(key.size() - 1) == (byte) 0xff) {
            return null;
        }
        int last = key.size() - 1;
        boolean same = key.substring(0, last).equals(rangeEnd.substring(0, last));
        return same && (key.byteAt(last) & 0xff) + 1 == (rangeEnd.byteAt(last) & 0xff) ? key : null;
    }

    /**
     * A picture of a watch, for people.
     *
     * @param key where its range starts
     * @param rangeEnd where it ends; empty for one key
     * @param queued events that wait
     * @param behind whether it reads on from the ring or the disk
     */
    public record Picture(String key, String rangeEnd, int queued, long queuedBytes, boolean behind) {}

    public synchronized Picture picture() {
        return new Picture(shown(key), shown(request.getRangeEnd()), queue.size(), queuedBytes, behind);
    }

    private static String shown(ByteString text) {
        return text.substring(0, Math.min(text.size(), MAX_SHOWN_BYTES)).toStringUtf8();
    }

    ByteString key() {
        return key;
    }

    ByteString rangeEnd() {
        return request.getRangeEnd();
    }

    @Nullable
    ByteString prefix() {
        return prefix;
    }

    boolean contains(ByteString candidate) {
        return Requests.contains(key, request.getRangeEnd(), candidate);
    }

    private boolean wanted(Recorded recorded) {
        return recorded.revision() >= request.getStartRevision()
                && (recorded.event().getType() == Event.EventType.PUT ? puts : deletions)
                && interest.test(recorded.event());
    }

    // ---- the hub's side

    /** Gives it an event; true when its process has to be woken. */
    synchronized boolean offer(Recorded recorded) {
        if (behind || closed || !wanted(recorded)) {
            return false;
        }
        long bytes = recorded.event().getSerializedSize();
        if (queue.size() >= QUEUE_EVENTS || (queuedBytes + bytes > QUEUE_BYTES && !queue.isEmpty())) {
            fallBehind(recorded.revision());
            return true;
        }
        queue.add(recorded);
        queuedBytes += bytes;
        return true;
    }

    /** Whole revisions only: what is queued of this one is dropped, to be read again. */
    private void fallBehind(long revision) {
        while (!queue.isEmpty() && queue.getLast().revision() == revision) {
            queuedBytes -= queue.removeLast().event().getSerializedSize();
        }
        behind = true;
        behindFrom = revision;
        space.metrics().watchesFellBehind();
    }

    /** From now on it reads what happened since a revision; what waits is delivered before. */
    synchronized void fallBehindFrom(long revision) {
        if (!behind) {
            behind = true;
            behindFrom = revision;
        }
    }

    synchronized void caughtUp() {
        behind = false;
    }

    synchronized boolean idle() {
        return queue.isEmpty() && !behind;
    }

    void wake() {
        bell.ring();
    }

    // ---- the user's side

    @Override
    public long id() {
        return request.getWatchId();
    }

    @Override
    public void requestProgress() {
        synchronized (this) {
            progressWanted = true;
        }
        wake();
    }

    @Override
    public void close() {
        closed = true;
        wake();
    }

    /** Registers it and says who wakes its process. */
    public void start(Bell bell) {
        this.bell = bell;
        wake();
    }

    public boolean progressNotify() {
        return request.getProgressNotify();
    }

    public long lastResponseNanos() {
        return lastResponseNanos;
    }

    // ---- the delivering process

    /** Delivers what there is. True when the watch has ended and must not be called again. */
    public boolean deliver() {
        if (ended.get()) {
            return true;
        }
        try {
            if (!started) {
                started = true;
                create();
            }
            while (!closed && step()) {}
            if (closed) {
                end(null);
            }
        } catch (EndedException e) {
            end(e.error);
        } catch (Exception e) {
            end(e);
        }
        return ended.get();
    }

    /** Ends it, with what the observer is told; the first call counts. */
    public void end(@Nullable Throwable error) {
        if (ended.compareAndSet(false, true)) {
            closed = true;
            space.hub().remove(this);
            observer.closed(error);
        }
    }

    /** Ends it when its process was killed, which tells nobody by itself. */
    void endIfUnheard() {
        if (!bell.heard()) {
            end(Errors.stopped());
        }
    }

    private void create() throws Exception {
        long start = request.getStartRevision();
        long head;
        if (start <= 0) {
            head = space.hub().addAtHead(this);
        } else {
            synchronized (this) {
                behind = true;
                behindFrom = start;
            }
            head = space.hub().addBehind(this);
            if (start > head) {
                synchronized (this) {
                    behindFrom = head + 1;
                }
            }
        }
        send(response(head).setCreated(true).build());
    }

    private WatchResponse.Builder response(long revision) {
        return WatchResponse.newBuilder().setHeader(space.header(revision)).setWatchId(request.getWatchId());
    }

    /** One round; false when there is nothing more to do now. */
    private boolean step() throws Exception {
        List<Recorded> ready;
        long from;
        synchronized (this) {
            ready = takeWaiting();
            from = ready.isEmpty() && behind ? behindFrom : 0;
        }
        if (!ready.isEmpty()) {
            sendEvents(ready, ready.getLast().revision());
            return true;
        }
        if (from > 0) {
            catchUp(from);
            return true;
        }
        return progress();
    }

    private List<Recorded> takeWaiting() {
        List<Recorded> ready = new ArrayList<>(queue);
        queue.clear();
        queuedBytes = 0;
        return ready;
    }

    private boolean progress() throws Exception {
        synchronized (this) {
            if (!progressWanted) {
                return false;
            }
        }
        long revision = space.hub().progress(this);
        if (revision >= 0) {
            synchronized (this) {
                progressWanted = false;
            }
            // A watch from the future, on a member that is behind its client: a note would be older than what it knows.
            if (revision >= request.getStartRevision() - 1) {
                send(response(revision).build());
            }
        }
        return true;
    }

    private void catchUp(long from) throws Exception {
        long compacted = space.compacted();
        if (from < compacted) {
            throw compacted(compacted);
        }
        List<Recorded.Revision> revisions = space.hub().next(this, from, CATCH_UP_REVISIONS);
        if (revisions == null) {
            return;
        }
        if (revisions.isEmpty()) {
            revisions = space.read(view -> History.read(view, space.number(), from, CATCH_UP_REVISIONS, QUEUE_BYTES));
            if (space.compacted() > from) {
                throw compacted(space.compacted());
            }
        }
        if (revisions.isEmpty()) {
            synchronized (this) {
                behindFrom = Math.max(from + 1, space.hub().ringFirst());
            }
            return;
        }
        long last = revisions.getLast().number();
        List<Recorded> events = new ArrayList<>();
        for (Recorded.Revision revision : revisions) {
            for (Recorded recorded : revision.events()) {
                if (wanted(recorded) && contains(recorded.event().getKv().getKey())) {
                    events.add(recorded);
                }
            }
        }
        synchronized (this) {
            behindFrom = last + 1;
        }
        if (!events.isEmpty()) {
            // What happened before is told as of now.
            sendEvents(events, Math.max(last, space.revision()));
        }
    }

    private EndedException compacted(long revision) throws Exception {
        send(response(0).setCanceled(true).setCompactRevision(revision).build());
        return new EndedException(Errors.compacted());
    }

    private void sendEvents(List<Recorded> recorded, long revision) throws Exception {
        List<Event> events = request.getPrevKv()
                ? space.read(view -> recorded.stream()
                        .map(each -> each.withPrevious(view, space.number(), space.compacted()))
                        .toList())
                : recorded.stream().map(Recorded::event).toList();
        if (!request.getFragment()) {
            send(response(revision).addAllEvents(events).build());
            return;
        }
        WatchResponse.Builder part = response(revision);
        long bytes = 0;
        for (Event event : events) {
            if (bytes > 0 && bytes + event.getSerializedSize() > RequestLimits.DEFAULT.bytes()) {
                send(part.setFragment(true).build());
                part = response(revision);
                bytes = 0;
            }
            part.addEvents(event);
            bytes += event.getSerializedSize();
        }
        send(part.build());
    }

    private void send(WatchResponse response) throws Exception {
        if (!closed) {
            lastResponseNanos = space.clock().nanoTime();
            observer.response(response);
        }
    }

    /** Ends the watch with an error that the observer was told. */
    private static final class EndedException extends Exception {
        private final transient StoreException error;

        EndedException(StoreException error) {
            super(error);
            this.error = error;
        }
    }
}
