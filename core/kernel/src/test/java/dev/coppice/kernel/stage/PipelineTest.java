package dev.coppice.kernel.stage;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.Backoff;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import dev.coppice.kernel.Supervisor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class PipelineTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private final List<DeadLetter> dead = new CopyOnWriteArrayList<>();
    private final Map<Integer, Integer> settled = new ConcurrentHashMap<>();
    private final List<Integer> lost = new CopyOnWriteArrayList<>();

    private Pipeline pipeline(Kernel kernel) {
        return new Pipeline(kernel, "numbers", LIMIT, dead::add);
    }

    private void settle(int message, Throwable failure) {
        settled.merge(message, 1, Integer::sum);
        if (failure != null) {
            lost.add(message);
        }
    }

    /** Gives 0 to count - 1 over all its lives. */
    private static Producer<Integer> upTo(AtomicInteger next, int count) {
        return demand -> {
            int from = next.getAndUpdate(at -> Math.min(count, at + demand));
            return IntStream.range(from, Math.min(count, from + demand)).boxed().toList();
        };
    }

    @Test
    void nothingIsLostNothingComesTwiceAndPartitionsKeepTheirOrder() throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 20; round++) {
            settled.clear();
            int count = random.nextInt(2_000);
            int keys = 1 + random.nextInt(10);
            int demand = 1 + random.nextInt(30);
            int workers = 1 + random.nextInt(4);
            Map<Integer, List<Integer>> seen = new ConcurrentHashMap<>();
            AtomicInteger next = new AtomicInteger();
            try (Kernel kernel = Kernel.start()) {
                Pipeline pipeline = pipeline(kernel);
                Pipeline.Outlet<Integer> numbers = pipeline.produce(
                        "source", StageOptions.DEFAULT.withDemand(demand), () -> upTo(next, count), this::settle);
                numbers.dispatch(new Dispatcher.Partition<>(n -> n % keys))
                        .<Integer>process(
                                "double",
                                StageOptions.DEFAULT.withConcurrency(workers).withDemand(demand),
                                (n, out) -> {
                                    out.accept(n);
                                    out.accept(n);
                                })
                        .dispatch(new Dispatcher.Partition<>(n -> n % keys))
                        .consume(
                                "collect",
                                StageOptions.DEFAULT.withConcurrency(workers).withDemand(demand),
                                (n, _) -> seen.computeIfAbsent(
                                                n % keys, _ -> Collections.synchronizedList(new ArrayList<>()))
                                        .add(n));
                pipeline.start(kernel.root());
                assertThat(pipeline.awaitDone(LIMIT)).as("seed " + seed).isTrue();
            }
            List<Integer> all = new ArrayList<>();
            seen.values().forEach(part -> {
                assertThat(part).as("seed " + seed).isSorted();
                all.addAll(part);
            });
            assertThat(all).as("seed " + seed).hasSize(2 * count);
            Map<Integer, Integer> times = new HashMap<>();
            all.forEach(n -> times.merge(n, 1, Integer::sum));
            assertThat(times.values()).as("seed " + seed).allMatch(n -> n == 2);
            assertThat(settled).as("seed " + seed).hasSize(count);
            assertThat(settled.values()).as("seed " + seed).allMatch(n -> n == 1);
        }
    }

    @Test
    void demandIsNeverExceededAndADrainLeavesNothing() throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 20; round++) {
            settled.clear();
            int demand = 1 + random.nextInt(20);
            int workers = 1 + random.nextInt(3);
            int stopAt = random.nextInt(500);
            AtomicInteger next = new AtomicInteger();
            AtomicInteger most = new AtomicInteger();
            AtomicInteger consumed = new AtomicInteger();
            CountDownLatch enough = new CountDownLatch(stopAt);
            try (Kernel kernel = Kernel.start()) {
                Pipeline pipeline = pipeline(kernel);
                Producer<Integer> endless = asked -> {
                    List<Integer> given = upTo(next, Integer.MAX_VALUE).produce(asked);
                    most.accumulateAndGet(next.get() - consumed.get(), Math::max);
                    return given;
                };
                pipeline.produce("source", StageOptions.DEFAULT, () -> endless, this::settle)
                        .consume(
                                "count",
                                StageOptions.DEFAULT.withConcurrency(workers).withDemand(demand),
                                (_, _) -> {
                                    consumed.incrementAndGet();
                                    enough.countDown();
                                });
                pipeline.start(kernel.root());
                assertThat(enough.await(20, TimeUnit.SECONDS)).isTrue();
            }
            assertThat(most.get()).as("seed " + seed).isLessThanOrEqualTo(demand * workers);
            assertThat(consumed.get()).as("seed " + seed).isEqualTo(next.get());
            assertThat(settled).as("seed " + seed).hasSize(next.get());
        }
    }

    @Test
    void aDeadWorkerLeavesItsMessagesToItsNextLifeAndNobodyElseRestarts() throws Exception {
        AtomicInteger next = new AtomicInteger();
        AtomicInteger tries = new AtomicInteger();
        try (Kernel kernel = Kernel.start()) {
            Pipeline pipeline = pipeline(kernel);
            pipeline.produce("source", StageOptions.DEFAULT, () -> upTo(next, 1_000), this::settle)
                    .<Integer>process("work", StageOptions.DEFAULT.withConcurrency(2), (n, out) -> {
                        if (n == 500 && tries.incrementAndGet() == 1) {
                            throw new StackOverflowError("an error ends the worker");
                        }
                        out.accept(n);
                    })
                    .consume("end", StageOptions.DEFAULT, (_, _) -> {});
            Supervisor supervisor = pipeline.start(kernel.root());
            assertThat(pipeline.awaitDone(LIMIT)).isTrue();
            assertThat(settled)
                    .hasSize(1_000)
                    .allSatisfy((_, times) -> assertThat(times).isEqualTo(1));
            assertThat(lost).isEmpty();
            assertThat(tries.get()).isEqualTo(2);
            // Counted once the new life runs, which may have done its work by then.
            eventually(
                    "one restart",
                    () -> supervisor.children().stream()
                                    .mapToLong(Supervisor.Child::restarts)
                                    .sum()
                            == 1);
        }
    }

    @Test
    void aFailingMessageIsRetriedThenGivenUp() throws Exception {
        AtomicInteger next = new AtomicInteger();
        AtomicInteger tries = new AtomicInteger();
        StageOptions three = StageOptions.DEFAULT.withAttempts(3, new Backoff(Duration.ZERO, Duration.ZERO, 1, 0));
        try (Kernel kernel = Kernel.start()) {
            Pipeline pipeline = pipeline(kernel);
            pipeline.produce("source", StageOptions.DEFAULT, () -> upTo(next, 3), this::settle)
                    .consume("end", three, (n, _) -> {
                        if (n == 1) {
                            tries.incrementAndGet();
                            throw new IllegalStateException("no");
                        }
                    });
            pipeline.start(kernel.root());
            assertThat(pipeline.awaitDone(LIMIT)).isTrue();
        }
        assertThat(tries.get()).isEqualTo(3);
        assertThat(settled).hasSize(3);
        assertThat(lost).containsExactly(1);
        assertThat(dead)
                .singleElement()
                .satisfies(letter -> assertThat(letter.message()).isEqualTo(1));
    }

    @Test
    void batchesCloseBySizeTimeAndKeyAndABroadcastReachesAll() throws Exception {
        SimulatedClock clock = new SimulatedClock();
        AtomicInteger next = new AtomicInteger();
        List<List<Integer>> batches = new CopyOnWriteArrayList<>();
        List<Integer> copies = new CopyOnWriteArrayList<>();
        CountDownLatch full = new CountDownLatch(2);
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch timed = new CountDownLatch(4);
        try (Kernel kernel = Kernel.start(clock, 1)) {
            Pipeline pipeline = pipeline(kernel);
            Producer<Integer> source = demand -> {
                List<Integer> given = upTo(next, 8).produce(demand);
                if (given.isEmpty()) {
                    hold.await();
                }
                return given;
            };
            Pipeline.Outlet<Integer> all = pipeline.produce("source", StageOptions.DEFAULT, () -> source, this::settle)
                    .dispatch(new Dispatcher.Broadcast<>());
            all.consume("copy", StageOptions.DEFAULT, (n, _) -> copies.add(n));
            all.batch("batch", 3, Duration.ofSeconds(1), n -> n % 2)
                    .consume("end", StageOptions.DEFAULT, (batch, _) -> {
                        batches.add(batch);
                        full.countDown();
                        timed.countDown();
                    });
            pipeline.start(kernel.root());
            assertThat(full.await(20, TimeUnit.SECONDS)).isTrue();
            assertThat(clock.awaitPending(1, LIMIT)).isTrue();
            long deadline = System.nanoTime() + LIMIT.toNanos();
            while (timed.getCount() > 0 && System.nanoTime() < deadline) {
                clock.advance(Duration.ofSeconds(1));
                Thread.yield();
            }
            hold.countDown();
            assertThat(pipeline.awaitDone(LIMIT)).isTrue();
        }
        assertThat(batches).containsExactlyInAnyOrder(List.of(0, 2, 4), List.of(1, 3, 5), List.of(6), List.of(7));
        assertThat(copies).containsExactly(0, 1, 2, 3, 4, 5, 6, 7);
        assertThat(settled).hasSize(8);
    }
}
