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
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Stages that pass messages on demand, as one supervisor with a child for each worker. A message is acknowledged when all
 * that came of it is done: at least once, as a worker that died leaves what it had taken to its next life, which starts
 * alone. When the supervisor stops in order, the pipeline is drained first. Build it, then start it once.
 */
public final class Pipeline {
    private static final System.Logger LOG = System.getLogger(Pipeline.class.getName());

    final Kernel kernel;
    final LongAdder acknowledged = new LongAdder();
    final LongAdder failed = new LongAdder();
    final LongAdder retried = new LongAdder();
    private final String name;
    private final Duration drainLimit;
    private final Consumer<DeadLetter> deadLetters;
    private final List<Stage> stages = new ArrayList<>();
    private final Set<Thread> producing = ConcurrentHashMap.newKeySet();
    private final AtomicInteger unfinished = new AtomicInteger();
    private final AtomicInteger broken = new AtomicInteger();
    private final CompletableFuture<Boolean> done = new CompletableFuture<>();
    private volatile boolean draining;

    private record Stage(String name, @Nullable Junction output, String from, List<ChildSpec> workers) {}

    /**
     * An empty pipeline.
     *
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
        private final String stage;
        private final Junction junction;

        private Outlet(String stage, Junction junction) {
            this.stage = stage;
            this.junction = junction;
        }

        /** Chooses how to share the messages out, before anybody subscribes; by demand otherwise. */
        @SuppressWarnings("unchecked")
        public Outlet<T> dispatch(Dispatcher<T> dispatcher) {
            junction.dispatch((Dispatcher<Object>) (Dispatcher<?>) dispatcher);
            return this;
        }

        /** A stage that makes other messages of these. */
        public <O> Outlet<O> process(String stageName, StageOptions options, Processor<? super T, O> processor) {
            Junction out = new Junction(kernel);
            work(stageName, options, out, processor);
            return new Outlet<>(stageName, out);
        }

        /** A stage where messages end. */
        public void consume(String stageName, StageOptions options, Processor<? super T, Void> consumer) {
            work(stageName, options, null, consumer);
        }

        private <O> void work(
                String stageName, StageOptions options, @Nullable Junction out, Processor<? super T, O> p) {
            List<Junction.Slot> slots = junction.subscribe(options, options.demand());
            @SuppressWarnings("unchecked")
            Processor<Object, Object> erased = (Processor<Object, Object>) (Processor<?, ?>) p;
            Pacer pacer = new Pacer(kernel, options.pause());
            add(stageName, stage, out, slots.size(), i -> life -> {
                Junction.Slot slot = slots.get(i);
                long id = junction.begin(slot);
                life.run();
                Envelope next = junction.take(slot, id, Long.MAX_VALUE);
                while (next != null) {
                    handle(stageName, options, pacer, erased, out, next, junction, slot, id);
                    next = junction.take(slot, id, Long.MAX_VALUE);
                }
            });
        }

        /**
         * A stage that gathers messages with equal keys into lists, closed when they are full, when their first message has
         * waited long enough, or when the stage holds all that it asked for.
         */
        public <K> Outlet<List<T>> batch(String stageName, int size, Duration maxWait, Function<? super T, K> key) {
            Junction out = new Junction(kernel);
            List<Junction.Slot> slots = junction.subscribe(StageOptions.DEFAULT, Math.multiplyExact(size, 4));
            @SuppressWarnings("unchecked")
            Function<Object, Object> erased = (Function<Object, Object>) (Function<?, ?>) key;
            add(stageName, stage, out, 1, _ -> life -> {
                long id = junction.begin(slots.getFirst());
                life.run();
                new Batches(kernel, size, maxWait, erased, junction, slots.getFirst(), id, out).run();
            });
            return new Outlet<>(stageName, out);
        }
    }

    private interface Body {
        void run(Runnable begun) throws Exception;
    }

    /** The stage where messages come from; {@code acknowledger} hears of each when it is done. */
    public <T> Outlet<T> produce(
            String stageName,
            StageOptions options,
            Supplier<? extends Producer<? extends T>> source,
            Acknowledger<? super T> acknowledger) {
        Junction out = new Junction(kernel);
        Pacer pacer = new Pacer(kernel, options.pause());
        add(stageName, "", out, options.concurrency(), _ -> life -> {
            producing.add(Thread.currentThread());
            try {
                life.run();
                pump(stageName, options, source.get(), acknowledger, out, pacer);
            } catch (InterruptedException e) {
                if (!draining) {
                    throw e;
                }
            } finally {
                producing.remove(Thread.currentThread());
            }
        });
        return new Outlet<>(stageName, out);
    }

    private <T> void pump(
            String stage,
            StageOptions options,
            Producer<? extends T> producer,
            Acknowledger<? super T> acknowledger,
            Junction out,
            Pacer pacer)
            throws Exception {
        while (!draining) {
            pacer.await();
            int demand = out.reserve(options.pause() == null ? options.demand() : 1);
            List<Envelope> envelopes = new ArrayList<>();
            try {
                List<? extends T> produced = producer.produce(demand);
                if (produced.size() > demand) {
                    throw new IllegalStateException("producer " + stage + " of " + name + " gave " + produced.size()
                            + " messages where " + demand + " were asked for");
                }
                for (T message : produced) {
                    Ticket ticket = new Ticket(failure -> acknowledge(acknowledger, message, failure));
                    envelopes.add(envelope(message, List.of(ticket)));
                }
            } finally {
                out.deliver(demand, envelopes);
            }
            if (envelopes.isEmpty()) {
                return;
            }
        }
    }

    private <T> Envelope envelope(T message, List<Ticket> tickets) {
        return new Envelope(message, tickets, 1, kernel.clock().nanoTime());
    }

    private <T> void acknowledge(Acknowledger<? super T> acknowledger, T message, @Nullable Throwable failure) {
        (failure == null ? acknowledged : failed).increment();
        try {
            acknowledger.settled(message, failure);
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "the acknowledger of " + name + " failed", e);
        }
    }

    private void handle(
            String stage,
            StageOptions options,
            Pacer pacer,
            Processor<Object, Object> processor,
            @Nullable Junction out,
            Envelope in,
            Junction input,
            Junction.Slot slot,
            long life)
            throws InterruptedException {
        Throwable failure = in.attempt() > options.attempts() + 1
                ? new IllegalStateException("the worker died again and again with it")
                : null;
        List<Envelope> made = new ArrayList<>();
        for (int attempt = in.attempt(); failure == null; attempt++) {
            pacer.await();
            made.clear();
            try {
                processor.process(in.value(), value -> made.add(envelope(value, in.tickets())));
                break;
            } catch (InterruptedException e) {
                throw e;
            } catch (Exception e) {
                if (attempt >= options.attempts()) {
                    failure = e;
                    break;
                }
                retried.increment();
                kernel.timers().sleep(options.backoff().delay(attempt, kernel.random()));
            }
        }
        if (failure == null && out != null) {
            for (int at = 0; at < made.size(); ) {
                int room = out.reserve(made.size() - at);
                out.deliver(room, made.subList(at, at + room));
                at += room;
            }
        }
        if (failure != null) {
            bury(new DeadLetter(stage, in.value(), in.attempt(), failure));
        }
        if (input.settle(slot, life, List.of(in))) {
            in.settle(failure);
        }
    }

    private void bury(DeadLetter letter) {
        try {
            deadLetters.accept(letter);
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "the dead letters of " + name + " failed", e);
        }
    }

    private void add(String stage, String from, @Nullable Junction out, int count, Function<Integer, Body> bodies) {
        AtomicInteger left = new AtomicInteger(count);
        List<ChildSpec> workers = new ArrayList<>();
        unfinished.addAndGet(count);
        for (int i = 0; i < count; i++) {
            Body body = bodies.apply(i);
            Lives lives = new Lives();
            workers.add(ChildSpec.task(stage + "-" + i, () -> live(body, lives, out, left))
                    .withRestart(ChildSpec.Restart.TRANSIENT));
        }
        stages.add(new Stage(stage, out, from, workers));
    }

    /** What is known of a worker over its lives; a killed life may still be running while the next one is. Guarded by itself. */
    private static final class Lives {
        private int current;
        private boolean broken;
        private boolean finished;
    }

    private void live(Body body, Lives lives, @Nullable Junction out, AtomicInteger left) throws Exception {
        int own;
        synchronized (lives) {
            if (lives.finished) {
                return;
            }
            own = ++lives.current;
        }
        boolean ended = false;
        try {
            body.run(() -> mark(lives, own, false));
            ended = true;
        } finally {
            if (!ended) {
                mark(lives, own, true);
            }
        }
        synchronized (lives) {
            if (lives.current != own) {
                return;
            }
            lives.finished = true;
        }
        if (left.decrementAndGet() == 0 && out != null) {
            out.close();
        }
        if (unfinished.decrementAndGet() == 0) {
            done.complete(true);
        }
    }

    private void mark(Lives lives, int own, boolean isBroken) {
        synchronized (lives) {
            if (lives.current == own && lives.broken != isBroken) {
                lives.broken = isBroken;
                broken.addAndGet(isBroken ? 1 : -1);
            }
        }
    }

    /** What to give to a supervisor; consumers start first. */
    public ChildSpec spec(SupervisorOptions options) {
        List<ChildSpec> children = new ArrayList<>();
        stages.reversed().forEach(stage -> children.addAll(stage.workers()));
        children.add(ChildSpec.service("drain", this::drainer).withShutdown(drainLimit.plusSeconds(5)));
        return ChildSpec.supervisor(name, options, children.toArray(ChildSpec[]::new));
    }

    private Service drainer() {
        return new Service() {
            @Override
            public void start(Failure failure) {}

            @Override
            public void stop() throws InterruptedException {
                if (broken.get() == 0 && !drain(drainLimit)) {
                    LOG.log(Level.WARNING, "{0} was not drained within {1}", name, drainLimit);
                }
            }
        };
    }

    /** Starts it below a supervisor. */
    public Supervisor start(Supervisor parent) throws StartException {
        StageMetrics metrics = StageMetrics.of(kernel);
        for (Stage stage : stages) {
            Junction output = stage.output();
            if (output != null) {
                metrics.watch(name, stage.name(), output);
            }
        }
        return parent.start(spec(SupervisorOptions.DEFAULT)).supervisor();
    }

    /**
     * Asks the producers for nothing more and waits until all that was produced is done.
     *
     * @return false when that took longer, on the kernel's clock, than {@code limit}
     */
    public boolean drain(Duration limit) throws InterruptedException {
        draining = true;
        producing.forEach(Thread::interrupt);
        return awaitDone(limit);
    }

    /** Waits until the producers have no more and all is done; false when that took longer than {@code limit}. */
    public boolean awaitDone(Duration limit) throws InterruptedException {
        CompletableFuture<Boolean> either = done.copy();
        var timer = kernel.timers().schedule(limit, () -> either.complete(false));
        try {
            return either.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        } finally {
            timer.cancel();
        }
    }
}
