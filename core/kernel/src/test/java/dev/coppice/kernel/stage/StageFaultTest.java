package dev.coppice.kernel.stage;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.Backoff;
import dev.coppice.kernel.Kernel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What stages do when the functions that they were given misbehave. */
final class StageFaultTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final Backoff AT_ONCE = new Backoff(Duration.ZERO, Duration.ZERO, 1, 0);

    private final Kernel kernel = Kernel.start();
    private final List<DeadLetter> dead = new CopyOnWriteArrayList<>();
    private final List<Integer> good = new CopyOnWriteArrayList<>();
    private final List<Integer> bad = new CopyOnWriteArrayList<>();
    private final List<Integer> seen = new CopyOnWriteArrayList<>();
    private final Pipeline pipeline = new Pipeline(kernel, "numbers", LIMIT, dead::add);

    @AfterEach
    void close() {
        kernel.close();
    }

    private void settle(Integer message, Throwable failure) {
        (failure == null ? good : bad).add(message);
    }

    private static List<Integer> numbers(int count) {
        return IntStream.range(0, count).boxed().toList();
    }

    private static Producer<Integer> upTo(int count) {
        AtomicInteger next = new AtomicInteger();
        return demand -> {
            int from = next.getAndUpdate(at -> Math.min(count, at + demand));
            return IntStream.range(from, Math.min(count, from + demand)).boxed().toList();
        };
    }

    private void runToTheEnd() throws Exception {
        pipeline.start(kernel.root());
        assertThat(pipeline.awaitDone(LIMIT)).isTrue();
    }

    @Test
    @DisplayName("what an attempt gave before it failed is not handed on")
    void failedAttempt() throws Exception {
        var failed = ConcurrentHashMap.<Integer>newKeySet();
        pipeline.produce("source", StageOptions.DEFAULT, () -> upTo(50), this::settle)
                .<Integer>process("twice", StageOptions.DEFAULT.withAttempts(2, AT_ONCE), (n, out) -> {
                    out.accept(n);
                    if (n % 3 == 0 && failed.add(n)) {
                        throw new IllegalStateException("the first time");
                    }
                })
                .consume("end", StageOptions.DEFAULT, (n, _) -> seen.add(n));
        runToTheEnd();
        assertThat(seen).containsExactlyInAnyOrderElementsOf(numbers(50));
        assertThat(good).containsExactlyInAnyOrderElementsOf(numbers(50));
    }

    @Test
    @DisplayName("a batcher that holds all that it may closes its oldest batch, full or not")
    void starvedBatcher() throws Exception {
        List<List<Integer>> batches = new CopyOnWriteArrayList<>();
        pipeline.produce("source", StageOptions.DEFAULT, () -> upTo(1_000), this::settle)
                .batch("batch", 20, Duration.ofHours(1), n -> n)
                .consume("end", StageOptions.DEFAULT, (batch, _) -> batches.add(batch));
        runToTheEnd();
        assertThat(batches.stream().flatMap(List::stream).toList()).containsExactlyInAnyOrderElementsOf(numbers(1_000));
    }

    @Test
    @DisplayName("a message whose key cannot be told is given up alone: by a batcher, a partition and a route")
    void badKeys() throws Exception {
        pipeline.produce("source", StageOptions.DEFAULT, () -> upTo(30), this::settle)
                .dispatch(new Dispatcher.Partition<>(n -> {
                    if (n == 7) {
                        throw new IllegalStateException("no partition");
                    }
                    return n;
                }))
                .batch("batch", 5, Duration.ofHours(1), n -> {
                    if (n == 11) {
                        throw new IllegalStateException("no key");
                    }
                    return 0;
                })
                .<Integer>process("apart", StageOptions.DEFAULT, (batch, out) -> batch.forEach(out))
                .dispatch(new Dispatcher.Route<>(n -> n == 13 ? "nowhere" : "end"))
                .consume("end", StageOptions.DEFAULT, (n, _) -> seen.add(n));
        runToTheEnd();
        List<Integer> rest = new ArrayList<>(numbers(30));
        rest.removeAll(List.of(7, 11, 13));
        assertThat(seen).containsExactlyInAnyOrderElementsOf(rest);
        assertThat(dead.stream().map(DeadLetter::message)).containsExactlyInAnyOrder(7, 11, 13);
        assertThat(bad).contains(7, 11, 13);
        assertThat(good.size() + bad.size()).isEqualTo(30);
    }

    @Test
    @DisplayName("an acknowledger and dead letters that throw harm nobody")
    void throwingListeners() throws Exception {
        Pipeline careless = new Pipeline(kernel, "careless", LIMIT, letter -> {
            throw new IllegalStateException("no dead letters");
        });
        careless.produce("source", StageOptions.DEFAULT, () -> upTo(20), (n, failure) -> {
                    throw new IllegalStateException("no acknowledgements");
                })
                .consume("end", StageOptions.DEFAULT, (n, _) -> {
                    seen.add(n);
                    if (n == 3) {
                        throw new IllegalStateException("three");
                    }
                });
        careless.start(kernel.root());
        assertThat(careless.awaitDone(LIMIT)).isTrue();
        assertThat(seen).containsExactlyInAnyOrderElementsOf(numbers(20));
        assertThat(careless.acknowledged()).isEqualTo(19);
        assertThat(careless.failed()).isEqualTo(1);
        assertThat(careless.edges().getFirst().restarts()).isZero();
    }

    @Test
    @DisplayName("a producer that gives more than it was asked for is restarted, and nothing of that goes on")
    void tooMany() throws Exception {
        AtomicInteger lives = new AtomicInteger();
        pipeline.produce(
                        "source",
                        StageOptions.DEFAULT,
                        () -> lives.incrementAndGet() == 1 ? demand -> numbers(demand + 1) : upTo(5),
                        this::settle)
                .consume("end", StageOptions.DEFAULT, (n, _) -> seen.add(n));
        runToTheEnd();
        assertThat(lives.get()).isEqualTo(2);
        assertThat(seen).containsExactly(0, 1, 2, 3, 4);
    }

    @Test
    @DisplayName("equal keys go to the same worker, whatever number their hash is")
    void hashes() throws Exception {
        List<Integer> keys = List.of(Integer.MIN_VALUE, Integer.MAX_VALUE, -1, 0, 0x8000_8000);
        AtomicInteger next = new AtomicInteger();
        pipeline.produce(
                        "source",
                        StageOptions.DEFAULT,
                        () -> _ -> next.getAndIncrement() < keys.size() ? List.of(keys.get(next.get() - 1)) : List.of(),
                        this::settle)
                .dispatch(new Dispatcher.Partition<>(n -> n))
                .consume("end", StageOptions.DEFAULT.withConcurrency(3), (n, _) -> seen.add(n));
        runToTheEnd();
        assertThat(seen).containsExactlyInAnyOrderElementsOf(keys);
    }

    @Test
    @DisplayName("an inlet lets go all who wait for the room that it has now")
    void waitingPutters() throws Exception {
        Inlet<Integer> inlet = new Inlet<>(kernel, 3);
        numbers(3).forEach(inlet::offer);
        List<Thread> putters = new ArrayList<>();
        for (int i = 3; i < 6; i++) {
            int number = i;
            Thread putter = Thread.ofVirtual().start(() -> {
                try {
                    inlet.put(number);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            eventually("it waits", () -> putter.getState() == Thread.State.WAITING);
            putters.add(putter);
        }
        assertThat(inlet.produce(10)).containsExactly(0, 1, 2);
        for (Thread putter : putters) {
            assertThat(putter.join(LIMIT)).isTrue();
        }
        assertThat(inlet.produce(10)).containsExactlyInAnyOrder(3, 4, 5);
    }

    @Test
    @DisplayName("an inlet that was ended stays so when its pipeline starts again; one that was drained does not")
    void endedInlet() throws Exception {
        Inlet<Integer> drained = new Inlet<>(kernel, 3);
        drained.drain();
        assertThat(drained.offer(1)).isFalse();
        drained.reopen();
        assertThat(drained.offer(1)).isTrue();
        Inlet<Integer> ended = new Inlet<>(kernel, 3);
        ended.end();
        ended.reopen();
        assertThatThrownBy(() -> ended.put(1)).hasMessageContaining("was ended");
        assertThat(ended.produce(1)).isEmpty();
    }
}
