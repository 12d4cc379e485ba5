package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchResponse;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Watches that are delivered together, by one process: those of a stream, or a single one. What the hub offers waits in bounded
 * queues, one for all watches of the same shape. When such a queue is full its watches <em>lag</em>: what waits is delivered,
 * then they read on from the ring or the disk, many revisions at once, until they have caught up. Safe for use by many
 * threads; {@link #deliver} is called by one at a time.
 */
public final class WatchSession {

    private static final int REQUESTS = 1024;

    /** After a round of this many responses events are gathered for the next one, for this long for each response. */
    private static final int MANY_RESPONSES = 100;

    private static final long REST_NANOS = 50_000;
    private static final long MOST_REST_NANOS = 100_000_000;
    private static final int SHOWN_RANGES = 20;
    private static final int SHOWN_BYTES = 200;

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

    /** What is done by the process that delivers, between deliveries. */
    private interface Request {
        void run() throws Exception;
    }

    /** Why it ended: null when it was closed. */
    private record End(@Nullable Throwable error) {}

    private final Space space;
    private final WatchHub hub;
    private final WatchSink sink;
    private final WatchBacklog backlog;
    private final WatchTeller teller;
    private final WatchCatchUp catchUp;
    private volatile Bell bell = NOT_YET;
    private final AtomicReference<@Nullable End> end = new AtomicReference<>();
    private final Set<Watcher> toNotify = ConcurrentHashMap.newKeySet();

    // Guarded by this.
    private final ArrayDeque<Request> requests = new ArrayDeque<>();
    private final Set<Watcher> asked = new LinkedHashSet<>();
    private final Set<Watcher> progressOf = new LinkedHashSet<>();

    /** Held by whoever delivers or takes leave of the watches. */
    private final ReentrantLock delivering = new ReentrantLock();

    // Guarded by that lock; the groups are looked at by others, too.
    private final Map<WatchShape, WatchGroup> groups = new ConcurrentHashMap<>();
    private final Map<Long, Watcher> watchers = new HashMap<>();
    private boolean finished;
    private boolean progressOfAll;
    private long restUntil;

    WatchSession(Space space, WatchSink sink) {
        this.space = space;
        this.hub = space.hub();
        this.sink = sink;
        this.backlog = new WatchBacklog(space.metrics());
        this.teller = new WatchTeller(space, sink);
        this.catchUp =
                new WatchCatchUp(space, teller, groups.values(), watcher -> finish(watcher, Errors.compacted(), true));
        this.restUntil = space.clock().nanoTime();
    }

    /** Registers it and says who wakes its process. */
    public void start(Bell wakes) {
        bell = wakes;
        hub.add(this);
        if (over()) {
            hub.remove(this, List.of());
        }
        wake();
    }

    void wake() {
        bell.ring();
    }

    // ---- what its user asks

    /**
     * Adds a watch; no other watch of this session has its identifier. Waits while many requests have not been looked at, since
     * deliveries are blocked. Null when the session has ended.
     */
    public @Nullable Watcher watch(WatchCreateRequest request, Predicate<Event> wanted) throws InterruptedException {
        Watcher watcher = new Watcher(
                this,
                WatchShape.of(request, wanted),
                request.getWatchId(),
                request.getStartRevision(),
                request.getProgressNotify(),
                space.clock().nanoTime());
        return ask(() -> begin(watcher), watcher) ? watcher : null;
    }

    /** Tells something in turn with everything else; waits as {@link #watch} does. False when the session has ended. */
    public boolean tell(WatchResponse note) throws InterruptedException {
        return ask(() -> sink.send(WatchBody.note(note), new long[] {note.getWatchId()}), null);
    }

    private synchronized boolean ask(Request request, @Nullable Watcher begins) throws InterruptedException {
        while (requests.size() >= REQUESTS && end.get() == null) {
            wait();
        }
        if (end.get() != null) {
            return false;
        }
        requests.add(request);
        if (begins != null) {
            asked.add(begins);
        }
        wake();
        return true;
    }

    /**
     * Asks for a note, as watch -1, that tells up to which revision all watches were told everything; once that is so. Waits as
     * {@link #watch} does.
     */
    public void requestProgress() throws InterruptedException {
        boolean unused = ask(() -> progressOfAll = true, null);
    }

    void requestProgress(Watcher watcher) {
        synchronized (this) {
            if (watcher.over) {
                return;
            }
            progressOf.add(watcher);
        }
        wake();
    }

    void close(Watcher watcher) {
        synchronized (this) {
            if (watcher.over) {
                return;
            }
            requests.add(() -> finish(watcher, null, false));
        }
        wake();
    }

    /** Asks for progress on behalf of watches that wish to be told, and were told nothing for some time. */
    void notifyProgress(long nowNanos, long quietNanos) {
        for (Watcher each : toNotify) {
            if (nowNanos - each.lastResponseNanos() >= quietNanos) {
                requestProgress(each);
            }
        }
    }

    // ---- the hub's side, with its lock held

    /** Gives a group an event that it wants; false when it has fallen behind and takes no more. */
    boolean offer(WatchGroup group, Recorded recorded) {
        return over() || backlog.offer(group, recorded);
    }

    /** Lets all its groups read what happened since a revision; gives them. */
    List<WatchGroup> fallBehind(long revision) {
        List<WatchGroup> all = List.copyOf(groups.values());
        backlog.fallBehind(all, revision);
        return all;
    }

    WatchBacklog backlog() {
        return backlog;
    }

    // ---- the delivering process

    /** What {@link #deliver} gives when the session has ended and it must not be called again. */
    public static final long ENDED = -1;

    /**
     * Delivers what there is.
     *
     * @return the nanoseconds after which it has to be called again even if the bell does not ring, since events are gathered; 0
     *     when that is not so; or {@link #ENDED}
     */
    public long deliver() {
        delivering.lock();
        try {
            while (end.get() == null && round()) {}
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            end(Errors.stopped());
        } catch (Exception e) {
            end(e);
        } finally {
            delivering.unlock();
        }
        if (end.get() != null) {
            end(null);
            return ENDED;
        }
        return backlog.idle() ? 0 : Math.max(1, restUntil - space.clock().nanoTime());
    }

    /** Ends it and all its watches, with what they are told; the first call counts. */
    public void end(@Nullable Throwable error) {
        synchronized (this) {
            end.compareAndSet(null, new End(error));
            notifyAll();
        }
        // Else whoever delivers does it when that is interrupted or done.
        if (delivering.tryLock()) {
            try {
                takeLeave();
            } finally {
                delivering.unlock();
            }
        }
        // So that the process ends, too.
        wake();
    }

    private void takeLeave() {
        End why = end.get();
        if (finished || why == null) {
            return;
        }
        finished = true;
        hub.remove(this, groups.values());
        groups.clear();
        toNotify.clear();
        List<Watcher> left = new ArrayList<>(watchers.values());
        watchers.clear();
        synchronized (this) {
            left.addAll(asked);
            asked.clear();
            requests.clear();
            progressOf.clear();
            left.forEach(each -> each.over = true);
        }
        for (Watcher each : left) {
            sink.ended(each.id(), why.error(), false);
        }
    }

    /** Whether it has ended. */
    public boolean over() {
        return end.get() != null;
    }

    /** Ends it when its process was killed, which tells nobody by itself. */
    void endIfUnheard() {
        if (!bell.heard()) {
            end(Errors.stopped());
        }
    }

    /** Does each sort of work once, so that none keeps the others waiting; false when there is nothing more to do now. */
    private boolean round() throws Exception {
        boolean any = false;
        for (Request request : takeRequests()) {
            request.run();
            any = true;
        }
        return any | deliverWaiting() | catchUp.round() | progress();
    }

    private boolean deliverWaiting() throws Exception {
        if (restUntil - space.clock().nanoTime() > 0) {
            return false;
        }
        List<WatchGroup> ready = backlog.takeWaiting();
        int before = teller.responses();
        for (WatchGroup group : ready) {
            deliver(group);
        }
        int told = teller.responses() - before;
        // A response costs far more than an event: where there are many, it is worth while to tell several events at
        // once.
        restUntil =
                space.clock().nanoTime() + (told < MANY_RESPONSES ? 0 : Math.min(told * REST_NANOS, MOST_REST_NANOS));
        return !ready.isEmpty();
    }

    private synchronized List<Request> takeRequests() {
        List<Request> taken = List.copyOf(requests);
        requests.clear();
        notifyAll();
        return taken;
    }

    private void begin(Watcher watcher) throws Exception {
        synchronized (this) {
            asked.remove(watcher);
        }
        watcher.join(groups.computeIfAbsent(watcher.group().shape, shape -> watcher.group()));
        watchers.put(watcher.id(), watcher);
        long head = hub.add(watcher);
        if (watcher.progressNotify()) {
            toNotify.add(watcher);
        }
        teller.send(WatchBody.created(space.header(head)), watcher);
    }

    private void finish(Watcher watcher, @Nullable Throwable error, boolean told) {
        if (!watchers.remove(watcher.id(), watcher)) {
            return;
        }
        hub.remove(watcher);
        toNotify.remove(watcher);
        synchronized (this) {
            watcher.over = true;
            progressOf.remove(watcher);
        }
        WatchGroup group = watcher.group();
        if (group.synced.isEmpty() && group.lagging.isEmpty()) {
            groups.remove(group.shape, group);
        }
        sink.ended(watcher.id(), error, told);
    }

    private void deliver(WatchGroup group) throws Exception {
        WatchGroup.Taken taken = hub.take(group);
        if (!taken.events().isEmpty()) {
            teller.tell(
                    group.shape,
                    group.synced,
                    taken.events(),
                    taken.events().getLast().revision());
        }
        if (taken.behindFrom() > 0) {
            hub.unsync(group, taken.behindFrom());
        }
    }

    // ---- progress

    /** Tells how far watches are where that was asked for and they were told everything; whether there was such a watch. */
    private boolean progress() throws Exception {
        List<Watcher> each;
        synchronized (this) {
            each = List.copyOf(progressOf);
        }
        boolean any = false;
        for (Watcher watcher : each) {
            any |= progress(watcher);
        }
        return any | progressOfAll && progressOfAll();
    }

    private boolean progress(Watcher watcher) throws Exception {
        long head = hub.headFor(watcher);
        if (head < 0) {
            return false;
        }
        synchronized (this) {
            progressOf.remove(watcher);
        }
        // A watch from the future, on a member that is behind its client: a note would be older than what it knows.
        if (head >= watcher.startRevision() - 1 && !watcher.closed()) {
            teller.send(WatchBody.progress(space.header(head)), watcher);
        }
        return true;
    }

    private boolean progressOfAll() throws Exception {
        long head = hub.headFor(this);
        if (head < 0 || !catchUp.lagging().isEmpty()) {
            return false;
        }
        progressOfAll = false;
        boolean known = watchers.values().stream().allMatch(watcher -> head >= watcher.startRevision() - 1);
        if (known && !watchers.isEmpty()) {
            sink.send(WatchBody.progress(space.header(head)), new long[] {-1});
        }
        return true;
    }

    // ---- for people and metrics

    /**
     * A picture of a session, for people.
     *
     * @param ranges the first of its ranges
     * @param waiting events that wait
     */
    public record Picture(List<String> ranges, int shapes, int waiting, long waitingBytes) {}

    public Picture picture() {
        List<String> ranges = groups.keySet().stream()
                .limit(SHOWN_RANGES)
                .map(shape -> shape.rangeEnd().isEmpty()
                        ? shown(shape.key())
                        : shown(shape.key()) + " to " + shown(shape.rangeEnd()))
                .toList();
        return new Picture(ranges, groups.size(), backlog.waitingEvents(), backlog.waitingBytes());
    }

    private static String shown(ByteString text) {
        return text.substring(0, Math.min(text.size(), SHOWN_BYTES)).toStringUtf8();
    }

    int waitingEvents() {
        return backlog.waitingEvents();
    }
}
