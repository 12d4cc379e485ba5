package dev.coppice.store.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.coppice.kernel.SimulatedClock;
import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchCreateRequest.FilterType;
import dev.coppice.store.api.WatchResponse;
import dev.coppice.store.log.Command;
import dev.coppice.store.log.DefineKeyspace;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Watches of every shape see what a list of all that happened says they see: each event once and in order, whether they keep up,
 * fall behind, begin in the past, the future or in between, and whatever others begin and end meanwhile.
 */
// Also when a thread spins.
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WatchModelTest {

    private static final ByteString TO_THE_END = ByteString.copyFrom(new byte[1]);

    @TempDir
    Path directory;

    @BeforeEach
    void loadRocksDb() throws IOException {
        NativeLibrary.load(directory.resolve("native"));
    }

    /** One watch and what it was told. */
    private static final class Seen {
        final WatchCreateRequest request;
        final List<Event> events = new ArrayList<>();
        boolean created;
        boolean compacted;
        boolean ended;
        boolean partial;
        long from;

        @Nullable
        Watcher watcher;

        Seen(WatchCreateRequest request) {
            this.request = request;
        }

        boolean wants(Event event) {
            boolean filtered = request.getFiltersList()
                    .contains(event.getType() == Event.EventType.PUT ? FilterType.NOPUT : FilterType.NODELETE);
            return !filtered
                    && event.getKv().getModRevision() >= from
                    && Requests.contains(
                            request.getKey(),
                            request.getRangeEnd(),
                            event.getKv().getKey());
        }
    }

    /** A store's state with watches, and a list of what happened. */
    private final class World implements AutoCloseable {
        final Random random;
        final SimulatedClock clock = new SimulatedClock();
        final Machine machine;
        final Machine ahead;
        final List<Command> log = new ArrayList<>();
        final List<Event> happened = new ArrayList<>();
        final List<Sessions> sessions = new ArrayList<>();
        long known = 1;
        long compacted;
        long nextId = 1;
        boolean future = true;
        int copies;

        World(long seed, int sessionCount) throws IOException {
            random = new Random(seed);
            machine = open("state-" + seed);
            ahead = open("ahead-" + seed);
            command(Command.newBuilder()
                    .setDefineKeyspace(
                            DefineKeyspace.newBuilder().setName("etcd").setClusterId(7)));
            apply(machine, 1);
            for (int i = 0; i < sessionCount; i++) {
                sessions.add(new Sessions(this));
            }
        }

        private Machine open(String name) throws IOException {
            return Machine.open(directory.resolve(name), clock, new StoreMetrics(new PrometheusRegistry()), 1);
        }

        Space space() {
            return machine.space("etcd").orElseThrow();
        }

        private ByteString key() {
            return ByteString.copyFromUtf8("" + (char) ('a' + random.nextInt(4)) + (char) ('a' + random.nextInt(4)));
        }

        private void command(Command.Builder command) {
            log.add(command.setKeyspace(1).build());
            apply(ahead, log.size());
            long revision = ahead.space("etcd").orElseThrow().revision();
            while (known < revision) {
                long from = ++known;
                History.Part part = ahead.space("etcd").orElseThrow().read(view -> History.read(view, 1, from, 1, 1));
                part.revisions().getFirst().events().forEach(each -> happened.add(each.event()));
            }
        }

        private void apply(Machine to, int upTo) {
            for (long index = to.applied() + 1; index <= upTo; index++) {
                to.apply(index, log.get((int) index - 1), Machine.Outcome.NOBODY);
            }
            to.commit();
        }

        void change() {
            switch (random.nextInt(8)) {
                case 0 ->
                    command(Command.newBuilder()
                            .setDeleteRange(DeleteRangeRequest.newBuilder()
                                    .setKey(key())
                                    .setRangeEnd(random.nextBoolean() ? TO_THE_END : ByteString.EMPTY)));
                case 1 ->
                    command(Command.newBuilder()
                            .setTxn(TxnRequest.newBuilder()
                                    .addSuccess(RequestOp.newBuilder()
                                            .setRequestPut(
                                                    PutRequest.newBuilder().setKey(ByteString.copyFromUtf8("aa"))))
                                    .addSuccess(RequestOp.newBuilder()
                                            .setRequestPut(
                                                    PutRequest.newBuilder().setKey(ByteString.copyFromUtf8("cc"))))));
                default ->
                    command(Command.newBuilder()
                            .setPut(PutRequest.newBuilder()
                                    .setKey(key())
                                    .setValue(ByteString.copyFromUtf8("v" + log.size()))));
            }
        }

        void catchUp() {
            apply(machine, log.size());
        }

        void takeOver() throws IOException {
            Path copy = directory.resolve("copy-" + System.identityHashCode(this) + "-" + copies++);
            ahead.checkpoint(copy);
            machine.restore(copy);
        }

        void compact() {
            compacted = Math.max(compacted, known - random.nextInt(20));
            command(Command.newBuilder()
                    .setCompact(CompactionRequest.newBuilder().setRevision(compacted)));
        }

        WatchCreateRequest request() {
            WatchCreateRequest.Builder request =
                    WatchCreateRequest.newBuilder().setWatchId(nextId++).setKey(key());
            ByteString end = key();
            switch (random.nextInt(4)) {
                case 0 -> {
                    if (ByteString.unsignedLexicographicalComparator().compare(request.getKey(), end) < 0) {
                        request.setRangeEnd(end);
                    }
                }
                case 1 -> request.setKey(ByteString.copyFromUtf8("b")).setRangeEnd(ByteString.copyFromUtf8("c"));
                case 2 -> {
                    if (random.nextInt(4) == 0) {
                        request.setRangeEnd(TO_THE_END);
                    }
                }
                default -> {}
            }
            switch (random.nextInt(6)) {
                case 0 -> request.setStartRevision(1 + random.nextInt((int) known));
                case 1 -> request.setStartRevision(known + (future ? random.nextInt(10) : 0));
                default -> {}
            }
            switch (random.nextInt(8)) {
                case 0 -> request.addFilters(FilterType.NOPUT);
                case 1 -> request.addFilters(FilterType.NODELETE);
                case 2 -> request.setFragment(true);
                case 3 -> request.setPrevKv(true);
                default -> {}
            }
            return request.build();
        }

        /** What a watch has to have been told once everything up to a revision was delivered. */
        List<Event> expected(Seen seen, long upTo) {
            return happened.stream()
                    .filter(event -> event.getKv().getModRevision() <= upTo && seen.wants(event))
                    .toList();
        }

        @Override
        public void close() {
            sessions.forEach(each -> each.session.end(null));
            machine.close();
            ahead.close();
        }
    }

    /** A session and what its watches were told. */
    private static final class Sessions implements WatchSink {
        final World world;
        final WatchSession session;
        final Map<Long, Seen> watches = new ConcurrentHashMap<>();
        final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        volatile long progress;
        boolean exact = true;

        Sessions(World world) {
            this.world = world;
            this.session = world.space().watches(this);
        }

        @Nullable
        Watcher watch() throws InterruptedException {
            Seen seen = new Seen(world.request());
            watches.put(seen.request.getWatchId(), seen);
            seen.watcher = session.watch(seen.request, Watcher.ALL);
            return seen.watcher;
        }

        @Override
        public void send(WatchBody body, long[] ids) {
            try {
                for (long id : ids) {
                    told(id, body.response(id), body);
                }
            } catch (AssertionError | IOException e) {
                failure.compareAndSet(null, e);
            }
        }

        private void told(long id, WatchResponse response, WatchBody body) throws IOException {
            assertThat(parsed(body, id)).as("the same as bytes").isEqualTo(response);
            if (id == -1) {
                progress = response.getHeader().getRevision();
                if (exact) {
                    watches.values().stream().filter(each -> !each.ended).forEach(each -> check(each, progress));
                }
                return;
            }
            Seen seen = watches.get(id);
            assertThat(seen.ended).as("nothing comes after the end").isFalse();
            if (response.getCreated()) {
                assertThat(seen.created).isFalse();
                seen.created = true;
                long start = seen.request.getStartRevision();
                seen.from = start > 0 ? start : response.getHeader().getRevision() + 1;
                return;
            }
            assertThat(seen.created).as("it is created first").isTrue();
            if (response.getCanceled()) {
                assertThat(response.getCompactRevision()).isPositive();
                seen.compacted = true;
                return;
            }
            assertThat(response.getEventsCount()).isPositive();
            long last =
                    seen.events.isEmpty() ? 0 : seen.events.getLast().getKv().getModRevision();
            long first = response.getEvents(0).getKv().getModRevision();
            assertThat(first).as("whole revisions").isGreaterThanOrEqualTo(seen.partial ? last : last + 1);
            seen.partial = response.getFragment();
            for (Event event : response.getEventsList()) {
                assertThat(event.getKv().getModRevision())
                        .isLessThanOrEqualTo(response.getHeader().getRevision());
                seen.events.add(event);
            }
        }

        private static WatchResponse parsed(WatchBody body, long id) throws IOException {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            body.write(id, out);
            assertThat(body.size(id)).isEqualTo(out.size());
            try {
                return WatchResponse.parseFrom(out.toByteArray());
            } catch (InvalidProtocolBufferException e) {
                throw new AssertionError(e);
            }
        }

        @Override
        public void ended(long id, @Nullable Throwable error, boolean told) {
            Seen seen = watches.get(id);
            if (seen != null) {
                assertThat(told).isEqualTo(seen.compacted);
                seen.ended = true;
            }
        }

        /** That a watch saw what it had to, up to a revision or, when it has ended, up to any. */
        void check(Seen seen, long upTo) {
            List<Event> expected = world.expected(seen, upTo);
            if (seen.ended || !seen.created) {
                expected = expected.subList(0, Math.min(expected.size(), seen.events.size()));
            }
            assertThat(seen.events.stream()
                            .map(event -> event.toBuilder().clearPrevKv().build())
                            .toList())
                    .as("%s", seen.request)
                    .isEqualTo(expected);
            if (seen.request.getPrevKv()) {
                checkPrevious(seen);
            }
        }

        private void checkPrevious(Seen seen) {
            Map<ByteString, Event> before = new HashMap<>();
            for (Event event : seen.events) {
                Event last = before.put(event.getKv().getKey(), event);
                if (last != null && event.hasPrevKv()) {
                    assertThat(event.getPrevKv()).isEqualTo(last.getKv());
                }
            }
        }

        void failOnFailure() {
            Throwable found = failure.get();
            if (found != null) {
                throw new AssertionError(found);
            }
        }
    }

    private void simulate(long seed) throws Exception {
        try (World world = new World(seed, 3)) {
            Random random = world.random;
            world.sessions.forEach(each -> each.session.start(new StillBell()));
            for (int step = 0; step < 1500; step++) {
                Sessions some = world.sessions.get(random.nextInt(3));
                switch (random.nextInt(40)) {
                    case 0, 1, 2 -> {
                        var unused = some.watch();
                    }
                    case 3 -> {
                        List<Seen> all = List.copyOf(some.watches.values());
                        if (!all.isEmpty()) {
                            Watcher watcher = all.get(random.nextInt(all.size())).watcher;
                            if (watcher != null) {
                                watcher.close();
                            }
                        }
                    }
                    case 4 -> some.session.requestProgress();
                    case 5 -> {
                        if (random.nextInt(5) == 0) {
                            world.compact();
                        }
                    }
                    case 6 -> {
                        if (random.nextInt(10) == 0) {
                            world.takeOver();
                        }
                    }
                    case 7 -> {
                        // More than waits for a session.
                        for (int i = random.nextInt(8) == 0 ? 2500 : 0; i > 0; i--) {
                            world.change();
                            if (i % 100 == 0) {
                                world.catchUp();
                            }
                        }
                    }
                    case 8, 9, 10, 11, 12, 13 -> {
                        long again = some.session.deliver();
                        assertThat(again).isNotNegative();
                        some.failOnFailure();
                    }
                    case 14, 15, 16, 17 -> world.catchUp();
                    default -> world.change();
                }
            }
            world.catchUp();
            for (Sessions each : world.sessions) {
                world.clock.advance(java.time.Duration.ofSeconds(1));
                assertThat(each.session.deliver()).isZero();
                each.failOnFailure();
                each.watches.values().forEach(seen -> each.check(seen, world.known));
            }
        }
    }

    /** Nobody is woken: the test calls. */
    private static final class StillBell implements WatchSession.Bell {
        @Override
        public void ring() {}

        @Override
        public boolean heard() {
            return true;
        }
    }

    @Test
    void watchesSeeWhatTheModelSays() throws Exception {
        long first = Long.getLong("coppice.seed", System.nanoTime() % 1_000_000);
        System.out.println("watches: seeds from " + first);
        for (long seed = first; seed < first + 6; seed++) {
            try {
                simulate(seed);
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed + " (-Dcoppice.seed=" + seed + ")", e);
            }
        }
    }

    /** Wakes a thread. */
    private record Wakes(Semaphore rung) implements WatchSession.Bell {
        @Override
        public void ring() {
            rung.release();
        }

        @Override
        public boolean heard() {
            return true;
        }
    }

    @Test
    void watchesBeginAndEndWhileOthersArePublishedTo() throws Exception {
        long seed = Long.getLong("coppice.seed", System.nanoTime() % 1_000_000);
        System.out.println("watches at once: seed " + seed);
        try (World world = new World(seed, 2)) {
            List<Thread> delivering = new ArrayList<>();
            for (Sessions each : world.sessions) {
                each.exact = false;
                world.future = false;
                Semaphore rung = new Semaphore(0);
                each.session.start(new Wakes(rung));
                delivering.add(Thread.ofVirtual().start(() -> {
                    for (long again = 0; again != WatchSession.ENDED; again = each.session.deliver()) {
                        if (again > 0) {
                            world.clock.advance(java.time.Duration.ofNanos(again));
                        } else {
                            rung.acquireUninterruptibly();
                            rung.drainPermits();
                        }
                    }
                }));
            }
            for (int i = 0; i < 3000; i++) {
                world.change();
            }
            Thread publishing = Thread.ofVirtual().start(() -> {
                for (int index = 2; index <= world.log.size(); index++) {
                    world.apply(world.machine, index);
                }
            });
            for (Sessions each : world.sessions) {
                var unused = each.watch(); // which stays until the end
            }
            for (int i = 0; i < 2000 && publishing.isAlive(); i++) {
                Watcher watcher = world.sessions.get(i % 2).watch();
                if (watcher != null && world.random.nextBoolean()) {
                    watcher.close();
                }
            }
            publishing.join();
            for (Sessions each : world.sessions) {
                each.session.requestProgress();
                while (each.progress < world.known && each.failure.get() == null) {
                    Thread.onSpinWait();
                }
                each.failOnFailure();
                each.watches.values().forEach(seen -> each.check(seen, world.known));
            }
            for (int i = 0; i < 2; i++) {
                Sessions each = world.sessions.get(i);
                each.session.end(null);
                delivering.get(i).join();
                each.failOnFailure();
            }
        }
    }
}
