package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tasks: Elixir's Task.async, await, yield, shutdown, async_nolink and async_stream. */
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class TaskSemanticsTest {
    private static final Duration SOON = Duration.ofSeconds(10);

    private final SimulatedClock clock = new SimulatedClock();
    private final Kernel kernel = Kernel.start(clock, 42);
    private final List<String> log = new CopyOnWriteArrayList<>();
    private final CountDownLatch never = new CountDownLatch(1);
    private TaskSupervisor tasks;
    private int number;

    @FunctionalInterface
    interface Action {
        void run(ProcessContext<Action> self) throws Exception;
    }

    @BeforeEach
    void startSupervisor() throws StartException {
        tasks = TaskSupervisor.start(kernel, kernel.root(), "tasks", 3);
    }

    @AfterEach
    void close() {
        kernel.close();
    }

    private ProcessRef<Action> owner() throws StartException {
        return kernel.root()
                .startProcess(ChildSpec.process("owner" + number++, () -> new Behavior<Action>() {
                            @Override
                            public void handle(ProcessContext<Action> self, Action message) throws Exception {
                                message.run(self);
                            }

                            @Override
                            public void terminate(ProcessContext<Action> self, ExitReason reason) {
                                log.add(
                                        reason instanceof ExitReason.Crash crash
                                                ? crash.cause().toString()
                                                : reason.toString());
                            }
                        })
                        .withRestart(ChildSpec.Restart.TEMPORARY));
    }

    /** Waits for the end itself: the log is written by {@code terminate}, before it. */
    private static void awaitDeath(ProcessRef<?> process) {
        eventually(() -> process.name() + " has not ended", () -> !process.alive());
    }

    private void awaitLog(String... expected) {
        eventually(() -> "log " + List.of(expected) + " but was " + log, () -> log.equals(List.of(expected)));
    }

    @Test
    @DisplayName("a task gives its value")
    void value() throws Exception {
        assertThat(tasks.async(() -> 6 * 7).await(SOON)).isEqualTo(42);
        ProcessRef<Action> owner = owner();
        owner.cast(self -> log.add(tasks.async(self, () -> "mine").await(SOON)));
        awaitLog("mine");
        assertThat(owner.alive()).isTrue();
        eventually("tasks forgotten", () -> tasks.running() == 0);
    }

    @Test
    @DisplayName("task crash reaches its owner")
    void crash() throws Exception {
        ProcessRef<Action> owner = owner();
        owner.cast(self -> {
            tasks.async(self, () -> {
                throw new IllegalStateException("told to crash");
            });
            never.await();
        });
        awaitLog("java.lang.IllegalStateException: told to crash");
        awaitDeath(owner);
    }

    @Test
    @DisplayName("an owner that traps exits hears of the crash and goes on")
    void trapped() throws Exception {
        ProcessRef<Action> owner = owner();
        owner.cast(self -> {
            self.trapExits(
                    exit -> _ -> log.add("exit " + exit.reason().getClass().getSimpleName()));
            tasks.async(self, () -> {
                throw new IllegalStateException("told to crash");
            });
        });
        awaitLog("exit Crash");
        assertThat(owner.alive()).isTrue();
    }

    @Test
    @DisplayName("a task without a link fails for who awaits it only")
    void noLink() throws Exception {
        ProcessRef<Action> owner = owner();
        owner.cast(self -> {
            AsyncTask<Integer> task = tasks.async(() -> {
                throw new IllegalStateException("told to crash");
            });
            try {
                task.await(SOON);
            } catch (ExecutionException e) {
                log.add(e.getCause().getMessage());
            }
        });
        awaitLog("told to crash");
        assertThat(owner.alive()).isTrue();
    }

    @Test
    @DisplayName("await times out on the kernel's clock, which ends the owner and with it the task")
    void timeout() throws Exception {
        AtomicReference<AsyncTask<Boolean>> task = new AtomicReference<>();
        ProcessRef<Action> owner = owner();
        owner.cast(self -> {
            AsyncTask<Boolean> own = tasks.async(self, () -> {
                never.await();
                return true;
            });
            task.set(own);
            own.await(Duration.ofSeconds(5));
        });
        assertThat(clock.awaitPending(1, SOON)).isTrue();
        clock.advance(Duration.ofSeconds(5));
        awaitLog("java.util.concurrent.TimeoutException: task /tasks/task#1 was not done within PT5S");
        awaitDeath(owner);
        eventually("task ended", () -> tasks.running() == 0);
        assertThat(task.get().isDone()).isTrue();
        eventually("no timer is left", () -> clock.pending() == 0);
    }

    @Test
    @DisplayName("who catches the time-out may wait again")
    void poll() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        AsyncTask<String> task = tasks.async(() -> {
            release.await();
            return "late";
        });
        assertThat(task.poll(Duration.ZERO)).isEmpty();
        assertThatThrownBy(() -> task.await(Duration.ZERO)).isInstanceOf(TimeoutException.class);
        release.countDown();
        assertThat(task.poll(SOON)).contains(new TaskOutcome.Done<>("late"));
        assertThat(task.await(Duration.ZERO)).isEqualTo("late");
    }

    @Test
    @DisplayName("an owner's death ends its tasks, a normal one too")
    void ownerDies() throws Exception {
        for (ExitReason reason : List.of(new ExitReason.Killed(), new ExitReason.Shutdown(), new ExitReason.Normal())) {
            CountDownLatch started = new CountDownLatch(1);
            CountDownLatch interrupted = new CountDownLatch(1);
            ProcessRef<Action> owner = owner();
            owner.cast(self -> {
                tasks.async(self, () -> {
                    started.countDown();
                    try {
                        never.await();
                    } finally {
                        interrupted.countDown();
                    }
                    return 0;
                });
            });
            started.await();
            if (reason instanceof ExitReason.Normal) {
                owner.cast(ProcessContext::stop);
            } else {
                owner.exit(reason);
            }
            interrupted.await();
            eventually("task ended", () -> tasks.running() == 0);
        }
    }

    @Test
    @DisplayName("an owner's death ends its tasks: also one that it starts while it is being killed")
    void killedOwnerStarts() throws Exception {
        AtomicInteger free = new AtomicInteger();
        CountDownLatch spinning = new CountDownLatch(1);
        AtomicInteger ran = new AtomicInteger();
        AtomicReference<AsyncTask<Integer>> task = new AtomicReference<>();
        ProcessRef<Action> owner = owner();
        owner.cast(self -> {
            spinning.countDown();
            while (free.get() == 0) {
                Thread.yield();
            }
            task.set(tasks.async(self, ran::incrementAndGet));
        });
        spinning.await();
        owner.exit(new ExitReason.Killed());
        awaitDeath(owner);
        free.set(1);
        eventually("started, and ended", () -> task.get() != null && task.get().isDone() && tasks.running() == 0);
        assertThat(ran.get()).isZero();
    }

    @Test
    @DisplayName("tasks that are over leave nothing behind in their owner")
    void nothingLeft() throws Exception {
        ProcessRef<Action> owner = owner();
        owner.cast(self -> {
            for (int i = 0; i < 10; i++) {
                tasks.async(self, () -> 1).await(SOON);
            }
            log.add("done");
        });
        awaitLog("done");
        Relations ties = ProcessAddress.living(owner).relations();
        eventually("nothing left", () -> ties.endings() == 0 && ties.linked() == 0);
    }

    @Test
    @DisplayName("shutdown of a task that failed before tells the failure")
    void shutdownAfterCrash() throws Exception {
        IllegalStateException cause = new IllegalStateException("told to crash");
        AsyncTask<Integer> task = tasks.async(() -> {
            throw cause;
        });
        assertThat(task.poll(SOON)).contains(new TaskOutcome.Failed<>(new ExitReason.Crash(cause)));
        assertThat(task.shutdown(SOON)).contains(new TaskOutcome.Failed<>(new ExitReason.Crash(cause)));
    }

    @Test
    @DisplayName("shutdown gives the value that came in time, else stops the work")
    void shutdown() throws Exception {
        AsyncTask<String> quick = tasks.async(() -> "quick");
        quick.poll(SOON);
        assertThat(quick.shutdown(SOON)).contains(new TaskOutcome.Done<>("quick"));
        AsyncTask<Boolean> slow = tasks.async(() -> never.await(1, TimeUnit.HOURS));
        assertThat(slow.shutdown(SOON)).isEmpty();
        assertThatThrownBy(() -> slow.await(SOON)).isInstanceOf(CancellationException.class);
        AtomicInteger free = new AtomicInteger();
        CountDownLatch spinning = new CountDownLatch(1);
        AsyncTask<Integer> stuck = tasks.async(() -> {
            spinning.countDown();
            while (free.get() == 0) {
                Thread.yield();
            }
            return 1;
        });
        spinning.await();
        Thread stopper = Thread.ofVirtual().start(() -> {
            try {
                log.add(stuck.shutdown(Duration.ofSeconds(1)).toString());
            } catch (InterruptedException e) {
                log.add("interrupted");
            }
        });
        assertThat(clock.awaitPending(1, SOON)).isTrue();
        clock.advance(Duration.ofSeconds(1));
        assertThat(stopper.join(SOON)).isTrue();
        assertThat(log).containsExactly("Optional.empty");
        free.set(1);
    }

    @Test
    @DisplayName("no more tasks run than the supervisor may hold")
    void bounded() throws Exception {
        for (int i = 0; i < 3; i++) {
            tasks.async(() -> never.await(1, TimeUnit.HOURS));
        }
        assertThatThrownBy(() -> tasks.async(() -> 0)).hasMessageContaining("raise maxChildren");
        kernel.root().stop("tasks");
        assertThat(tasks.running()).isZero();
        assertThat(kernel.meters().abandoned.get()).as("stopped without a wait").isZero();
    }

    @Test
    @DisplayName("a task carries the span of who started it")
    void span() throws Exception {
        kernel.telemetry().subscribe("t", "", e -> {});
        kernel.telemetry().span("work", Map.of(), span -> {
            assertThat(tasks.async(SpanContext::current).await(SOON)).isEqualTo(SpanContext.current());
            return 0;
        });
        assertThat(tasks.async(SpanContext::current).await(SOON)).isEqualTo(Optional.empty());
    }

    @Test
    @DisplayName("fan-out with limit and ordered results")
    void ordered() throws Exception {
        AtomicInteger running = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        List<Integer> inputs = IntStream.range(0, 100).boxed().toList();
        List<Integer> results = kernel.tasks(7).map(inputs, i -> {
            most.accumulateAndGet(running.incrementAndGet(), Math::max);
            Thread.yield();
            running.decrementAndGet();
            return i * i;
        });
        assertThat(results).isEqualTo(inputs.stream().map(i -> i * i).toList());
        assertThat(most.get()).isBetween(1, 7);
    }

    @Test
    @DisplayName("fan-out with limit and unordered results")
    void unordered() throws Exception {
        CountDownLatch secondDone = new CountDownLatch(1);
        kernel.tasks(2)
                .forEach(
                        List.of(1, 2),
                        i -> {
                            if (i == 1) {
                                secondDone.await();
                            }
                            return i;
                        },
                        i -> {
                            log.add("result " + i);
                            secondDone.countDown();
                        });
        assertThat(log).containsExactly("result 2", "result 1");
    }

    @Test
    @DisplayName("the first error of a fan-out ends the others and reaches the owner")
    void firstError() {
        AtomicInteger interrupted = new AtomicInteger();
        CountDownLatch waiting = new CountDownLatch(2);
        assertThatThrownBy(() -> kernel.tasks(3).map(List.of(0, 1, 2), i -> {
                    if (i == 2) {
                        waiting.await();
                        throw new IllegalStateException("two");
                    }
                    try {
                        waiting.countDown();
                        never.await();
                    } catch (InterruptedException e) {
                        interrupted.incrementAndGet();
                    }
                    return i;
                }))
                .isInstanceOf(ExecutionException.class)
                .hasRootCauseMessage("two");
        assertThat(interrupted.get()).isEqualTo(2);
    }

    @Test
    @DisplayName("a fan-out can tell how each ended, with a time for each")
    void outcomes() throws Exception {
        CountDownLatch waits = new CountDownLatch(1);
        Thread caller = Thread.ofVirtual().start(() -> {
            try {
                // One at a time, so that the others are over when the third waits.
                kernel.tasks(1)
                        .outcomes(List.of(1, 2, 3), Duration.ofSeconds(5), i -> switch (i) {
                            case 1 -> "one";
                            case 2 -> throw new IllegalStateException("two");
                            default -> {
                                waits.countDown();
                                never.await();
                                yield "never";
                            }
                        })
                        .forEach(outcome -> log.add(
                                switch (outcome) {
                                    case TaskOutcome.Done<String> done -> done.value();
                                    case TaskOutcome.Failed<String> failed ->
                                        failed.reason().getClass().getSimpleName();
                                }));
            } catch (InterruptedException | TimeoutException e) {
                log.add(e.toString());
            }
        });
        waits.await();
        eventually("the limit of the third and the wait of the caller are left", () -> clock.pending() == 2);
        clock.advance(Duration.ofSeconds(5));
        assertThat(caller.join(SOON)).isTrue();
        assertThat(log).containsExactly("one", "Crash", "Killed");
        assertThat(clock.pending()).isZero();
    }

    @Test
    @DisplayName("a fan-out times out on the kernel's clock")
    void fanOutTimesOut() throws Exception {
        Thread caller = Thread.ofVirtual().start(() -> {
            try {
                kernel.tasks(2)
                        .withTimeout(Duration.ofMinutes(1))
                        .forEach(
                                List.of(1, 2, 3),
                                i -> {
                                    never.await();
                                    return i;
                                },
                                i -> log.add("result"));
            } catch (TimeoutException e) {
                log.add(String.valueOf(e.getMessage()));
            } catch (InterruptedException | ExecutionException e) {
                log.add(e.toString());
            }
        });
        assertThat(clock.awaitPending(1, SOON)).isTrue();
        clock.advance(Duration.ofMinutes(1));
        assertThat(caller.join(SOON)).isTrue();
        assertThat(log).containsExactly("2 tasks were not done within PT1M");
    }
}
