package dev.coppice.kernel.stage;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.Backoff;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class StageBehaviorTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final Backoff AT_ONCE = new Backoff(Duration.ZERO, Duration.ZERO, 1, 0);

    private final List<DeadLetter> dead = new CopyOnWriteArrayList<>();
    private final List<Integer> good = new CopyOnWriteArrayList<>();
    private final List<Integer> bad = new CopyOnWriteArrayList<>();

    private void settle(Integer message, Throwable failure) {
        (failure == null ? good : bad).add(message);
    }

    private Pipeline pipeline(Kernel kernel) {
        return new Pipeline(kernel, "numbers", LIMIT, dead::add);
    }

    private static Producer<Integer> upTo(AtomicInteger next, int count) {
        return demand -> {
            int from = next.getAndUpdate(at -> Math.min(count, at + demand));
            return IntStream.range(from, Math.min(count, from + demand)).boxed().toList();
        };
    }

    private static void await(CountDownLatch latch) throws InterruptedException {
        assertThat(latch.await(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aRateLetsSoManyThroughPerIntervalAndMayChangeAtRunTime() throws Exception {
        SimulatedClock clock = new SimulatedClock();
        AtomicInteger seen = new AtomicInteger();
        try (Kernel kernel = Kernel.start(clock, 1)) {
            Pipeline pipeline = pipeline(kernel);
            pipeline.produce(
                            "source",
                            StageOptions.DEFAULT.withRate(10, Duration.ofSeconds(1)),
                            () -> upTo(new AtomicInteger(), 1_000),
                            this::settle)
                    .consume("end", StageOptions.DEFAULT, (_, _) -> seen.incrementAndGet());
            pipeline.start(kernel.root());
            eventually("the first interval", () -> seen.get() == 10 && clock.pending() > 0);
            clock.advance(Duration.ofMillis(999));
            assertThat(seen.get()).isEqualTo(10);
            clock.advance(Duration.ofMillis(1));
            eventually("the second interval", () -> seen.get() == 20 && clock.pending() > 0);
            pipeline.changeRate("source", new Rate(50, Duration.ofSeconds(1)));
            eventually("the rest of the raised rate", () -> seen.get() == 60 && clock.pending() > 0);
            pipeline.changeRate("source", null);
            assertThat(pipeline.awaitDone(LIMIT)).isTrue();
            assertThat(seen.get()).isEqualTo(1_000);
            assertThatThrownBy(() -> pipeline.changeRate("sauce", null)).hasMessageContaining("source");
        }
    }

    @Test
    void aProcessorsRateHoldsItAsWell() throws Exception {
        SimulatedClock clock = new SimulatedClock();
        AtomicInteger seen = new AtomicInteger();
        try (Kernel kernel = Kernel.start(clock, 1)) {
            Pipeline pipeline = pipeline(kernel);
            pipeline.produce("source", StageOptions.DEFAULT, () -> upTo(new AtomicInteger(), 9), this::settle)
                    .consume(
                            "end",
                            StageOptions.DEFAULT.withConcurrency(2).withRate(3, Duration.ofMinutes(1)),
                            (_, _) -> seen.incrementAndGet());
            pipeline.start(kernel.root());
            for (int expected = 3; expected < 9; expected += 3) {
                int now = expected;
                eventually("3 more", () -> seen.get() == now && good.size() == now && clock.pending() > 0);
                clock.advance(Duration.ofMinutes(1));
            }
            assertThat(pipeline.awaitDone(LIMIT)).isTrue();
        }
    }

    @Test
    void everyEdgeShowsItsQueueThroughputAndWaitingTime() throws Exception {
        SimulatedClock clock = new SimulatedClock();
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch begun = new CountDownLatch(1);
        AtomicInteger failures = new AtomicInteger();
        try (Kernel kernel = Kernel.start(clock, 1)) {
            Pipeline pipeline = pipeline(kernel);
            pipeline.produce("source", StageOptions.DEFAULT, () -> upTo(new AtomicInteger(), 10), this::settle)
                    .consume("end", StageOptions.DEFAULT.withDemand(20).withAttempts(2, AT_ONCE), (n, _) -> {
                        begun.countDown();
                        hold.await();
                        if (n == 3) {
                            failures.incrementAndGet();
                            throw new IllegalStateException("no");
                        }
                    });
            pipeline.start(kernel.root());
            await(begun);
            eventually("all are queued", () -> pipeline.edges().getFirst().queued() == 9);
            Edge waiting = pipeline.edges().getFirst();
            assertThat(waiting.from()).isEqualTo("source");
            assertThat(waiting.to()).containsExactly("end");
            assertThat(waiting.workers()).isEqualTo(1);
            assertThat(waiting.held()).isEqualTo(1);
            assertThat(waiting.capacity()).isEqualTo(20);
            assertThat(kernel.metrics().scrape().stream()
                            .map(each -> each.getMetadata().getName()))
                    .contains("coppice_kernel_stage_queued", "coppice_kernel_stage_wait_seconds");
            assertThat(Pipeline.running(kernel)).containsExactly(pipeline);
            clock.advance(Duration.ofSeconds(4));
            hold.countDown();
            assertThat(pipeline.awaitDone(LIMIT)).isTrue();
            Edge edge = pipeline.edges().getFirst();
            assertThat(edge.messages()).isEqualTo(10);
            assertThat(edge.perSecond()).isEqualTo(10 / 4.0);
            assertThat(edge.meanWait()).isEqualTo(Duration.ofMillis(3_600));
            assertThat(edge.failures()).isEqualTo(1);
            assertThat(edge.retries()).isEqualTo(1);
            assertThat(pipeline.acknowledged()).isEqualTo(9);
            assertThat(pipeline.failed()).isEqualTo(1);
        }
    }

    @Test
    void aDrainEndsAtItsLimitAndAcknowledgesNothingThatIsInFlight() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        AtomicInteger next = new AtomicInteger();
        try (Kernel kernel = Kernel.start()) {
            Pipeline pipeline = new Pipeline(kernel, "stuck", Duration.ofMillis(30), dead::add);
            pipeline.produce("source", StageOptions.DEFAULT, () -> upTo(next, 1_000), this::settle)
                    .consume("end", StageOptions.DEFAULT, (_, _) -> {
                        begun.countDown();
                        new CountDownLatch(1).await();
                    });
            pipeline.start(kernel.root());
            await(begun);
            kernel.root().stop("stuck");
            assertThat(pipeline.done().join()).isFalse();
            assertThat(Pipeline.running(kernel)).isEmpty();
        }
        assertThat(good).isEmpty();
        assertThat(bad).isEmpty();
        assertThat(next.get()).isLessThan(1_000);
    }

    @Test
    void aKilledWorkerLosesNothingAndOnlyItRestarts() throws Exception {
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch begun = new CountDownLatch(1);
        try (Kernel kernel = Kernel.start()) {
            Pipeline pipeline = pipeline(kernel);
            pipeline.produce("source", StageOptions.DEFAULT, () -> upTo(new AtomicInteger(), 500), this::settle)
                    .<Integer>process("work", StageOptions.DEFAULT, (n, out) -> {
                        if (n == 100) {
                            begun.countDown();
                            hold.await();
                        }
                        out.accept(n);
                    })
                    .consume("end", StageOptions.DEFAULT, (_, _) -> {});
            Supervisor supervisor = pipeline.start(kernel.root());
            await(begun);
            supervisor.child("work-0").orElseThrow().kill();
            eventually("the restart", () -> restarts(supervisor) == 1);
            hold.countDown();
            assertThat(pipeline.awaitDone(LIMIT)).isTrue();
            assertThat(good).hasSize(500).doesNotHaveDuplicates();
            assertThat(bad).isEmpty();
            assertThat(restarts(supervisor)).isEqualTo(1);
            assertThat(pipeline.edges().getFirst().restarts()).isEqualTo(1);
        }
    }

    private static long restarts(Supervisor supervisor) {
        return supervisor.children().stream()
                .mapToLong(Supervisor.Child::restarts)
                .sum();
    }

    @Test
    void aMessageOverWhichItsWorkerDiesAgainAndAgainIsGivenUpAlone() throws Exception {
        try (Kernel kernel = Kernel.start()) {
            Pipeline pipeline = pipeline(kernel);
            pipeline.produce("source", StageOptions.DEFAULT, () -> upTo(new AtomicInteger(), 300), this::settle)
                    .consume("end", StageOptions.DEFAULT, (n, _) -> {
                        if (n == 150) {
                            throw new StackOverflowError("poison");
                        }
                    });
            Supervisor supervisor = pipeline.start(kernel.root());
            assertThat(pipeline.awaitDone(LIMIT)).isTrue();
            assertThat(bad).containsExactly(150);
            assertThat(good).hasSize(299);
            assertThat(dead).hasSize(1);
            eventually("three restarts", () -> restarts(supervisor) == 3);
        }
    }

    @Test
    void aWorkerThatDiesWithAnOpenBatchLeavesItToItsNextLife() throws Exception {
        Inlet<Integer> inlet;
        List<List<Integer>> batches = new CopyOnWriteArrayList<>();
        try (Kernel kernel = Kernel.start()) {
            inlet = new Inlet<>(kernel, 10);
            Pipeline pipeline = pipeline(kernel);
            pipeline.produce("source", StageOptions.DEFAULT, () -> inlet, this::settle)
                    .batch("batch", 4, Duration.ofHours(1), _ -> "all")
                    .consume("end", StageOptions.DEFAULT, (batch, _) -> batches.add(batch));
            Supervisor supervisor = pipeline.start(kernel.root());
            inlet.put(1);
            inlet.put(2);
            inlet.put(3);
            eventually("three are held", () -> pipeline.edges().getFirst().held() == 3);
            supervisor.child("batch-0").orElseThrow().kill();
            eventually(
                    "held again",
                    () -> restarts(supervisor) == 1
                            && pipeline.edges().getFirst().held() == 3);
            assertThat(batches).isEmpty();
            inlet.put(4);
            eventually("the batch", () -> batches.size() == 1);
            assertThat(batches).containsExactly(List.of(1, 2, 3, 4));
            inlet.end();
            assertThat(pipeline.awaitDone(LIMIT)).isTrue();
            assertThat(good).containsExactlyInAnyOrder(1, 2, 3, 4);
        }
    }

    @Test
    void aKilledProducerThatStillRunsHandsOverBeforeThePipelineIsDone() throws Exception {
        CountDownLatch taken = new CountDownLatch(1);
        CountDownLatch hold = new CountDownLatch(1);
        AtomicInteger lives = new AtomicInteger();
        AtomicReference<Thread> second = new AtomicReference<>();
        try (Kernel kernel = Kernel.start()) {
            Pipeline pipeline = pipeline(kernel);
            pipeline.<Integer>produce(
                            "source",
                            StageOptions.DEFAULT,
                            () -> demand -> {
                                if (lives.incrementAndGet() > 1) {
                                    second.set(Thread.currentThread());
                                    return List.of();
                                }
                                taken.countDown();
                                boolean held = true;
                                while (held) {
                                    try {
                                        hold.await();
                                        held = false;
                                    } catch (InterruptedException e) {
                                        // It was killed, and has taken a message already.
                                    }
                                }
                                return List.of(1);
                            },
                            this::settle)
                    .consume("end", StageOptions.DEFAULT, (_, _) -> {});
            Supervisor supervisor = pipeline.start(kernel.root());
            await(taken);
            supervisor.child("source-0").orElseThrow().kill();
            eventually("the second life has nothing more to do", () -> {
                Thread thread = second.get();
                return thread != null
                        && (thread.getState() == Thread.State.WAITING || thread.getState() == Thread.State.TERMINATED);
            });
            assertThat(pipeline.done()).isNotDone();
            hold.countDown();
            assertThat(pipeline.awaitDone(LIMIT)).isTrue();
            assertThat(good).containsExactly(1);
        }
    }

    @Test
    void aProducerThatCrashesIsMadeAnewAndWhatItGaveIsDone() throws Exception {
        AtomicInteger next = new AtomicInteger();
        AtomicInteger lives = new AtomicInteger();
        AtomicInteger closed = new AtomicInteger();
        try (Kernel kernel = Kernel.start()) {
            Pipeline pipeline = pipeline(kernel);
            pipeline.produce(
                            "source",
                            StageOptions.DEFAULT,
                            () -> {
                                lives.incrementAndGet();
                                return new Producer<Integer>() {
                                    @Override
                                    public List<Integer> produce(int demand) throws Exception {
                                        if (next.get() >= 50 && lives.get() == 1) {
                                            throw new IllegalStateException("the source is away");
                                        }
                                        return upTo(next, 200).produce(demand);
                                    }

                                    @Override
                                    public void close() {
                                        closed.incrementAndGet();
                                    }
                                };
                            },
                            this::settle)
                    .consume("end", StageOptions.DEFAULT, (_, _) -> {});
            Supervisor supervisor = pipeline.start(kernel.root());
            assertThat(pipeline.awaitDone(LIMIT)).isTrue();
            assertThat(good).hasSize(200);
            assertThat(lives.get()).isEqualTo(2);
            assertThat(closed.get()).isEqualTo(2);
            eventually("one restart", () -> restarts(supervisor) == 1);
        }
    }

    @Test
    void aPartOfABatchThatFailsIsRetriedAloneAndGivenUpAlone() throws Exception {
        List<List<Integer>> tries = new CopyOnWriteArrayList<>();
        try (Kernel kernel = Kernel.start()) {
            Pipeline pipeline = pipeline(kernel);
            pipeline.produce("source", StageOptions.DEFAULT, () -> upTo(new AtomicInteger(), 4), this::settle)
                    .batch("batch", 4, Duration.ofHours(1), _ -> "all")
                    .consume("end", StageOptions.DEFAULT.withAttempts(2, AT_ONCE), (batch, _) -> {
                        tries.add(batch);
                        Map<Integer, Throwable> failures = new ConcurrentHashMap<>();
                        for (int i = 0; i < batch.size(); i++) {
                            if (batch.get(i) == 3 || (batch.get(i) == 1 && tries.size() == 1)) {
                                failures.put(i, new IllegalArgumentException("not " + batch.get(i)));
                            }
                        }
                        throw new PartialFailureException(failures);
                    });
            pipeline.start(kernel.root());
            assertThat(pipeline.awaitDone(LIMIT)).isTrue();
        }
        assertThat(tries).containsExactly(List.of(0, 1, 2, 3), List.of(1, 3));
        assertThat(good).containsExactlyInAnyOrder(0, 1, 2);
        assertThat(bad).containsExactly(3);
        assertThat(dead).singleElement().satisfies(letter -> {
            assertThat(letter.message()).isEqualTo(3);
            assertThat(letter.attempts()).isEqualTo(2);
            assertThat(letter.cause()).hasMessage("not 3");
        });
    }

    @Test
    void demandIsAskedForAgainAtItsMinimum() throws Exception {
        List<Integer> demands = new CopyOnWriteArrayList<>();
        AtomicInteger next = new AtomicInteger();
        try (Kernel kernel = Kernel.start()) {
            Pipeline pipeline = pipeline(kernel);
            Producer<Integer> source = demand -> {
                demands.add(demand);
                return upTo(next, 500).produce(demand);
            };
            pipeline.produce("source", StageOptions.DEFAULT, () -> source, this::settle)
                    .consume("end", StageOptions.DEFAULT.withDemand(10, 50), (_, _) -> {});
            pipeline.start(kernel.root());
            assertThat(pipeline.awaitDone(LIMIT)).isTrue();
        }
        assertThat(demands).allMatch(each -> each >= 40 && each <= 50);
    }

    @Test
    void anInletHoldsUpThoseWhoPutAndADrainLetsThroughWhatItHolds() throws Exception {
        CountDownLatch hold = new CountDownLatch(1);
        List<Integer> seen = new CopyOnWriteArrayList<>();
        try (Kernel kernel = Kernel.start()) {
            Inlet<Integer> inlet = new Inlet<>(kernel, 3);
            Pipeline pipeline = pipeline(kernel);
            pipeline.produce("source", StageOptions.DEFAULT, () -> inlet, this::settle)
                    .consume("end", StageOptions.DEFAULT.withDemand(1), (n, _) -> {
                        hold.await();
                        seen.add(n);
                    });
            pipeline.start(kernel.root());
            inlet.put(0);
            eventually("it is taken", () -> inlet.size() == 0);
            for (int i = 1; i <= 3; i++) {
                assertThat(inlet.offer(i)).isTrue();
            }
            assertThat(inlet.offer(4)).isFalse();
            assertThat(inlet.offer(4, Duration.ofMillis(5))).isFalse();
            assertThat(inlet.refused()).isEqualTo(2);
            kernel.tasks(1)
                    .forEach(
                            List.of(1),
                            _ -> {
                                hold.countDown();
                                return 1;
                            },
                            _ -> {});
            assertThat(pipeline.drain(LIMIT)).isTrue();
            assertThat(inlet.offer(5)).isFalse();
            assertThatThrownBy(() -> inlet.put(5)).isInstanceOf(IllegalStateException.class);
        }
        assertThat(seen).containsExactly(0, 1, 2, 3);
        assertThat(good).containsExactly(0, 1, 2, 3);
    }

    @Test
    void aPipelineThatWasDrainedRunsAgainWhenItsSupervisorStartsItAgain() throws Exception {
        List<Integer> seen = new CopyOnWriteArrayList<>();
        try (Kernel kernel = Kernel.start()) {
            Inlet<Integer> inlet = new Inlet<>(kernel, 3);
            Pipeline pipeline = pipeline(kernel);
            pipeline.produce("source", StageOptions.DEFAULT, () -> inlet, this::settle)
                    .consume("end", StageOptions.DEFAULT, (n, _) -> seen.add(n));
            pipeline.start(kernel.root());
            inlet.put(1);
            kernel.root().stop("numbers");
            kernel.root().start(pipeline.spec(SupervisorOptions.DEFAULT));
            eventually("it is open", () -> inlet.offer(2));
            eventually("it runs", () -> seen.equals(List.of(1, 2)));
        }
        assertThat(good).containsExactly(1, 2);
    }

    @Test
    void ticksAndTheEndOfTheStreamReachAWorkersOwnProcessor() throws Exception {
        SimulatedClock clock = new SimulatedClock();
        List<Integer> sums = new CopyOnWriteArrayList<>();
        try (Kernel kernel = Kernel.start(clock, 1)) {
            Inlet<Integer> inlet = new Inlet<>(kernel, 10);
            Pipeline pipeline = pipeline(kernel);
            pipeline.produce("source", StageOptions.DEFAULT, () -> inlet, this::settle)
                    .<Integer>process("sum", StageOptions.DEFAULT.withTick(Duration.ofSeconds(1)), Sum::new)
                    .consume("end", StageOptions.DEFAULT, (n, _) -> sums.add(n));
            pipeline.start(kernel.root());
            inlet.put(1);
            inlet.put(2);
            eventually("both are summed", () -> good.size() == 2 && clock.pending() > 0);
            clock.advance(Duration.ofSeconds(1));
            eventually("the tick", () -> sums.equals(List.of(3)));
            inlet.put(4);
            inlet.end();
            assertThat(pipeline.awaitDone(LIMIT)).isTrue();
        }
        assertThat(sums).containsExactly(3, 7);
    }

    private static final class Sum implements Processor<Integer, Integer> {
        private int sum;

        @Override
        public void process(Integer message, Consumer<? super Integer> out) {
            sum += message;
        }

        @Override
        public void tick(Consumer<? super Integer> out) {
            out.accept(sum);
        }

        @Override
        public void end(Consumer<? super Integer> out) {
            out.accept(sum);
        }
    }

    @Test
    void aRouteChoosesTheStageAndMergedOutletsShareOne() throws Exception {
        List<Integer> odd = new CopyOnWriteArrayList<>();
        List<Integer> even = new CopyOnWriteArrayList<>();
        try (Kernel kernel = Kernel.start()) {
            Pipeline pipeline = pipeline(kernel);
            Pipeline.Outlet<Integer> all = pipeline.<Integer>produce(
                            "low", StageOptions.DEFAULT, () -> upTo(new AtomicInteger(), 10), this::settle)
                    .merge(pipeline.<Integer>produce(
                            "high", StageOptions.DEFAULT, () -> upTo(new AtomicInteger(10), 20), this::settle))
                    .dispatch(new Dispatcher.Route<>(n -> n == 7 ? "none" : n % 2 == 0 ? "even" : "odd"));
            all.consume("odd", StageOptions.DEFAULT, (n, _) -> odd.add(n));
            all.consume("even", StageOptions.DEFAULT.withConcurrency(2), (n, _) -> even.add(n));
            pipeline.start(kernel.root());
            assertThat(pipeline.awaitDone(LIMIT)).isTrue();
            assertThat(pipeline.edges()).extracting(Edge::from).containsOnly("low,high");
        }
        assertThat(odd).hasSize(9).allMatch(n -> n % 2 == 1);
        assertThat(even).hasSize(10).allMatch(n -> n % 2 == 0);
        assertThat(bad).containsExactly(7);
        assertThat(dead)
                .singleElement()
                .satisfies(letter -> assertThat(letter.cause()).hasMessageContaining("none"));
    }

    @Test
    void whatIsHandedOverIsAcknowledgedWhenItsTakerSaysSo() throws Exception {
        List<Completion> taken = new ArrayList<>();
        try (Kernel kernel = Kernel.start()) {
            Pipeline pipeline = pipeline(kernel);
            pipeline.produce("source", StageOptions.DEFAULT, () -> upTo(new AtomicInteger(), 3), this::settle)
                    .handOver("taker", StageOptions.DEFAULT, (_, done) -> {
                        synchronized (taken) {
                            taken.add(done);
                        }
                    });
            pipeline.start(kernel.root());
            eventually("all are taken", () -> {
                synchronized (taken) {
                    return taken.size() == 3;
                }
            });
            assertThat(good).isEmpty();
            assertThat(pipeline.awaitDone(Duration.ofMillis(5))).isFalse();
            taken.get(0).settle(null);
            taken.get(1).settle(new IllegalStateException("no"));
            taken.get(2).settle(null);
            taken.get(2).settle(null);
            assertThat(pipeline.awaitDone(LIMIT)).isTrue();
        }
        assertThat(good).containsExactly(0, 2);
        assertThat(bad).containsExactly(1);
    }

    @Test
    void aStageThatGivesToNobodyAndTwoStagesOfOneNameAreRefused() throws Exception {
        try (Kernel kernel = Kernel.start()) {
            Pipeline pipeline = pipeline(kernel);
            pipeline.produce("source", StageOptions.DEFAULT, () -> upTo(new AtomicInteger(), 3), this::settle);
            assertThatThrownBy(() -> pipeline.start(kernel.root())).hasMessageContaining("\"source\"");
            assertThatThrownBy(() -> pipeline.produce(
                            "source", StageOptions.DEFAULT, () -> upTo(new AtomicInteger(), 3), this::settle))
                    .hasMessageContaining("two stages named \"source\"");
        }
    }
}
