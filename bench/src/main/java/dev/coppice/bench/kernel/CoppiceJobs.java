package dev.coppice.bench.kernel;

import dev.coppice.kernel.Behavior;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.ProcessContext;
import dev.coppice.kernel.ProcessOptions;
import dev.coppice.kernel.ProcessOptions.Overflow;
import dev.coppice.kernel.ProcessRef;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.kernel.Table;
import dev.coppice.kernel.TableOptions;
import dev.coppice.kernel.Timers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.Logger;
import java.util.stream.IntStream;

/** The rows of the kernel's speed table as the kernel does them. */
public final class CoppiceJobs {
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final SupervisorOptions MANY =
            SupervisorOptions.DEFAULT.withMaxChildren(20_000_000).withIntensity(1_000_000_000, Duration.ofSeconds(1));

    private CoppiceJobs() {}

    sealed interface Mail {}

    record Add(long number, Consumer<Long> answer) implements Mail {}

    record Note(long number) implements Mail {}

    private static final class Adder implements Behavior<Mail> {
        private long sum;

        @Override
        public void handle(ProcessContext<Mail> self, Mail message) {
            switch (message) {
                case Add add -> add.answer.accept(sum += add.number);
                case Note note -> sum += note.number;
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        // As the peers are told: nothing is logged.
        LogManager.getLogManager().reset();
        Logger.getLogger("").setLevel(Level.OFF);
        Job.serve(Map.of(
                "call", CoppiceJobs::call,
                "cast", CoppiceJobs::cast,
                "spawn", CoppiceJobs::spawn,
                "idle", CoppiceJobs::idle,
                "restart", CoppiceJobs::restart,
                "tasks", CoppiceJobs::tasks,
                "timers-cancel", CoppiceJobs::cancelTimers,
                "timers-fire", CoppiceJobs::fireTimers,
                "table", CoppiceJobs::table));
    }

    /** Runs the same on so many virtual threads until the time is over; each gives the units that it did. */
    private static Answer during(long millis, int threads, Section section, Worker worker) throws Exception {
        AtomicBoolean stop = new AtomicBoolean();
        LongAdder units = new LongAdder();
        List<Thread> all = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            int number = i;
            all.add(Thread.ofVirtual().start(() -> units.add(worker.work(number, stop))));
        }
        Thread.sleep(millis);
        stop.set(true);
        for (Thread thread : all) {
            thread.join();
        }
        return section.end(units.sum());
    }

    private interface Worker {
        long work(int number, AtomicBoolean stop);
    }

    private static Answer call(Request request) throws Exception {
        int clients = request.size("clients");
        try (Kernel kernel = Kernel.start()) {
            ProcessRef<Mail> server = kernel.root().startProcess(ChildSpec.<Mail>process("server", Adder::new));
            long[][] samples = new long[clients][];
            Answer answer = during(request.size("millis"), clients, Section.begin(), (number, stop) -> {
                long[] own = new long[1024];
                int taken = 0;
                long calls = 0;
                while (!stop.get()) {
                    long from = calls % 8 == 7 ? Section.nanoTime() : 0;
                    server.<Long>call(reply -> new Add(1, reply), TIMEOUT);
                    if (from != 0) {
                        if (taken == own.length) {
                            own = Arrays.copyOf(own, taken * 2);
                        }
                        own[taken++] = Section.nanoTime() - from;
                    }
                    calls++;
                }
                samples[number] = Arrays.copyOf(own, taken);
                return calls;
            });
            expect((long) answer.get("units"), server.<Long>call(reply -> new Add(0, reply), LONG));
            return answer.withP99(
                    Arrays.stream(samples).flatMapToLong(Arrays::stream).toArray());
        }
    }

    private static Answer cast(Request request) throws Exception {
        int burst = request.size("burst");
        int senders = request.size("senders");
        try (Kernel kernel = Kernel.start()) {
            ProcessRef<Mail> server = kernel.root()
                    .startProcess(ChildSpec.<Mail>process(
                            "server",
                            Adder::new,
                            ProcessOptions.DEFAULT.withMailbox((burst + 1) * senders, Overflow.BLOCK)));
            Answer answer = during(request.size("millis"), senders, Section.begin(), (_, stop) -> {
                long sent = 0;
                while (!stop.get()) {
                    for (int i = 0; i < burst; i++) {
                        server.cast(new Note(1));
                    }
                    server.<Long>call(reply -> new Add(0, reply), LONG);
                    sent += burst;
                }
                return sent;
            });
            expect((long) answer.get("units"), server.<Long>call(reply -> new Add(0, reply), LONG));
            return answer;
        }
    }

    private static final ChildSpec COUNTED = ChildSpec.<Mail>process("counted", Adder::new);

    /** Counts its messages, and tells a common counter. */
    private static final class Counted implements Behavior<Mail> {
        private final LongAdder counter;
        private int messages;

        Counted(LongAdder counter) {
            this.counter = counter;
        }

        @Override
        public void handle(ProcessContext<Mail> self, Mail message) {
            messages++;
            counter.add(messages);
        }
    }

    private static void start(Supervisor pool, int count, LongAdder counter) throws Exception {
        Note note = new Note(1);
        Supplier<Behavior<Mail>> source = () -> new Counted(counter);
        for (int i = 0; i < count; i++) {
            pool.<Mail>spawn(COUNTED, source).cast(note);
        }
    }

    private static Answer spawn(Request request) throws Exception {
        int processes = request.size("processes");
        try (Kernel kernel = Kernel.start()) {
            Supervisor pool = kernel.root().startSupervisor("pool", MANY);
            LongAdder counter = new LongAdder();
            Section section = Section.begin();
            start(pool, processes, counter);
            Section.await(() -> counter.sum() == processes);
            Answer answer = section.end(processes);
            expect(processes, pool.childCount());
            return answer;
        }
    }

    private static Answer idle(Request request) throws Exception {
        int processes = request.size("processes");
        try (Kernel kernel = Kernel.start()) {
            Supervisor pool = kernel.root().startSupervisor("pool", MANY);
            LongAdder counter = new LongAdder();
            long before = Section.usedBytes();
            Section section = Section.begin();
            start(pool, processes, counter);
            Section.await(() -> counter.sum() == processes);
            Answer answer = section.end(processes);
            Answer full = answer.with("bytes", Section.usedBytes() - before);
            expect(processes, pool.childCount());
            return full;
        }
    }

    private static Answer restart(Request request) throws Exception {
        int supervisors = request.size("supervisors");
        try (Kernel kernel = Kernel.start()) {
            LongAdder starts = new LongAdder();
            AtomicBoolean stop = new AtomicBoolean(true);
            Note note = new Note(1);
            List<ProcessRef<Mail>> all = new ArrayList<>();
            for (int i = 0; i < supervisors; i++) {
                all.add(kernel.root()
                        .startSupervisor("s" + i, MANY)
                        .startProcess(ChildSpec.<Mail>process("crashing", () -> new Behavior<>() {
                            @Override
                            public void init(ProcessContext<Mail> self) {
                                starts.increment();
                                if (!stop.get()) {
                                    self.self().cast(note);
                                }
                            }

                            @Override
                            public void handle(ProcessContext<Mail> self, Mail message) {
                                throw new IllegalStateException("crash");
                            }
                        })));
            }
            starts.reset();
            stop.set(false);
            Section section = Section.begin();
            all.forEach(process -> process.cast(note));
            Thread.sleep(request.size("millis"));
            Answer answer = section.end(starts.sum());
            stop.set(true);
            Thread.sleep(100);
            return answer;
        }
    }

    private static Answer tasks(Request request) throws Exception {
        int tasks = request.size("tasks");
        try (Kernel kernel = Kernel.start()) {
            List<Integer> inputs = IntStream.rangeClosed(1, tasks).boxed().toList();
            Section section = Section.begin();
            long sum = kernel.tasks(request.size("limit")).withTimeout(LONG).map(inputs, n -> n * 2L).stream()
                    .mapToLong(Long::longValue)
                    .sum();
            Answer answer = section.end(tasks);
            expect((long) tasks * (tasks + 1), sum);
            return answer;
        }
    }

    private sealed interface Timed {}

    private record Begin(int timers, CountDownLatch done) implements Timed {}

    private record Tick() implements Timed {}

    private static Answer timers(Request request, Callable<Behavior<Timed>> behavior) throws Exception {
        int workers = request.size("workers");
        int share = request.size("timers") / workers;
        try (Kernel kernel = Kernel.start()) {
            CountDownLatch done = new CountDownLatch(workers);
            Section section = Section.begin();
            for (int i = 0; i < workers; i++) {
                Behavior<Timed> own = behavior.call();
                ProcessRef<Timed> worker = kernel.root()
                        .startProcess(ChildSpec.<Timed>process(
                                "worker" + i,
                                () -> own,
                                ProcessOptions.DEFAULT.withMailbox(share + 1, Overflow.BLOCK)));
                worker.cast(new Begin(share, done));
            }
            done.await();
            return section.end((long) share * workers);
        }
    }

    private static Answer cancelTimers(Request request) throws Exception {
        return timers(request, () -> (self, message) -> {
            if (message instanceof Begin begin) {
                Timers.Timer[] set = new Timers.Timer[begin.timers];
                Tick tick = new Tick();
                for (int i = 0; i < set.length; i++) {
                    set[i] = self.sendAfter(LONG, tick);
                }
                for (Timers.Timer timer : set) {
                    expect(1, timer.cancel() ? 1 : 0);
                }
                begin.done.countDown();
            }
        });
    }

    private static Answer fireTimers(Request request) throws Exception {
        return timers(request, () -> new Behavior<>() {
            private int left;
            private CountDownLatch done = new CountDownLatch(0);

            @Override
            public void handle(ProcessContext<Timed> self, Timed message) {
                switch (message) {
                    case Begin begin -> {
                        left = begin.timers;
                        done = begin.done;
                        for (int i = 1; i <= begin.timers; i++) {
                            self.sendAfter(Duration.ofMillis(1 + i * 7L % 100), new Tick());
                        }
                    }
                    case Tick _ -> {
                        if (--left == 0) {
                            done.countDown();
                        }
                    }
                }
            }
        });
    }

    private static Answer table(Request request) throws Exception {
        int keys = request.size("keys");
        try (Kernel kernel = Kernel.start()) {
            Table<Integer, Long> table = Table.hashed(
                    kernel, "counts", TableOptions.DEFAULT.withMaxEntries(keys, TableOptions.WhenFull.REFUSE));
            for (int i = 0; i < keys; i++) {
                Table.increment(table, i, 0);
            }
            Answer answer = during(request.size("millis"), request.size("writers"), Section.begin(), (number, stop) -> {
                int random = (number + 1) * 7919;
                long count = 0;
                while (!stop.get()) {
                    for (int i = 0; i < 100; i++) {
                        random = random * 1_103_515_245 + 12_345 & 0x7FFF_FFFF;
                        Table.increment(table, (random >>> 8) % keys, 1);
                    }
                    count += 100;
                    // Ours is no message, so it has no natural pause for the other writers.
                    Thread.yield();
                }
                return count;
            });
            LongAdder sum = new LongAdder();
            table.forEach((_, count) -> sum.add(count));
            expect((long) answer.get("units"), sum.sum());
            return answer;
        }
    }

    private static void expect(long expected, long actual) {
        if (expected != actual) {
            throw new IllegalStateException("counted " + actual + " instead of " + expected);
        }
    }
}
