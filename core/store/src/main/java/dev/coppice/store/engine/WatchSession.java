package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import dev.coppice.store.RequestLimits;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchResponse;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
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

    private static final int GROUP_EVENTS = 1024;
    private static final long GROUP_BYTES = 1L << 20;
    private static final int SESSION_EVENTS = 8192;
    private static final long SESSION_BYTES = 4L << 20;
    private static final int CATCH_UP_REVISIONS = 1024;
    private static final int REQUESTS = 1024;

    /** After a round of this many responses events are gathered for the next one, for this long for each response. */
    private static final int MANY_RESPONSES = 100;

    private static final long REST_NANOS = 20_000;
    private static final long MOST_REST_NANOS = 50_000_000;
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
    private volatile Bell bell = NOT_YET;
    private final AtomicReference<@Nullable End> end = new AtomicReference<>();
    private final Set<Watcher> toNotify = ConcurrentHashMap.newKeySet();

    // Guarded by this.
    private final ArrayDeque<Request> requests = new ArrayDeque<>();
    private final ArrayDeque<WatchGroup> waiting = new ArrayDeque<>();
    private final Set<Watcher> asked = new LinkedHashSet<>();
    private final Set<Watcher> progressOf = new LinkedHashSet<>();
    private int waitingEvents;
    private long waitingBytes;

    /** Held by whoever delivers or takes leave of the watches. */
    private final ReentrantLock delivering = new ReentrantLock();

    // Guarded by that lock; the groups are looked at by others, too.
    private final Map<WatchShape, WatchGroup> groups = new ConcurrentHashMap<>();
    private final Map<Long, Watcher> watchers = new HashMap<>();
    private boolean finished;
    private boolean nearest;
    private boolean progressOfAll;
    private int told;
    private long restUntil;

    WatchSession(Space space, WatchSink sink) {
        this.space = space;
        this.hub = space.hub();
        this.sink = sink;
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
    synchronized boolean offer(WatchGroup group, Recorded recorded) {
        if (group.behind() || end.get() != null) {
            return !group.behind();
        }
        long bytes = recorded.event().getSerializedSize();
        boolean any = group.waiting() > 0;
        if (group.waiting() >= GROUP_EVENTS
                || any && group.waitingBytes() + bytes > GROUP_BYTES
                || waitingEvents >= SESSION_EVENTS
                || waitingEvents > 0 && waitingBytes + bytes > SESSION_BYTES) {
            fallBehind(group, recorded.revision());
            return false;
        }
        group.add(recorded, bytes);
        waitingEvents++;
        waitingBytes += bytes;
        list(group);
        return true;
    }

    private void fallBehind(WatchGroup group, long revision) {
        int events = group.waiting();
        long bytes = group.waitingBytes();
        group.fallBehind(revision);
        waitingEvents -= events - group.waiting();
        waitingBytes -= bytes - group.waitingBytes();
        list(group);
        space.metrics().watchesFellBehind();
    }

    private void list(WatchGroup group) {
        if (!group.listed) {
            group.listed = true;
            waiting.add(group);
        }
    }

    /** Lets all its groups read what happened since a revision; gives them. */
    synchronized List<WatchGroup> fallBehind(long revision) {
        List<WatchGroup> all = List.copyOf(groups.values());
        for (WatchGroup each : all) {
            if (!each.behind()) {
                each.fallBehind(revision);
                list(each);
            }
        }
        return all;
    }

    synchronized boolean behind(WatchGroup group) {
        return group.behind();
    }

    synchronized boolean idle() {
        return waiting.isEmpty();
    }

    synchronized boolean idle(WatchGroup group) {
        return !group.listed;
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
        return idle() ? 0 : Math.max(1, restUntil - space.clock().nanoTime());
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
        return any | deliverWaiting() | catchUp() | progress();
    }

    private boolean deliverWaiting() throws Exception {
        if (restUntil - space.clock().nanoTime() > 0) {
            return false;
        }
        List<WatchGroup> ready = takeWaiting();
        told = 0;
        for (WatchGroup group : ready) {
            deliver(group);
        }
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

    private synchronized List<WatchGroup> takeWaiting() {
        List<WatchGroup> taken = List.copyOf(waiting);
        waiting.clear();
        return taken;
    }

    /** What waits for a group; with the hub's lock held, so that a revision that is being published is whole. */
    synchronized WatchGroup.Taken take(WatchGroup group) {
        WatchGroup.Taken taken = group.take();
        waitingEvents -= taken.events().size();
        waitingBytes -= taken.bytes();
        group.listed = false;
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
        send(WatchBody.created(space.header(head)), watcher);
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
            tell(
                    group.shape,
                    group.synced,
                    taken.events(),
                    taken.events().getLast().revision());
        }
        if (taken.behindFrom() > 0) {
            hub.unsync(group, taken.behindFrom());
        }
    }

    // ---- telling

    /** Tells the watches the events from their next one on; those that need the same are told at once. */
    private void tell(WatchShape shape, Iterable<Watcher> watchers, List<Recorded> events, long revision)
            throws Exception {
        if (shape.previous()) {
            findPrevious(events);
        }
        long last = events.getLast().revision();
        List<Watcher> same = new ArrayList<>();
        int common = 0;
        for (Watcher watcher : watchers) {
            int first = firstFrom(events, watcher.next);
            if (first == events.size() || watcher.closed()) {
                continue;
            }
            if (first != common && !same.isEmpty()) {
                send(bodies(shape, events.subList(common, events.size()), revision), same);
                same.clear();
            }
            common = first;
            same.add(watcher);
            watcher.next = last + 1;
        }
        if (!same.isEmpty()) {
            send(bodies(shape, events.subList(common, events.size()), revision), same);
        }
    }

    private void findPrevious(List<Recorded> events) {
        var unused = space.read(view -> {
            events.forEach(each -> each.findPrevious(view, space.number(), space.compacted()));
            return true;
        });
    }

    private static int firstFrom(List<Recorded> events, long revision) {
        int low = 0;
        int high = events.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (events.get(middle).revision() < revision) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** One response, or several parts of one where that is wished for. */
    private List<WatchBody> bodies(WatchShape shape, List<Recorded> events, long revision) {
        var header = space.header(revision);
        if (!shape.fragment()) {
            return List.of(WatchBody.events(header, events, shape.previous(), false));
        }
        List<WatchBody> parts = new ArrayList<>();
        int begin = 0;
        long bytes = 0;
        for (int i = 0; i < events.size(); i++) {
            int size = events.get(i).event(shape.previous()).getSerializedSize();
            if (bytes > 0 && bytes + size > RequestLimits.DEFAULT.bytes()) {
                parts.add(WatchBody.events(header, events.subList(begin, i), shape.previous(), true));
                begin = i;
                bytes = 0;
            }
            bytes += size;
        }
        parts.add(WatchBody.events(header, events.subList(begin, events.size()), shape.previous(), false));
        return parts;
    }

    private void send(List<WatchBody> bodies, List<Watcher> same) throws Exception {
        long now = space.clock().nanoTime();
        told += same.size();
        if (bodies.size() == 1) {
            long[] ids = new long[same.size()];
            for (int i = 0; i < ids.length; i++) {
                ids[i] = same.get(i).id();
                same.get(i).told(now);
            }
            sink.send(bodies.getFirst(), ids);
            return;
        }
        // Parts of a response follow each other.
        for (Watcher each : same) {
            for (WatchBody body : bodies) {
                send(body, each);
            }
        }
    }

    private void send(WatchBody body, Watcher watcher) throws Exception {
        watcher.told(space.clock().nanoTime());
        sink.send(body, new long[] {watcher.id()});
    }

    // ---- catching up

    /** Reads some revisions for watches that lag; true when there were such watches. */
    private boolean catchUp() throws Exception {
        List<WatchGroup> lagging = lagging();
        if (lagging.isEmpty()) {
            return false;
        }
        hub.sync(lagging);
        endCompacted(lagging);
        lagging = lagging();
        if (lagging.isEmpty()) {
            return true;
        }
        // By turns those who are nearest and those who are furthest behind, so that neither wait for the others.
        nearest = !nearest;
        long head = hub.head();
        OptionalLong first = lagging.stream()
                .flatMap(group -> group.lagging.stream())
                .mapToLong(watcher -> watcher.next)
                .filter(next -> next <= head)
                .reduce(nearest ? Math::max : Math::min);
        if (first.isEmpty()) {
            // They were told everything, but what waits for their groups has to be taken before they are synced.
            return false;
        }
        long from = first.getAsLong();
        WatchHub.Part part = hub.recent(from, CATCH_UP_REVISIONS, GROUP_BYTES);
        if (part == null) {
            part = read(from);
            endCompacted(lagging);
        }
        for (WatchGroup group : lagging) {
            tell(group, from, part);
        }
        return true;
    }

    private List<WatchGroup> lagging() {
        List<WatchGroup> lagging = new ArrayList<>();
        for (WatchGroup each : groups.values()) {
            if (!each.lagging.isEmpty()) {
                lagging.add(each);
            }
        }
        return lagging;
    }

    private WatchHub.Part read(long from) {
        // Everything up to here is in the state that is read.
        long head = hub.head();
        History.Part found =
                space.read(view -> History.read(view, space.number(), from, CATCH_UP_REVISIONS, GROUP_BYTES));
        long next =
                found.revisions().isEmpty() ? from : found.revisions().getLast().number() + 1;
        return new WatchHub.Part(found.revisions(), found.complete() ? Math.max(next, head + 1) : next);
    }

    private void tell(WatchGroup group, long from, WatchHub.Part part) throws Exception {
        List<Watcher> concerned =
                group.lagging.stream().filter(watcher -> watcher.next >= from).toList();
        if (concerned.isEmpty()) {
            return;
        }
        List<Recorded> events = new ArrayList<>();
        for (Recorded.Revision revision : part.revisions()) {
            for (Recorded recorded : revision.events()) {
                ByteString key = recorded.event().getKv().getKey();
                if (group.shape.contains(key) && group.shape.wants(recorded.event())) {
                    events.add(recorded);
                }
            }
        }
        if (!events.isEmpty()) {
            // What happened before is told as of now.
            tell(group.shape, concerned, events, Math.max(events.getLast().revision(), space.revision()));
        }
        for (Watcher each : concerned) {
            each.next = Math.max(each.next, part.next());
        }
    }

    private void endCompacted(List<WatchGroup> lagging) throws Exception {
        long compacted = space.compacted();
        for (WatchGroup group : lagging) {
            for (Watcher each : List.copyOf(group.lagging)) {
                if (each.next < compacted) {
                    send(WatchBody.compacted(space.header(0), compacted), each);
                    finish(each, Errors.compacted(), true);
                }
            }
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
            send(WatchBody.progress(space.header(head)), watcher);
        }
        return true;
    }

    private boolean progressOfAll() throws Exception {
        long head = hub.headFor(this);
        if (head < 0 || !lagging().isEmpty()) {
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

    public synchronized Picture picture() {
        List<String> ranges = groups.keySet().stream()
                .limit(SHOWN_RANGES)
                .map(shape -> shape.rangeEnd().isEmpty()
                        ? shown(shape.key())
                        : shown(shape.key()) + " to " + shown(shape.rangeEnd()))
                .toList();
        return new Picture(ranges, groups.size(), waitingEvents, waitingBytes);
    }

    private static String shown(ByteString text) {
        return text.substring(0, Math.min(text.size(), SHOWN_BYTES)).toStringUtf8();
    }

    synchronized int waitingEvents() {
        return waitingEvents;
    }
}
