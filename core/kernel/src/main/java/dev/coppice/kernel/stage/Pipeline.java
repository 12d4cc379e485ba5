package dev.coppice.kernel.stage;

import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Service;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Stages that pass messages on demand, as one supervisor with a child for each worker. A message is acknowledged when all
 * that came of it is done: at least once, as a worker that died leaves what it had taken to its next life, which starts
 * alone. When the supervisor stops in order, the pipeline is drained first. Build it, then start it once; its supervisor
 * may start it again.
 */
public final class Pipeline {
    private static final System.Logger LOG = System.getLogger(Pipeline.class.getName());

    private final Kernel kernel;
    private final String name;
    private final Duration drainLimit;
    private final Consumer<DeadLetter> deadLetters;
    private final Map<String, Stage> stages = new LinkedHashMap<>();
    private final Set<Feeder> feeders = ConcurrentHashMap.newKeySet();
    private final AtomicInteger unfinished = new AtomicInteger();
    private final AtomicInteger broken = new AtomicInteger();
    private final LongAdder acknowledged = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private volatile CompletableFuture<Boolean> done = new CompletableFuture<>();
    private volatile CompletableFuture<Boolean> stuck = new CompletableFuture<>();
    private volatile boolean draining;
    private volatile boolean abandoned;

    /**
     * An empty pipeline.
     *
     * @param name what metrics and the tree call it
     * @param drainLimit how long its supervisor waits for the messages in flight when it stops
     * @param deadLetters gets what was given up; short, thread-safe
     */
    public Pipeline(Kernel kernel, String name, Duration drainLimit, Consumer<DeadLetter> deadLetters) {
        this.kernel = kernel;
        this.name = name;
        this.drainLimit = drainLimit;
        this.deadLetters = deadLetters;
    }

    /** The messages that a stage gives; others subscribe to them, before the start. */
    public final class Outlet<T> {
        private final Junction junction;

        private Outlet(Junction junction) {
            this.junction = junction;
        }

        /** Chooses how to share the messages out, before anybody subscribes; by demand otherwise. */
        @SuppressWarnings("unchecked")
        public Outlet<T> dispatch(Dispatcher<T> dispatcher) {
            junction.dispatch((Dispatcher<Object>) (Dispatcher<?>) dispatcher);
            return this;
        }

        /** Adds the messages of another outlet, which is not to be used any more, before anybody subscribes to either. */
        public Outlet<T> merge(Outlet<? extends T> other) {
            Junction theirs = other.junction;
            if (junction.isSubscribed() || theirs.isSubscribed() || junction == theirs) {
                throw new IllegalStateException("merge two outlets before a stage subscribes to either");
            }
            junction.addWriters(theirs.writers());
            for (Stage stage : stages.values()) {
                if (stage.out() == theirs) {
                    stage.redirect(junction);
                }
            }
            return this;
        }

        /** A stage that makes other messages of these, with a processor that its workers share. */
        public <O> Outlet<O> process(String stageName, StageOptions options, Processor<? super T, O> processor) {
            return process(stageName, options, () -> processor);
        }

        /** A stage that makes other messages of these, with a new processor for each life of a worker. */
        public <O> Outlet<O> process(
                String stageName, StageOptions options, Supplier<? extends Processor<? super T, O>> processors) {
            Junction out = newJunction(stageName);
            work(stageName, options, out, () -> processing(processors.get()));
            return new Outlet<>(out);
        }

        /** A stage where messages end, with a processor that its workers share. */
        public void consume(String stageName, StageOptions options, Processor<? super T, Void> consumer) {
            consume(stageName, options, () -> consumer);
        }

        /** A stage where messages end, with a new processor for each life of a worker. */
        public void consume(
                String stageName, StageOptions options, Supplier<? extends Processor<? super T, Void>> consumers) {
            work(stageName, options, null, () -> processing(consumers.get()));
        }

        /**
         * A stage where messages end by going to somebody who says later, from any thread, that they are done. At most the
         * stage's demand is with them, and the stage waits for all of that before it ends.
         */
        @SuppressWarnings("unchecked")
        public void handOver(String stageName, StageOptions options, HandOver<? super T> taker) {
            int limit = Math.multiplyExact(options.maxDemand(), options.concurrency());
            Semaphore permits = new Semaphore(limit);
            Handler handler = new Handler.HandingOver((HandOver<Object>) (HandOver<?>) taker, permits, limit);
            work(stageName, options, null, () -> handler);
        }

        private void work(String stageName, StageOptions options, @Nullable Junction out, Supplier<Handler> handlers) {
            Stage stage = add(stageName, options, junction, out);
            for (Lane.Slot slot :
                    junction.subscribe(stage, options.concurrency(), options.minDemand(), options.maxDemand())) {
                stage.addWorker(begun -> {
                    long life = junction.begin(slot);
                    Handler handler = handlers.get();
                    begun.run();
                    new Worker(kernel, stage, handler, junction, slot, life).run();
                });
            }
        }

        /** {@link #batch(String, StageOptions, int, Duration, Function)} with one worker. */
        public <K> Outlet<List<T>> batch(String stageName, int size, Duration maxWait, Function<? super T, K> key) {
            return batch(stageName, StageOptions.DEFAULT, size, maxWait, key);
        }

        /**
         * A stage that gathers messages with equal keys into lists, closed when they are full, when their first message has
         * waited long enough, or when the stage holds all that it asked for. To keep a key in one list where there are several
         * workers, dispatch by partition. Of the options it takes the concurrency, the rate, and the demand if that
         * is more than 4 times {@code size}.
         */
        @SuppressWarnings("unchecked")
        public <K> Outlet<List<T>> batch(
                String stageName, StageOptions options, int size, Duration maxWait, Function<? super T, K> key) {
            Junction out = newJunction(stageName);
            Function<Object, Object> erased = (Function<Object, Object>) (Function<?, ?>) key;
            Stage stage = add(stageName, options, junction, out);
            int capacity = Math.max(options.maxDemand(), Math.multiplyExact(size, 4));
            for (Lane.Slot slot :
                    junction.subscribe(stage, options.concurrency(), capacity - Math.max(1, size / 2), capacity)) {
                stage.addWorker(begun -> {
                    long life = junction.begin(slot);
                    begun.run();
                    new Batches(kernel, stage, size, maxWait, erased, junction, slot, life, output(stage)).run();
                });
            }
            return new Outlet<>(out);
        }
    }

    @SuppressWarnings("unchecked")
    private static Handler processing(Processor<?, ?> processor) {
        return new Handler.Processing((Processor<Object, Object>) processor);
    }

    private static Junction output(Stage stage) {
        Junction out = stage.out();
        if (out == null) {
            throw new IllegalStateException(stage.name() + " has no output");
        }
        return out;
    }

    /**
     * The stage where messages come from.
     *
     * @param source makes a producer for each life of a worker; an {@link Inlet} is given again and again
     * @param acknowledger hears of each message when it is done
     */
    @SuppressWarnings("unchecked")
    public <T> Outlet<T> produce(
            String stageName,
            StageOptions options,
            Supplier<? extends Producer<? extends T>> source,
            Acknowledger<? super T> acknowledger) {
        Junction out = newJunction(stageName);
        Stage stage = add(stageName, options, null, out);
        Acknowledger<Object> erased = (Acknowledger<Object>) acknowledger;
        BiConsumer<Object, @Nullable Throwable> settled = (message, failure) -> acknowledge(erased, message, failure);
        for (int i = 0; i < options.concurrency(); i++) {
            Lane.Writer writer = new Lane.Writer();
            stage.addWorker(begun -> feed(stage, source.get(), settled, writer, begun));
        }
        return new Outlet<>(out);
    }

    private void feed(
            Stage stage,
            Producer<?> producer,
            BiConsumer<Object, @Nullable Throwable> acknowledger,
            Lane.Writer writer,
            Runnable begun)
            throws Exception {
        Junction out = output(stage);
        Feeder feeder = new Feeder(this, stage, producer, acknowledger, out, writer, out.begin(writer));
        feeders.add(feeder);
        try {
            begun.run();
            feeder.run();
        } catch (InterruptedException e) {
            if (!draining) {
                throw e;
            }
        } finally {
            feeders.remove(feeder);
        }
        feeder.awaitFormer();
    }

    private Junction newJunction(String from) {
        return new Junction(kernel, (envelope, failure) -> {
            Stage stage = stages.get(from);
            if (stage != null) {
                stage.bury(envelope.value, 1, failure);
            }
            envelope.claim.fork(1);
            envelope.claim.settle(failure);
        });
    }

    private Stage add(String stageName, StageOptions options, @Nullable Junction input, @Nullable Junction out) {
        Stage stage = new Stage(kernel, this, stageName, options, input, out);
        if (stages.putIfAbsent(stageName, stage) != null) {
            throw new IllegalArgumentException(
                    "pipeline " + name + " has two stages named \"" + stageName + "\"; rename one");
        }
        return stage;
    }

    private void acknowledge(Acknowledger<Object> acknowledger, Object message, @Nullable Throwable failure) {
        (failure == null ? acknowledged : failed).increment();
        try {
            acknowledger.settled(message, failure);
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "the acknowledger of " + name + " failed", e);
        }
    }

    void bury(DeadLetter letter) {
        try {
            deadLetters.accept(letter);
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "the dead letters of " + name + " failed", e);
        }
    }

    void workerEnded() {
        if (unfinished.decrementAndGet() == 0) {
            done.complete(true);
        }
    }

    void workerBroken(boolean isBroken) {
        broken.addAndGet(isBroken ? 1 : -1);
        if (isBroken) {
            stuck.complete(false);
        }
    }

    boolean isDraining() {
        return draining;
    }

    /** What to give to a supervisor; consumers start first. */
    public ChildSpec spec(SupervisorOptions options) {
        List<ChildSpec> children = new ArrayList<>();
        children.add(ChildSpec.service("opening", this::opening));
        for (Stage stage : stages.values().stream().toList().reversed()) {
            Junction out = stage.out();
            if (out != null && !out.isSubscribed()) {
                throw new IllegalStateException("nobody takes what stage \"" + stage.name() + "\" of pipeline " + name
                        + " gives; add a stage that consumes it");
            }
            children.addAll(stage.workers());
        }
        children.add(ChildSpec.service("drain", this::drainer).withShutdown(drainLimit.plusSeconds(5)));
        return ChildSpec.supervisor(name, options, children.toArray(ChildSpec[]::new));
    }

    /** Starts it below a supervisor. */
    public Supervisor start(Supervisor parent) throws StartException {
        return parent.start(spec(SupervisorOptions.DEFAULT)).supervisor();
    }

    /** The first to start and the last to stop. */
    private Service opening() {
        return new Service() {
            @Override
            public void start(Failure failure) {
                open();
                StageMetrics.of(kernel).add(Pipeline.this);
            }

            @Override
            public void stop() {
                StageMetrics.of(kernel).remove(Pipeline.this);
                done.complete(false);
            }
        };
    }

    private void open() {
        draining = false;
        stages.values().forEach(Stage::reopen);
        broken.set(0);
        stuck = new CompletableFuture<>();
        unfinished.set(stages.values().stream().mapToInt(Stage::unfinished).sum());
        if (unfinished.get() > 0 && done.isDone()) {
            done = new CompletableFuture<>();
        }
        for (Stage stage : stages.values()) {
            Junction out = stage.out();
            if (out != null) {
                out.open(stages.values().stream()
                        .filter(each -> each.out() == out)
                        .mapToInt(Stage::unfinished)
                        .sum());
            }
        }
    }

    /** The last to start and the first to stop. */
    private Service drainer() {
        return new Service() {
            @Override
            public void start(Failure failure) {}

            @Override
            public void stop() throws InterruptedException {
                // A worker that is dead now stays so while the supervisor stops: what it holds cannot be done.
                if (abandoned || broken.get() > 0) {
                    return;
                }
                stuck = new CompletableFuture<>();
                if (!drain(drainLimit, stuck)) {
                    LOG.log(Level.WARNING, "{0} was not drained: {1} messages are in flight", name, inFlight());
                }
            }
        };
    }

    private long inFlight() {
        return edges().stream().mapToLong(edge -> edge.queued() + edge.held()).sum();
    }

    /**
     * Asks the producers for nothing more and waits until all that was produced is done.
     *
     * @return false when that took longer, on the kernel's clock, than {@code limit}
     */
    public boolean drain(Duration limit) throws InterruptedException {
        return drain(limit, new CompletableFuture<>());
    }

    private boolean drain(Duration limit, CompletableFuture<Boolean> orNever) throws InterruptedException {
        draining = true;
        feeders.forEach(Feeder::drain);
        return awaitDone(limit, orNever);
    }

    /** Gives up what is in flight: its supervisor will not drain it when it stops. */
    public void abandon() {
        abandoned = true;
    }

    /**
     * Waits until the producers have no more and all is done; false when that took longer than {@code limit}, or when it was
     * stopped before.
     */
    public boolean awaitDone(Duration limit) throws InterruptedException {
        return awaitDone(limit, new CompletableFuture<>());
    }

    private boolean awaitDone(Duration limit, CompletableFuture<Boolean> orNever) throws InterruptedException {
        CompletableFuture<Boolean> either = new CompletableFuture<>();
        done.thenAccept(either::complete);
        orNever.thenAccept(either::complete);
        var timer = kernel.timers().schedule(limit, () -> either.complete(false));
        try {
            return either.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        } finally {
            timer.cancel();
        }
    }

    /** Completes when all is done (true) or it was stopped before that (false). */
    public CompletableFuture<Boolean> done() {
        return done.copy();
    }

    /** Changes how fast a stage may be, at once; null for as fast as it can. */
    public void changeRate(String stageName, @Nullable Rate rate) {
        Stage stage = stages.get(stageName);
        if (stage == null) {
            throw new IllegalArgumentException(
                    "pipeline " + name + " has no stage \"" + stageName + "\", only " + stages.keySet());
        }
        stage.limiter().change(rate);
    }

    /** What metrics and the tree call it. */
    public String name() {
        return name;
    }

    /** A picture of every edge, in the order in which the stages were added. */
    public List<Edge> edges() {
        Map<Junction, String> from = new LinkedHashMap<>();
        for (Stage stage : stages.values()) {
            Junction out = stage.out();
            if (out != null) {
                from.merge(out, stage.name(), (one, other) -> one + "," + other);
            }
        }
        List<Edge> edges = new ArrayList<>();
        from.forEach((junction, stage) -> edges.addAll(junction.edges(name, stage)));
        return edges;
    }

    /** Produced messages that were acknowledged without a failure. */
    public long acknowledged() {
        return acknowledged.sum();
    }

    /** Produced messages of which something was given up. */
    public long failed() {
        return failed.sum();
    }

    /** The pipelines of a kernel that run now. */
    public static List<Pipeline> running(Kernel kernel) {
        return StageMetrics.of(kernel).running();
    }
}
