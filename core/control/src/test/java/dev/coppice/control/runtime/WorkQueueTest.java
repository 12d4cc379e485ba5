package dev.coppice.control.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.Trigger;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WorkQueueTest {

    private final SimulatedClock clock = new SimulatedClock();
    private final Kernel kernel = Kernel.start(clock, 42);
    private final WorkQueue<String> queue = new WorkQueue<>("test", kernel, WorkQueue.Options.DEFAULT);

    @AfterEach
    void close() {
        kernel.close();
    }

    @Test
    void aKeyWaitsOnceAndInOrder() throws Exception {
        queue.add("a");
        queue.add("b");
        queue.add("a");
        assertThat(queue.size()).isEqualTo(2);
        assertThat(queue.take()).contains("a");
        assertThat(queue.take()).contains("b");
        assertThat(queue.size()).isZero();
    }

    @Test
    void howLongWorkTakesIsWorkedOutWhenSomebodyLooks() throws Exception {
        queue.add("a");
        queue.add("b");
        assertThat(queue.take()).contains("a");
        clock.advance(Duration.ofSeconds(3));
        assertThat(queue.take()).contains("b");
        clock.advance(Duration.ofSeconds(2));
        assertThat(gauge("workqueue_unfinished_work_seconds")).isEqualTo(7);
        assertThat(gauge("workqueue_longest_running_processor_seconds")).isEqualTo(5);
        queue.done("a");
        queue.done("b");
        assertThat(gauge("workqueue_unfinished_work_seconds")).isZero();
    }

    private double gauge(String name) {
        return kernel.metrics().scrape(name::equals).stream()
                .flatMap(snapshot -> snapshot.getDataPoints().stream())
                .mapToDouble(point -> ((GaugeSnapshot.GaugeDataPointSnapshot) point).getValue())
                .sum();
    }

    @Test
    void aKeyInWorkWaitsAgainOnlyOnceItIsDone() throws Exception {
        queue.add("a");
        assertThat(queue.take()).contains("a");
        queue.add("a");
        queue.add("a");
        queue.add("b");
        assertThat(queue.take()).contains("b");
        assertThat(queue.size()).isZero();
        queue.done("a");
        assertThat(queue.size()).isEqualTo(1);
        assertThat(queue.take()).contains("a");
        queue.done("a");
        assertThat(queue.size()).isZero();
    }

    @Test
    void theShortestDelayCounts() throws Exception {
        queue.addAfter("a", Duration.ofSeconds(10));
        queue.addAfter("a", Duration.ofSeconds(2));
        queue.addAfter("a", Duration.ofSeconds(30));
        clock.advance(Duration.ofSeconds(1));
        assertThat(queue.size()).isZero();
        clock.advance(Duration.ofSeconds(1));
        assertThat(queue.size()).isEqualTo(1);
        assertThat(queue.take()).contains("a");
        queue.done("a");
        clock.advance(Duration.ofMinutes(5));
        assertThat(queue.size()).isZero();
    }

    @Test
    void failuresComeBackLaterAndLater() {
        Duration before = Duration.ZERO;
        for (int failure = 1; failure <= 12; failure++) {
            queue.addRateLimited("a");
            Duration delay = queue.delay("a");
            assertThat(delay).isGreaterThan(before);
            before = delay;
            clock.advance(delay);
            assertThat(queue.failures("a")).isEqualTo(failure);
        }
        assertThat(before).isBetween(Duration.ofSeconds(9), Duration.ofSeconds(12));
        queue.forget("a");
        queue.addRateLimited("a");
        assertThat(queue.delay("a")).isLessThan(Duration.ofMillis(6));
    }

    @Test
    void retriesOfAllKeysTogetherAreBounded() {
        for (int i = 0; i < 1000; i++) {
            queue.addRateLimited("k" + i);
        }
        clock.advance(Duration.ofSeconds(1));
        assertThat(queue.size()).isBetween(500, 560);
        clock.advance(Duration.ofSeconds(10));
        assertThat(queue.size()).isEqualTo(1000);
    }

    @Test
    void addingWaitsForRoom() throws Exception {
        WorkQueue<String> small = new WorkQueue<>("small", kernel, WorkQueue.Options.DEFAULT.withCapacity(2));
        small.add("a");
        small.add("b");
        small.add("a");
        Thread adder = Thread.ofVirtual().start(() -> {
            try {
                small.add("c");
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        Eventually.eventually(() -> adder.getState() == Thread.State.WAITING);
        assertThat(small.size()).isEqualTo(2);
        assertThat(small.take()).contains("a");
        adder.join();
        assertThat(small.size()).isEqualTo(2);
    }

    @Test
    void closingEndsTakersAndTimers() throws Exception {
        Thread taker = Thread.ofVirtual().start(() -> {
            try {
                assertThat(queue.take()).isEmpty();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        queue.addAfter("a", Duration.ofSeconds(1));
        queue.close();
        taker.join();
        clock.advance(Duration.ofSeconds(2));
        queue.add("b");
        assertThat(queue.size()).isZero();
    }

    @Test
    void neverTwoWorkersOnOneKeyAndNothingIsLost() throws Exception {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        Set<String> working = ConcurrentHashMap.newKeySet();
        ConcurrentHashMap<String, AtomicInteger> wanted = new ConcurrentHashMap<>();
        ConcurrentHashMap<String, Integer> seen = new ConcurrentHashMap<>();
        AtomicInteger clashes = new AtomicInteger();
        Set<Thread> workers = new HashSet<>();
        for (int i = 0; i < 8; i++) {
            workers.add(Thread.ofVirtual().start(() -> {
                try {
                    for (var key = queue.take(); key.isPresent(); key = queue.take()) {
                        if (!working.add(key.get())) {
                            clashes.incrementAndGet();
                        }
                        seen.put(key.get(), wanted.get(key.get()).get());
                        Thread.yield();
                        working.remove(key.get());
                        queue.done(key.get());
                    }
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }));
        }
        for (int i = 0; i < 20_000; i++) {
            String key = "k" + random.nextInt(20);
            wanted.computeIfAbsent(key, _ -> new AtomicInteger()).incrementAndGet();
            queue.add(key);
        }
        Eventually.eventually(() -> queue.size() == 0 && working.isEmpty() && queue.awaitIdle(Duration.ofSeconds(1)));
        queue.close();
        for (Thread worker : workers) {
            worker.join();
        }
        assertThat(clashes).as("seed %d", seed).hasValue(0);
        wanted.forEach((key, count) -> assertThat(seen).as("seed %d", seed).containsEntry(key, count.get()));
    }

    @Test
    void bringsAlongWhatAKeyWasAddedForAlsoWhenItComesAgain() throws Exception {
        Trigger one = new Trigger.Event("one");
        Trigger two = new Trigger.Event("two");
        Trigger.call(List.of(one), () -> {
            queue.add("a");
            return null;
        });
        Trigger.call(List.of(two), () -> {
            queue.add("a");
            return null;
        });
        assertThat(queue.take()).contains("a");
        assertThat(queue.triggers("a")).containsExactly(one, two);
        queue.addRateLimited("a");
        queue.done("a");
        assertThat(queue.triggers("a")).isEmpty();
        clock.advance(Duration.ofMinutes(1));
        assertThat(queue.take()).contains("a");
        assertThat(queue.triggers("a")).containsExactly(one, two);
        Trigger.call(List.of(one), () -> {
            queue.add("a");
            return null;
        });
        queue.done("a");
        assertThat(queue.take()).contains("a");
        assertThat(queue.triggers("a")).containsExactly(one);
    }

    @Test
    void keepsTheNewestOfTooManyTriggersAndOneForEachObject() {
        Trigger first = new Trigger.Change(new ResourceType("", "v1", "pods"), "ns", "a", "1");
        Trigger second = new Trigger.Change(new ResourceType("", "v1", "pods"), "ns", "a", "2");
        assertThat(Trigger.joined(List.of(first), List.of(second))).containsExactly(second);
        List<Trigger> many = List.of();
        for (int i = 0; i < 10; i++) {
            many = Trigger.joined(many, List.of(new Trigger.Event("e" + i)));
        }
        assertThat(many)
                .containsExactly(
                        new Trigger.Event("e6"),
                        new Trigger.Event("e7"),
                        new Trigger.Event("e8"),
                        new Trigger.Event("e9"));
    }
}
