package dev.coppice.kernel.flow;

import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.kernel.stage.Dispatcher;
import dev.coppice.kernel.stage.Edge;
import dev.coppice.kernel.stage.Pipeline;
import dev.coppice.kernel.stage.Processor;
import dev.coppice.kernel.stage.Producer;
import dev.coppice.kernel.stage.StageOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collector;
import org.jspecify.annotations.Nullable;

/** A flow under way, as a pipeline of its own. Safe for use by many threads. */
public final class FlowRun<R> {
    private static final String FLOWS = "flows";
    private static final AtomicLong NUMBERS = new AtomicLong();

    final Kernel kernel;
    private final String name;
    private final Plan plan;
    private final Collector<Object, Object, R> collector;
    private final Pipeline pipeline;
    private final Queue<Object> gathered = new ConcurrentLinkedQueue<>();
    private final List<Progress> sources = new ArrayList<>();
    private final CompletableFuture<R> result = new CompletableFuture<>();
    private final boolean precise;
    private int segments;
    private int channels;

    FlowRun(Kernel kernel, String name, Plan plan, Collector<Object, Object, R> collector) {
        this.kernel = kernel;
        this.name = name + "-" + NUMBERS.incrementAndGet();
        this.plan = plan;
        this.collector = collector;
        this.precise = isPrecise(plan);
        this.pipeline = new Pipeline(kernel, this.name, Duration.ZERO, letter -> fail(letter.cause()));
        pipeline.abandon();
    }

    private static boolean isPrecise(Plan plan) {
        return switch (plan) {
            case Plan.From from -> from.source().isLive();
            case Plan.Then then -> then.step().followsProgress() || isPrecise(then.before());
            case Plan.Shuffle shuffle -> shuffle.inputs().stream().anyMatch(FlowRun::isPrecise);
        };
    }

    /**
     * A stage's messages, with the steps that its takers do.
     *
     * @param stages how many takers
     * @param sources those whose items come as they were read, so that it is known how far they are
     * @param channels by which the workers before tell how far they are, with the number of these workers
     */
    record Ready(
            Pipeline.Outlet<Context.Message> outlet,
            List<Plan.Step> steps,
            int stages,
            Set<Integer> sources,
            Map<Integer, Integer> channels) {
        Ready with(Plan.Step step) {
            List<Plan.Step> more = new ArrayList<>(steps);
            more.add(step);
            return new Ready(outlet, more, stages, sources, channels);
        }

        boolean keepsItems() {
            return steps.stream().anyMatch(Plan.Step::keepsItems);
        }
    }

    void start() {
        Ready last = build(plan, false);
        Supplier<Processor<Context.Message, Void>> gathering = workers(last, _ -> new Gathering());
        last.outlet().consume(segment(), options(last), gathering);
        pipeline.done().thenAccept(this::ended);
        try {
            // Made beforehand, for the children to be started at once.
            flows().start(pipeline.spec(OPTIONS).withRestart(ChildSpec.Restart.TEMPORARY));
        } catch (StartException e) {
            fail(e);
        }
        result.whenComplete((_, _) -> cleanUp());
    }

    private static final SupervisorOptions OPTIONS =
            SupervisorOptions.DEFAULT.withIntensity(1_000, Duration.ofSeconds(1));

    private Supervisor flows() throws StartException {
        while (true) {
            var there = kernel.root().child(FLOWS);
            if (there.isPresent()) {
                return there.get().supervisor();
            }
            try {
                return kernel.root().startSupervisor(FLOWS, SupervisorOptions.DEFAULT);
            } catch (StartException e) {
                if (kernel.root().child(FLOWS).isEmpty()) {
                    throw e;
                }
            }
        }
    }

    /** @param timed whether a step behind depends on how far the sources are done */
    private Ready build(Plan from, boolean timed) {
        return switch (from) {
            case Plan.From(var source, int stages) -> {
                int number = sources.size();
                yield new Ready(read(source, stages), List.of(), stages, Set.of(number), Map.of());
            }
            case Plan.Then(var before, var step) ->
                build(before, timed || step.followsProgress()).with(step);
            case Plan.Shuffle(var inputs, var key, int stages) -> {
                Pipeline.@Nullable Outlet<Context.Message> all = null;
                Set<Integer> followed = new HashSet<>();
                Map<Integer, Integer> telling = new HashMap<>();
                for (Plan input : inputs) {
                    Ready ready = build(input, timed);
                    boolean kept = ready.keepsItems();
                    boolean tells = timed && (kept || !ready.channels().isEmpty());
                    @Nullable Integer channel = tells ? Integer.valueOf(++channels) : null;
                    if (channel != null) {
                        telling.put(channel, ready.stages());
                    }
                    if (!kept) {
                        followed.addAll(ready.sources());
                    }
                    Supplier<Processor<Context.Message, Context.Message>> sharing =
                            workers(ready, context -> new Steps.Sharing(context, key, stages, precise, channel, kept));
                    Pipeline.Outlet<Context.Message> one = ready.outlet().process(segment(), options(ready), sharing);
                    all = all == null ? one : all.merge(one);
                }
                if (all == null) {
                    throw new IllegalStateException("a partition without an input");
                }
                yield new Ready(
                        all.dispatch(new Dispatcher.Partition<>(FlowRun::receiver)),
                        List.of(),
                        stages,
                        followed,
                        telling);
            }
        };
    }

    private static int receiver(Context.Message message) {
        return switch (message) {
            case Context.Split _ -> 0;
            case Context.Chunk chunk -> chunk.to();
            case Context.Mark mark -> mark.to();
        };
    }

    private String segment() {
        return "steps-" + ++segments;
    }

    private static StageOptions options(Ready ready) {
        Duration tick = null;
        for (Plan.Step step : ready.steps()) {
            Duration own = step.tick();
            if (own != null && (tick == null || own.compareTo(tick) < 0)) {
                tick = own;
            }
        }
        return StageOptions.DEFAULT
                .withConcurrency(ready.stages())
                .withDemand(4)
                .withTick(tick);
    }

    private Pipeline.Outlet<Context.Message> read(Source source, int stages) {
        int number = sources.size();
        Progress progress = new Progress();
        sources.add(progress);
        AtomicInteger lives = new AtomicInteger();
        return pipeline.produce(
                "source-" + (number + 1),
                StageOptions.DEFAULT.withDemand(4),
                () -> {
                    if (lives.getAndIncrement() > 0) {
                        fail(new IllegalStateException("the worker that reads the source died"));
                        return _ -> List.of();
                    }
                    return new Reader(source, stages, number, progress);
                },
                (message, failure) -> {
                    if (message instanceof Context.Split split) {
                        split.items().settled(failure);
                        progress.settled(split.part());
                    }
                });
    }

    /** Reads a source, part by part. */
    private final class Reader implements Producer<Context.Message> {
        private final Source source;
        private final int stages;
        private final int number;
        private final Progress progress;
        private Source.@Nullable Reading reading;

        Reader(Source source, int stages, int number, Progress progress) {
            this.source = source;
            this.stages = stages;
            this.number = number;
            this.progress = progress;
        }

        @Override
        public List<Context.Message> produce(int demand) throws Exception {
            if (result.isDone()) {
                return List.of();
            }
            try {
                Source.Reading now = reading;
                if (now == null) {
                    now = source.open(stages);
                    reading = now;
                }
                Source.Part part = now.next();
                if (part == null) {
                    progress.exhaust();
                    return List.of();
                }
                return List.of(new Context.Split(number, progress.give(), part));
            } catch (InterruptedException e) {
                throw e;
            } catch (Exception e) {
                fail(e);
                return List.of();
            }
        }

        @Override
        public void close() throws Exception {
            Source.Reading now = reading;
            if (now != null && !source.isAcknowledged()) {
                now.close(null);
            } else if (now != null) {
                // What is under way is still to be acknowledged; the rest is given up when the run is over.
                result.whenComplete((_, failure) -> close(now, failure));
            }
        }

        private static void close(Source.Reading reading, @Nullable Throwable failure) {
            try {
                reading.close(failure);
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private <O> Supplier<Processor<Context.Message, O>> workers(Ready ready, Function<Context, Link> last) {
        return new Workers<O>(this, kernel, sources, ready, last)::get;
    }

    /** Gathers what one worker has for the result. */
    private final class Gathering extends Link.Last {
        private final Object container = collector.supplier().get();

        @Override
        void accept(Object item) {
            collector.accumulator().accept(container, item);
        }

        @Override
        void end() {
            gathered.add(container);
        }
    }

    boolean isOver() {
        return result.isDone();
    }

    boolean isFailed() {
        return result.isCompletedExceptionally();
    }

    void fail(Throwable why) {
        result.completeExceptionally(why);
    }

    @SuppressWarnings("CatchingUnchecked")
    private void ended(boolean whole) {
        if (!whole) {
            fail(new CancellationException("the flow " + name + " was stopped"));
            return;
        }
        try {
            Object sum = null;
            for (Object each : gathered) {
                sum = sum == null ? each : collector.combiner().apply(sum, each);
            }
            result.complete(collector
                    .finisher()
                    .apply(sum == null ? collector.supplier().get() : sum));
        } catch (Throwable t) {
            fail(t);
        }
    }

    /** On a thread of its own, as a worker cannot wait for its own end. */
    private void cleanUp() {
        try {
            flows().start(ChildSpec.task(name + "-end", this::stop).withRestart(ChildSpec.Restart.TEMPORARY));
        } catch (StartException e) {
            // The kernel stops, and with it the flow.
        }
    }

    private void stop() {
        kernel.root().child(FLOWS).ifPresent(flows -> flows.supervisor().stop(name));
    }

    /**
     * Waits for the result.
     *
     * @throws ExecutionException with the cause, when a step failed, a worker died, or it was cancelled
     */
    public R await() throws InterruptedException, ExecutionException {
        return result.get();
    }

    /** Ends it, if it is not over; returns once its threads have ended, or do not react for 5 seconds. */
    public void cancel() {
        fail(new CancellationException("the flow " + name + " was cancelled"));
        stop();
    }

    /** Whether there is a result, or a failure. */
    public boolean isDone() {
        return result.isDone();
    }

    /** Its name in the tree and in metrics. */
    public String name() {
        return name;
    }

    /** A picture of its queues. */
    public List<Edge> edges() {
        return pipeline.edges();
    }
}
