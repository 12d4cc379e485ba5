package dev.coppice.kernel.flow;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.Table;
import dev.coppice.kernel.TableOptions;
import dev.coppice.kernel.stage.Inlet;
import dev.coppice.kernel.stage.Pipeline;
import dev.coppice.kernel.stage.StageOptions;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

final class FlowTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private final Kernel kernel = Kernel.start();

    @AfterEach
    void close() {
        kernel.close();
    }

    private static List<Integer> upTo(int count) {
        return IntStream.range(0, count).boxed().toList();
    }

    @Test
    void mapFilterAndFlatMapGiveWhatALoopGives() throws Exception {
        List<Integer> expected = new ArrayList<>();
        upTo(50_000).stream().map(n -> n * 3).filter(n -> n % 2 == 0).forEach(n -> expected.addAll(List.of(n, -n)));
        List<Integer> result = Flow.of(upTo(50_000))
                .map(n -> n * 3)
                .filter(n -> n % 2 == 0)
                .flatMap(n -> List.of(n, -n))
                .toList()
                .run(kernel);
        Collections.sort(expected);
        assertThat(result.stream().sorted().toList()).isEqualTo(expected);
        assertThat(Flow.of(Set.of(1, 2, 3)).count().run(kernel)).isEqualTo(3);
        assertThat(Flow.of(List.<Integer>of()).toList().run(kernel)).isEmpty();
    }

    @Test
    void aPartitionReducesEqualKeysInOneWorker() throws Exception {
        List<Map<Integer, Integer>> parts = Flow.of(upTo(10_000))
                .stages(3)
                .partition(n -> n % 17)
                .reduce(HashMap<Integer, Integer>::new, (map, n) -> {
                    map.merge(n % 17, 1, Integer::sum);
                    return map;
                })
                .<Map<Integer, Integer>>map(map -> map)
                .toList()
                .run(kernel);
        Map<Integer, Integer> all = new HashMap<>();
        parts.forEach(part ->
                part.forEach((key, count) -> assertThat(all.put(key, count)).isNull()));
        assertThat(all).hasSize(17);
        assertThat(all.values().stream().mapToInt(Integer::intValue).sum()).isEqualTo(10_000);
    }

    @Test
    void keysAreCountedAndGrouped() throws Exception {
        Map<Integer, Long> counts = Flow.of(upTo(200_000))
                .countBy(n -> n % 100_000)
                .toMap(Map.Entry::getKey, Map.Entry::getValue)
                .run(kernel);
        assertThat(counts).hasSize(100_000);
        assertThat(counts.values()).allMatch(n -> n == 2);
        Map<Boolean, List<Integer>> groups = Flow.of(upTo(10))
                .groupBy(n -> n % 2 == 0)
                .toMap(Map.Entry::getKey, Map.Entry::getValue)
                .run(kernel);
        assertThat(groups.get(true)).containsExactlyInAnyOrder(0, 2, 4, 6, 8);
    }

    @Test
    void linesOfLargeFilesAreSplitAtTheirEnds(@TempDir Path folder) throws Exception {
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        List<String> lines = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        int number = 0;
        while (text.length() < 5 * LineSource.RANGE_BYTES) {
            int length = random.nextInt(50) == 0 ? random.nextInt(400_000) : random.nextInt(200);
            String line = number++ + " é " + "x".repeat(length);
            lines.add(line);
            text.append(line).append(random.nextBoolean() ? "\n" : "\r\n");
        }
        lines.add("the last, without an end");
        text.append("the last, without an end");
        Path file = Files.writeString(folder.resolve("large"), text);
        Path exact =
                Files.writeString(folder.resolve("exact"), ("y".repeat(LineSource.RANGE_BYTES - 1) + "\n").repeat(2));
        Collections.sort(lines);
        assertThat(Flow.lines(file).stages(3).toList().run(kernel).stream()
                        .sorted()
                        .toList())
                .as("seed " + seed)
                .isEqualTo(lines);
        assertThat(Flow.lines(exact).map(String::length).toList().run(kernel))
                .containsExactly(LineSource.RANGE_BYTES - 1, LineSource.RANGE_BYTES - 1);
        assertThat(Flow.lines(List.of(file), StandardCharsets.UTF_16)
                        .count()
                        .start(kernel)
                        .name())
                .startsWith("flow-");
        assertThat(Flow.lines(folder.resolve("empty")).count())
                .satisfies(job -> assertThatThrownBy(() -> job.run(kernel)).hasMessageContaining("empty"));
    }

    @Test
    void theFirstFailureReachesTheCallerWithItsCauseAndEndsAllThreads() throws Exception {
        assertThatThrownBy(() -> Flow.of(upTo(1_000_000))
                        .named("failing")
                        .map(n -> 10 / (n - 5_000))
                        .partition(n -> n)
                        .toList()
                        .run(kernel))
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(ArithmeticException.class);
        assertThatThrownBy(() -> Flow.of(upTo(10))
                        .each(_ -> {
                            throw new StackOverflowError("deep");
                        })
                        .count()
                        .run(kernel))
                .hasRootCauseInstanceOf(StackOverflowError.class);
        noFlowIsLeft();
    }

    private void noFlowIsLeft() {
        Supervisor flows = kernel.root().child("flows").orElseThrow().supervisor();
        eventually("the flows are gone", () -> flows.children().isEmpty());
        assertThat(Pipeline.running(kernel)).isEmpty();
    }

    @Test
    void aCancelledFlowEndsItsThreadsThoughItsSourceIsEndless() throws Exception {
        AtomicInteger next = new AtomicInteger();
        Iterable<Integer> endless = () -> new Iterator<>() {
            @Override
            public boolean hasNext() {
                return true;
            }

            @Override
            public Integer next() {
                return next.incrementAndGet();
            }
        };
        FlowRun<Long> run = Flow.of(endless).partition(n -> n).count().start(kernel);
        eventually("it runs", () -> next.get() > 10_000);
        assertThat(run.edges()).isNotEmpty().allMatch(edge -> edge.pipeline().equals(run.name()));
        run.cancel();
        int last = next.get();
        assertThat(run.isDone()).isTrue();
        noFlowIsLeft();
        assertThat(next.get()).isEqualTo(last);
    }

    @Test
    @DisplayName("flows that keep all processors busy let others run")
    @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void givesWay() throws Exception {
        AtomicInteger next = new AtomicInteger();
        List<FlowRun<Long>> busy = new ArrayList<>();
        for (int i = 0; i < 2 * Runtime.getRuntime().availableProcessors(); i++) {
            busy.add(Flow.<Integer>produced(() -> demand -> Collections.nCopies(demand, next.addAndGet(demand)))
                    .partition(n -> n)
                    .count()
                    .start(kernel));
        }
        for (int i = 0; i < 20; i++) {
            int seen = next.get();
            eventually("they run", () -> next.get() > seen + 10_000);
            kernel.root().start(ChildSpec.process("other" + i, () -> (self, message) -> {}));
        }
        busy.forEach(FlowRun::cancel);
        noFlowIsLeft();
    }

    @Test
    void nothingIsReadFasterThanItIsDealtWith() throws Exception {
        AtomicInteger next = new AtomicInteger();
        CountDownLatch hold = new CountDownLatch(1);
        FlowRun<Long> run = Flow.<Integer>produced(() -> demand -> {
                    assertThat(demand).isEqualTo(Source.CHUNK);
                    int from = next.getAndAdd(demand);
                    return from < 200_000
                            ? IntStream.range(from, from + demand).boxed().toList()
                            : List.of();
                })
                .stages(2)
                .forEach(_ -> hold.await())
                .start(kernel);
        eventually("all is full", () -> run.edges().stream().anyMatch(edge -> edge.queued() > 0));
        assertThat(next.get()).isLessThan(30 * Source.CHUNK);
        hold.countDown();
        assertThat(run.await()).isEqualTo(200_000);
    }

    @Test
    void aWorkerThatIsKilledFailsTheFlow() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        FlowRun<Long> run = Flow.of(upTo(10))
                .stages(1)
                .each(_ -> {
                    begun.countDown();
                    new CountDownLatch(1).await();
                })
                .count()
                .start(kernel);
        assertThat(begun.await(20, TimeUnit.SECONDS)).isTrue();
        kernel.find("/flows/" + run.name() + "/steps-1-0").orElseThrow().kill();
        assertThatThrownBy(run::await).isInstanceOf(ExecutionException.class);
        noFlowIsLeft();
    }

    @Test
    void windowsCloseByCountAndByTriggerAndAtTheEnd() throws Exception {
        List<Pane<List<Integer>>> panes =
                Flow.of(upTo(10)).window(Window.count(4)).toLists().toList().run(kernel);
        assertThat(panes).extracting(Pane::items).containsExactly(4L, 4L, 2L);
        assertThat(panes).extracting(Pane::cause).containsExactly(Pane.Cause.CLOSED, Pane.Cause.CLOSED, Pane.Cause.END);
        List<Pane<Long>> sums = Flow.of(upTo(10))
                .window(Window.<Integer>all().triggerEvery(5))
                .reduce(() -> 0L, (sum, n) -> sum + n)
                .toList()
                .run(kernel);
        assertThat(sums).extracting(Pane::cause).containsOnly(Pane.Cause.TRIGGER);
        assertThat(sums.stream().mapToLong(Pane::value).sum()).isEqualTo(45);
        assertThat(sums).hasSize(2);
    }

    @Test
    void windowsOfEventTimeHoldWhatBelongsToThemWhateverOrderTheWorkersTake() throws Exception {
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        List<Long> late = new CopyOnWriteArrayList<>();
        List<Long> times = LongStream.range(0, 100_000).boxed().collect(Collectors.toCollection(ArrayList::new));
        // Out of order by up to 64 places.
        for (int i = 0; i + 64 < times.size(); i += 64) {
            Collections.shuffle(times.subList(i, i + 64), new Random(random.nextLong()));
        }
        Map<Long, Long> counts = new TreeMap<>();
        Flow.of(times)
                .stages(4)
                .partition(n -> n % 7)
                .window(Window.<Long>fixed(Duration.ofSeconds(1), n -> n)
                        .allowedLateness(Duration.ofMillis(64), late::add))
                .reduce(() -> 0L, (count, _) -> count + 1)
                .forEach(pane -> counts.merge(pane.window(), pane.items(), Long::sum))
                .run(kernel);
        assertThat(late).as("seed " + seed).isEmpty();
        assertThat(counts).as("seed " + seed).hasSize(100);
        assertThat(counts.values()).as("seed " + seed).allMatch(n -> n == 1_000);
    }

    private static List<Long> times(int count) {
        return LongStream.range(0, count).boxed().toList();
    }

    private static Flow<Pane<Long>> counted(Flow<Long> times, int partitions, long millis) {
        return times.partition(n -> n % partitions)
                .window(Window.<Long>fixed(Duration.ofMillis(millis), n -> n))
                .reduce(() -> 0L, (count, _) -> count + 1);
    }

    private static Window<Pane<Long>> seconds(List<Pane<Long>> late) {
        return Window.<Pane<Long>>fixed(Duration.ofSeconds(1), Pane::window).allowedLateness(Duration.ZERO, late::add);
    }

    private void countsSeconds(Flow<Pane<Long>> sums, List<Pane<Long>> late, int seconds, long each) throws Exception {
        Map<Long, Long> counts = new TreeMap<>();
        List<Pane.Cause> causes = new ArrayList<>();
        sums.forEach(pane -> {
                    counts.merge(pane.window(), pane.value(), Long::sum);
                    causes.add(pane.cause());
                })
                .run(kernel);
        assertThat(late).isEmpty();
        assertThat(counts).hasSize(seconds);
        assertThat(counts.values()).allMatch(n -> n == each);
        assertThat(causes).as("windows close as time passes").contains(Pane.Cause.CLOSED);
    }

    @Test
    void windowsOfWindowsHoldAllThatBelongsToThem() throws Exception {
        List<Pane<Long>> late = new CopyOnWriteArrayList<>();
        Flow<Pane<Long>> seconds = counted(Flow.of(times(100_000)).stages(4), 7, 10)
                .partition(pane -> pane.window() / 10 % 5)
                .window(seconds(late))
                .reduce(() -> 0L, (sum, pane) -> sum + pane.value());
        countsSeconds(seconds, late, 100, 1_000);
    }

    @Test
    void windowsOfWindowsInTheSameWorkersHoldAllThatBelongsToThem() throws Exception {
        List<Pane<Long>> late = new CopyOnWriteArrayList<>();
        Flow<Pane<Long>> seconds = counted(Flow.of(times(100_000)).stages(4), 7, 10)
                .window(seconds(late))
                .reduce(() -> 0L, (sum, pane) -> sum + pane.value());
        countsSeconds(seconds, late, 100, 1_000);
    }

    @Test
    void windowsAfterAMergeOfWindowsAndItemsWaitForBoth() throws Exception {
        List<Pane<Long>> late = new CopyOnWriteArrayList<>();
        Flow<Pane<Long>> single = Flow.of(times(100_000)).map(n -> new Pane<>(0, n, 1, 1L, Pane.Cause.CLOSED));
        Flow<Pane<Long>> seconds = counted(Flow.of(times(100_000)).stages(3), 3, 100)
                .merge(single)
                .filter(pane -> pane.value() > 0)
                .partition(pane -> pane.window() % 3)
                .window(seconds(late))
                .reduce(() -> 0L, (sum, pane) -> sum + pane.value());
        countsSeconds(seconds, late, 100, 2_000);
    }

    @Test
    void windowsOfWindowsCloseWhileTheSourceGoesOnThoughOnePartitionHasNothing() throws Exception {
        Inlet<Long> inlet = new Inlet<>(kernel, 10);
        List<Pane<Long>> panes = new CopyOnWriteArrayList<>();
        FlowRun<Long> run = counted(Flow.<Long>produced(() -> inlet).stages(2), 2, 10)
                .partition(Pane::window)
                .window(Window.<Pane<Long>>fixed(Duration.ofMillis(20), Pane::window))
                .reduce(() -> 0L, (sum, pane) -> sum + pane.value())
                .forEach(panes::add)
                .start(kernel);
        inlet.put(5L);
        inlet.put(15L);
        inlet.put(105L);
        eventually(
                "the first windows close",
                () -> panes.stream().mapToLong(Pane::value).sum() == 2);
        inlet.end();
        run.await();
        assertThat(panes).extracting(Pane::window).containsOnly(0L, 100L);
        assertThat(panes.stream().mapToLong(Pane::value).sum()).isEqualTo(3);
    }

    @Test
    void windowsBehindAJoinStayOpenToTheEndAsAPairMayBeOfAnyTime() throws Exception {
        List<Long> late = new CopyOnWriteArrayList<>();
        Map<Long, Long> counts = new TreeMap<>();
        List<Pane.Cause> causes = new ArrayList<>();
        Flow.of(times(5_000))
                .join(Flow.of(times(5_000).reversed()), n -> n, n -> n, (left, _) -> left)
                .partition(n -> n % 5)
                .window(Window.<Long>fixed(Duration.ofSeconds(1), n -> n).allowedLateness(Duration.ZERO, late::add))
                .reduce(() -> 0L, (count, _) -> count + 1)
                .forEach(pane -> {
                    counts.merge(pane.window(), pane.value(), Long::sum);
                    causes.add(pane.cause());
                })
                .run(kernel);
        assertThat(late).isEmpty();
        assertThat(counts.values()).containsOnly(1_000L).hasSize(5);
        assertThat(causes).containsOnly(Pane.Cause.END);
    }

    @Test
    void slidingWindowsOverlapAndALateItemGoesToWhereItIsSaid() throws Exception {
        List<Long> late = new CopyOnWriteArrayList<>();
        Inlet<Long> inlet = new Inlet<>(kernel, 10);
        List<Pane<List<Long>>> panes = new CopyOnWriteArrayList<>();
        FlowRun<Long> run = Flow.<Long>produced(() -> inlet)
                .stages(1)
                .window(Window.<Long>sliding(Duration.ofMillis(20), Duration.ofMillis(10), n -> n)
                        .allowedLateness(Duration.ZERO, late::add))
                .toLists()
                .forEach(panes::add)
                .start(kernel);
        inlet.put(15L);
        inlet.put(45L);
        eventually("the first windows close", () -> panes.size() == 2);
        inlet.put(3L);
        inlet.end();
        run.await();
        assertThat(late).containsExactly(3L);
        assertThat(panes).extracting(Pane::window).containsExactlyInAnyOrder(0L, 10L, 30L, 40L);
    }

    @Test
    void windowsByTimeCloseOnTheKernelsClock() throws Exception {
        SimulatedClock clock = new SimulatedClock();
        try (Kernel simulated = Kernel.start(clock, 1)) {
            Inlet<Integer> inlet = new Inlet<>(simulated, 10);
            List<Pane<List<Integer>>> panes = new CopyOnWriteArrayList<>();
            FlowRun<Long> run = Flow.<Integer>produced(() -> inlet)
                    .stages(1)
                    .window(Window.periodic(Duration.ofSeconds(1)))
                    .toLists()
                    .forEach(panes::add)
                    .start(simulated);
            inlet.put(1);
            eventually(
                    "it arrives",
                    () -> run.edges().getLast().messages() >= 0
                            && run.edges().get(1).messages() > 0);
            eventually("it is dealt with", () -> run.edges().get(1).held() == 0 && clock.pending() > 0);
            clock.advance(Duration.ofSeconds(1));
            eventually("the window closes", () -> panes.size() == 1 || advanced(clock));
            inlet.put(2);
            inlet.end();
            run.await();
            assertThat(panes).extracting(Pane::value).containsExactly(List.of(1), List.of(2));
        }
    }

    private static boolean advanced(SimulatedClock clock) {
        clock.advance(Duration.ofMillis(100));
        return false;
    }

    @Test
    void joinsPairEqualKeysAndMergesHoldBoth() throws Exception {
        List<String> pairs = Flow.of(List.of("a1", "b1", "c1"))
                .join(Flow.of(List.of("a2", "b2", "a3")), s -> s.charAt(0), s -> s.charAt(0), (l, r) -> l + r)
                .toList()
                .run(kernel);
        assertThat(pairs).containsExactlyInAnyOrder("a1a2", "a1a3", "b1b2");
        assertThat(Flow.of(List.of(1, 2)).merge(Flow.of(List.of(3))).toList().run(kernel))
                .containsExactlyInAnyOrder(1, 2, 3);
    }

    @Test
    void aFlowGoesIntoATableAndIntoAPipeline() throws Exception {
        Table<String, Integer> table = Table.hashed(kernel, "squares", TableOptions.DEFAULT);
        Flow.of(upTo(100)).into(table, n -> "n" + n, n -> n * n).run(kernel);
        assertThat(table.size()).isEqualTo(100);
        assertThat(table.get("n9")).contains(81);

        Inlet<Integer> inlet = new Inlet<>(kernel, 5);
        Pipeline pipeline = new Pipeline(kernel, "sink", LIMIT, _ -> {});
        Set<Integer> seen = ConcurrentHashMap.newKeySet();
        pipeline.produce("source", StageOptions.DEFAULT, () -> inlet, (_, _) -> {})
                .consume("end", StageOptions.DEFAULT, (n, _) -> seen.add(n));
        pipeline.start(kernel.root());
        Flow.of(upTo(1_000)).into(inlet).run(kernel);
        inlet.end();
        assertThat(pipeline.awaitDone(LIMIT)).isTrue();
        assertThat(seen).hasSize(1_000);
    }

    @Test
    void messagesOfAPipelineAreAcknowledgedOnceTheFlowHasDealtWithThem() throws Exception {
        Set<Integer> good = ConcurrentHashMap.newKeySet();
        AtomicInteger next = new AtomicInteger();
        Pipeline pipeline = new Pipeline(kernel, "numbers", LIMIT, _ -> {});
        Pipeline.Outlet<Integer> outlet = pipeline.produce(
                "source",
                StageOptions.DEFAULT,
                () -> demand -> {
                    int from = next.getAndAdd(demand);
                    return from < 5_000
                            ? IntStream.range(from, from + demand).boxed().toList()
                            : List.of();
                },
                (message, failure) -> {
                    if (failure == null) {
                        good.add(message);
                    }
                });
        FlowJob<Long> job =
                Flow.<Integer>messages(outlet, "flow").partition(n -> n).count();
        pipeline.start(kernel.root());
        long count = job.run(kernel);
        assertThat(pipeline.awaitDone(LIMIT)).isTrue();
        assertThat(good).hasSize((int) count);
    }

    @Test
    void messagesOfAPipelineFailWithTheFlow() throws Exception {
        List<Integer> bad = new CopyOnWriteArrayList<>();
        Inlet<Integer> inlet = new Inlet<>(kernel, 10);
        Pipeline pipeline = new Pipeline(kernel, "numbers", LIMIT, _ -> {});
        Pipeline.Outlet<Integer> outlet =
                pipeline.produce("source", StageOptions.DEFAULT, () -> inlet, (message, failure) -> {
                    if (failure != null) {
                        bad.add(message);
                    }
                });
        FlowJob<Long> job =
                Flow.<Integer>messages(outlet, "flow").map(n -> 1 / n).count();
        pipeline.start(kernel.root());
        inlet.put(0);
        assertThatThrownBy(() -> job.run(kernel)).hasRootCauseInstanceOf(ArithmeticException.class);
        inlet.put(7);
        inlet.end();
        assertThat(pipeline.awaitDone(LIMIT)).isTrue();
        assertThat(bad).containsExactlyInAnyOrder(0, 7);
    }

    @Test
    void randomFlowsGiveWhatStreamsGive() throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 30; round++) {
            int[] numbers = random.ints(random.nextInt(5_000), 0, 500).toArray();
            int stages = 1 + random.nextInt(4);
            int modulus = 1 + random.nextInt(50);
            Map<Integer, Long> expected = Arrays.stream(numbers)
                    .boxed()
                    .filter(n -> n % 3 != 0)
                    .collect(Collectors.groupingBy(n -> n % modulus, Collectors.counting()));
            Map<Integer, Long> counted = Flow.of(Arrays.stream(numbers).boxed().toList())
                    .stages(stages)
                    .partition(n -> n)
                    .stages(1 + random.nextInt(3))
                    .filter(n -> n % 3 != 0)
                    .countBy(n -> n % modulus)
                    .toMap(Map.Entry::getKey, Map.Entry::getValue)
                    .run(kernel);
            assertThat(counted).as("seed " + seed).isEqualTo(expected);
        }
    }
}
