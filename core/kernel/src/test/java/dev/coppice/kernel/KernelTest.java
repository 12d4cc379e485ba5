package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class KernelTest {
    private static final Duration SOON = Duration.ofSeconds(10);

    private final SimulatedClock clock = new SimulatedClock();
    private final Kernel kernel = Kernel.start(clock, 42);

    @AfterEach
    void close() {
        kernel.close();
    }

    @Test
    void timersFireInOrderOfTheirTimes() {
        List<String> fired = new ArrayList<>();
        kernel.timers().schedule(Duration.ofSeconds(2), () -> fired.add("c@" + clock.nanoTime() / 1_000_000_000));
        kernel.timers().schedule(Duration.ofSeconds(1), () -> {
            fired.add("a@" + clock.nanoTime() / 1_000_000_000);
            kernel.timers().schedule(Duration.ofSeconds(1), () -> fired.add("d"));
        });
        kernel.timers().schedule(Duration.ofSeconds(1), () -> fired.add("b"));
        Timers.Timer cancelled = kernel.timers().schedule(Duration.ofSeconds(1), () -> fired.add("never"));
        assertThat(cancelled.cancel()).isTrue();
        assertThat(cancelled.cancel()).isFalse();
        clock.advance(Duration.ofSeconds(5));
        assertThat(fired).containsExactly("a@1", "b", "c@2", "d");
        assertThat(clock.now().toString()).isEqualTo("2026-01-01T00:00:05Z");
    }

    @Test
    void manyTimersFireInOrderWhateverIsCancelled() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        List<Long> fired = new ArrayList<>();
        List<Timers.Timer> timers = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) {
            long millis = random.nextInt(1_000);
            timers.add(kernel.timers().schedule(Duration.ofMillis(millis), () -> fired.add(millis)));
        }
        int kept = 0;
        for (Timers.Timer timer : timers) {
            if (random.nextBoolean()) {
                assertThat(timer.cancel()).isTrue();
            } else {
                kept++;
            }
        }
        assertThat(clock.pending()).isEqualTo(kept);
        clock.advance(Duration.ofSeconds(1));
        assertThat(fired).hasSize(kept).isSorted();
    }

    @Test
    void realTimersFire() throws Exception {
        try (Kernel real = Kernel.start()) {
            CountDownLatch fired = new CountDownLatch(2);
            real.timers().schedule(Duration.ofHours(1), () -> {});
            real.timers().schedule(Duration.ofMillis(20), fired::countDown);
            real.timers().schedule(Duration.ofMillis(1), () -> {
                throw new IllegalStateException("does no harm");
            });
            real.timers().schedule(Duration.ofMillis(5), fired::countDown);
            fired.await();
            assertThat(real.meters().timerFailures.get()).isEqualTo(1);
        }
    }

    @Test
    void sleepWaitsOnTheKernelsClockAndCanBeInterrupted() throws Exception {
        CountDownLatch awake = new CountDownLatch(1);
        Thread sleeper = Thread.ofVirtual().start(() -> {
            try {
                kernel.timers().sleep(Duration.ofDays(1));
                awake.countDown();
                kernel.timers().sleep(Duration.ofDays(1));
            } catch (InterruptedException expected) {
                Thread.currentThread().interrupt();
            }
        });
        assertThat(clock.awaitPending(1, SOON)).isTrue();
        clock.advance(Duration.ofDays(1));
        awake.await();
        assertThat(clock.awaitPending(1, SOON)).isTrue();
        sleeper.interrupt();
        assertThat(sleeper.join(SOON)).isTrue();
        assertThat(clock.pending()).isZero();
    }

    @Test
    void sameSeedSameNumbers() {
        try (Kernel other = Kernel.start(new SimulatedClock(), 42)) {
            assertThat(IntStream.range(0, 10)
                            .mapToObj(i -> kernel.random().nextInt())
                            .toList())
                    .isEqualTo(IntStream.range(0, 10)
                            .mapToObj(i -> other.random().nextInt())
                            .toList());
        }
        assertThat(kernel.uuid().version()).isEqualTo(4);
        assertThat(kernel.uuid().variant()).isEqualTo(2);
        assertThat(kernel.uuid()).isNotEqualTo(kernel.uuid());
    }

    @Test
    void backoffGrowsToItsBound() {
        Backoff backoff = new Backoff(Duration.ofSeconds(1), Duration.ofSeconds(5), 2, 0);
        assertThat(IntStream.range(0, 6)
                        .mapToObj(n -> backoff.delay(n, kernel.random()).toSeconds())
                        .toList())
                .containsExactly(0L, 1L, 2L, 4L, 5L, 5L);
        assertThat(Backoff.DEFAULT.delay(Integer.MAX_VALUE, kernel.random()))
                .isBetween(Duration.ofSeconds(15), Duration.ofSeconds(30));
        assertThatThrownBy(() -> Backoff.of(Duration.ofSeconds(2), Duration.ofSeconds(1)))
                .hasMessageContaining("first=PT2S max=PT1S");
    }

    @Test
    void anExecutorEndsWithItsSupervisorAndComesBackWithIt() throws Exception {
        Supervisor s = kernel.root().startSupervisor("s", SupervisorOptions.DEFAULT);
        SupervisedExecutor executor = s.executor("pool", 2);
        assertThat(executor.submit(() -> "done").get()).isEqualTo("done");
        CountDownLatch started = new CountDownLatch(2);
        for (int i = 0; i < 3; i++) {
            executor.execute(() -> {
                started.countDown();
                try {
                    new CountDownLatch(1).await();
                } catch (InterruptedException expected) {
                    Thread.currentThread().interrupt();
                }
            });
        }
        started.await();
        assertThat(executor.active()).isEqualTo(3);
        kernel.find("/s").orElseThrow().kill();
        eventually("back", () -> kernel.find("/s").orElseThrow().restarts() == 1);
        assertThat(executor.submit(() -> "again").get()).isEqualTo("again");
        kernel.root().stop("s");
        assertThatThrownBy(() -> executor.execute(() -> {})).isInstanceOf(RejectedExecutionException.class);
        assertThat(executor.isTerminated()).isTrue();
    }

    @Test
    void theTreeCanBeWalked() throws Exception {
        Supervisor s = kernel.root().startSupervisor("s", SupervisorOptions.DEFAULT);
        for (int i = 0; i < 5; i++) {
            s.start(ChildSpec.task("t" + i, () -> new CountDownLatch(1).await()));
        }
        TreeNode tree = kernel.tree(3);
        assertThat(tree.path()).isEqualTo("/");
        TreeNode node = tree.children().getFirst();
        assertThat(node.path()).isEqualTo("/s");
        assertThat(node.children()).extracting(TreeNode::path).containsExactly("/s/t0", "/s/t1", "/s/t2");
        assertThat(node.children()).extracting(TreeNode::sort).containsOnly("task");
        assertThat(node.omitted()).isEqualTo(2);
        assertThat(kernel.find("/s/t4")).isPresent();
        assertThat(kernel.find("/s/t9")).isEmpty();
        assertThat(kernel.find("/s/t4/x")).isEmpty();
    }

    @Test
    void metricsAreExposed() throws Exception {
        kernel.root().start(ChildSpec.<String>process("p", () -> (self, m) -> {}));
        assertThat(kernel.metrics().scrape().stream()
                        .map(MetricSnapshot::getMetadata)
                        .map(m -> m.getName()))
                .contains(
                        "coppice_kernel_restarts",
                        "coppice_kernel_processes",
                        "coppice_kernel_children",
                        "coppice_kernel_timers_pending",
                        "coppice_kernel_mailbox_dropped",
                        "coppice_kernel_handler_failures");
        assertThat(kernel.meters()
                        .children(kernel.find("/p").orElseThrow().spec().body())
                        .sum())
                .isEqualTo(1);
        kernel.root().stop("p");
        assertThat(kernel.meters()
                        .children(ChildSpec.<String>process("q", () -> (self, m) -> {})
                                .body())
                        .sum())
                .isZero();
    }

    @Test
    void closeEndsTheTreeAndSaysSo() throws Exception {
        kernel.root().start(ChildSpec.task("t", () -> new CountDownLatch(1).await()));
        kernel.close();
        kernel.close();
        assertThat(kernel.terminated().get()).isInstanceOf(ExitReason.Shutdown.class);
    }
}
