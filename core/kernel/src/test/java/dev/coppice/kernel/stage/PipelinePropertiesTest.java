package dev.coppice.kernel.stage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.Backoff;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Random shapes of pipelines with random failures and kills, on the simulated clock. */
final class PipelinePropertiesTest {
    private static final int ROUNDS = 60;
    private static final long LIMIT_NANOS = 30_000_000_000L;

    /** A message, and what became of it in each stage where messages end. */
    private record Item(int number) {}

    private final Map<Integer, Throwable> settled = new ConcurrentHashMap<>();
    private final Map<Integer, AtomicInteger> times = new ConcurrentHashMap<>();
    private final Set<String> reached = ConcurrentHashMap.newKeySet();
    private final Set<String> buried = ConcurrentHashMap.newKeySet();
    private final Throwable fine = new Throwable("fine");

    @Test
    void everyProducedMessageIsAcknowledgedOrDeadLetteredAtLeastOnce() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < ROUNDS; round++) {
            settled.clear();
            times.clear();
            reached.clear();
            buried.clear();
            run(random.split(), "seed " + seed + " round " + round);
        }
    }

    private void run(SplittableRandom random, String where) throws Exception {
        int count = 1 + random.nextInt(400);
        AtomicInteger next = new AtomicInteger();
        SimulatedClock clock = new SimulatedClock();
        Kernel kernel = Kernel.start(clock, random.nextLong());
        try (kernel) {
            Pipeline pipeline = new Pipeline(kernel, "random", Duration.ofSeconds(5), letter -> bury(letter));
            AtomicInteger crashes = new AtomicInteger(random.nextInt(3));
            Pipeline.Outlet<Item> outlet = pipeline.produce(
                    "source", options(random), () -> demand -> produce(next, count, demand, crashes), (item, why) -> {
                        times.computeIfAbsent(item.number(), _ -> new AtomicInteger())
                                .incrementAndGet();
                        settled.put(item.number(), why == null ? fine : why);
                    });
            List<String> ends = grow(pipeline, outlet, random, 0, "s");
            Supervisor supervisor = kernel.root()
                    .start(pipeline.spec(SupervisorOptions.DEFAULT.withIntensity(10_000, Duration.ofSeconds(1))))
                    .supervisor();
            int kills = random.nextInt(6);
            long deadline = System.nanoTime() + LIMIT_NANOS;
            while (!pipeline.done().isDone()) {
                assertThat(System.nanoTime() < deadline)
                        .as(where + " " + pipeline.edges())
                        .isTrue();
                if (kills > 0 && random.nextInt(4) == 0) {
                    List<Supervisor.Child> workers = supervisor.children().stream()
                            .filter(child -> child.spec().sort().equals("task"))
                            .toList();
                    workers.get(random.nextInt(workers.size())).kill();
                    kills--;
                }
                clock.advance(Duration.ofMillis(random.nextInt(200)));
                LockSupport.parkNanos(100_000);
            }
            verify(count, ends, where);
        }
    }

    private void verify(int count, List<String> ends, String where) {
        assertThat(settled.keySet()).as(where).hasSize(count);
        assertThat(times.values()).as(where).allMatch(n -> n.get() == 1);
        settled.forEach((number, why) -> {
            if (why == fine) {
                for (String end : ends) {
                    assertThat(reached).as(where).contains(end + " " + number);
                }
            } else {
                assertThat(buried).as(where).contains("" + number);
            }
        });
    }

    private void bury(DeadLetter letter) {
        if (letter.message() instanceof Item item) {
            buried.add("" + item.number());
        } else if (letter.message() instanceof List<?> list) {
            list.forEach(each -> buried.add("" + (each instanceof Item item ? item.number() : -1)));
        }
    }

    private static List<Item> produce(AtomicInteger next, int count, int demand, AtomicInteger crashes) {
        if (next.get() > count / 2 && crashes.getAndDecrement() > 0) {
            throw new IllegalStateException("the source is away");
        }
        int most = Math.min(demand, 7);
        int from = next.getAndUpdate(at -> Math.min(count, at + most));
        return IntStream.range(from, Math.min(count, from + most))
                .mapToObj(Item::new)
                .toList();
    }

    private static StageOptions options(SplittableRandom random) {
        int demand = 1 + random.nextInt(20);
        StageOptions options = StageOptions.DEFAULT
                .withConcurrency(1 + random.nextInt(3))
                .withDemand(random.nextInt(demand), demand)
                .withAttempts(1 + random.nextInt(2), new Backoff(Duration.ofMillis(10), Duration.ofMillis(50), 2, 0.5));
        return random.nextInt(4) == 0 ? options.withRate(1 + random.nextInt(100), Duration.ofMillis(100)) : options;
    }

    /** Adds random stages behind an outlet; gives the names of those where every good message has to arrive. */
    private List<String> grow(
            Pipeline pipeline, Pipeline.Outlet<Item> outlet, SplittableRandom random, int depth, String name) {
        List<String> ends = new ArrayList<>();
        int branches = 1;
        switch (random.nextInt(3)) {
            case 0 -> {
                outlet.dispatch(new Dispatcher.Broadcast<>());
                branches = 1 + random.nextInt(2);
            }
            case 1 -> outlet.dispatch(new Dispatcher.Partition<>(item -> item.number() % 5));
            default -> outlet.dispatch(new Dispatcher.Demand<>());
        }
        for (int i = 0; i < branches; i++) {
            String own = name + i;
            Fault fault = new Fault(random.split());
            switch (depth < 2 ? random.nextInt(3) : 2) {
                case 0 ->
                    ends.addAll(grow(
                            pipeline,
                            outlet.<Item>process(own, options(random), (item, out) -> {
                                fault.perhaps(item);
                                out.accept(item);
                            }),
                            random,
                            depth + 1,
                            own));
                case 1 -> {
                    outlet.batch(
                                    own,
                                    options(random),
                                    1 + random.nextInt(6),
                                    Duration.ofMillis(50),
                                    item -> item.number() % 3)
                            .consume(own + "end", options(random), (batch, _) -> {
                                Map<Integer, Throwable> failures = new HashMap<>();
                                for (int at = 0; at < batch.size(); at++) {
                                    try {
                                        fault.perhaps(batch.get(at));
                                        reached.add(own + "end " + batch.get(at).number());
                                    } catch (IllegalStateException e) {
                                        failures.put(at, e);
                                    }
                                }
                                if (!failures.isEmpty()) {
                                    throw new PartialFailureException(failures);
                                }
                            });
                    ends.add(own + "end");
                }
                default -> {
                    outlet.consume(own, options(random), (item, _) -> {
                        fault.perhaps(item);
                        reached.add(own + " " + item.number());
                    });
                    ends.add(own);
                }
            }
        }
        return ends;
    }

    /** Fails now and then, sometimes for ever for one message, sometimes with an error that ends the worker. */
    private static final class Fault {
        private final SplittableRandom random;
        private final boolean isFaulty;
        private final int poison;

        Fault(SplittableRandom random) {
            this.random = random;
            this.isFaulty = random.nextInt(3) > 0;
            this.poison = random.nextInt(100);
        }

        synchronized void perhaps(Item item) {
            if (isFaulty && (item.number() == poison || random.nextInt(50) == 0)) {
                throw new IllegalStateException("no " + item.number());
            }
            if (isFaulty && random.nextInt(500) == 0) {
                throw new StackOverflowError("an error ends the worker");
            }
        }
    }
}
