package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.ProcessOptions.Mode;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Handlers that compute for long, which the JVM cannot stop: found, reported, kept apart, replaced. On the real clock. */
final class IsolationSemanticsTest {
    private final Kernel kernel = Kernel.start();

    @AfterEach
    void close() {
        kernel.close();
    }

    @Test
    @DisplayName("watchdog: a handler that runs long is detected, and reported once with its stack")
    void watchdog() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        CountDownLatch inside = new CountDownLatch(1);
        List<Telemetry.Event> events = new CopyOnWriteArrayList<>();
        kernel.telemetry().subscribe("t", "kernel.handler.slow", events::add);
        kernel.root()
                .<String>startProcess(ChildSpec.<String>process("p", () -> (self, message) -> {
                    inside.countDown();
                    release.await();
                }))
                .cast("work");
        inside.await();
        long now = System.nanoTime();
        for (int second = 0; second < 20; second++) {
            kernel.watchdog().look(now + Duration.ofSeconds(second).toNanos());
        }
        eventually("reported", () -> !events.isEmpty());
        assertThat(events).singleElement().satisfies(event -> {
            assertThat(event.metadata()).containsEntry("path", "/p");
            assertThat(event.metadata().get("stack").toString()).contains("IsolationSemanticsTest");
        });
        assertThat(kernel.meters().handlersSlow.get()).isEqualTo(1);
        release.countDown();
    }

    @Test
    @DisplayName("isolation: an isolated process has a thread of the operating system of its own")
    void isolated() throws Exception {
        ProcessRef<CountDownLatch> ref = kernel.root()
                .startProcess(ChildSpec.<CountDownLatch>process(
                        "heavy",
                        () -> (self, done) -> {
                            assertThat(Thread.currentThread().isVirtual()).isFalse();
                            assertThat(Thread.currentThread().getName()).isEqualTo("/heavy");
                            done.countDown();
                        },
                        ProcessOptions.DEFAULT.withMode(Mode.ISOLATED)));
        CountDownLatch done = new CountDownLatch(1);
        ref.cast(done);
        assertThat(done.await(10, TimeUnit.SECONDS)).isTrue();
        Thread thread = kernel.find("/heavy").orElseThrow().thread().orElseThrow();
        assertThat(thread.isDaemon())
                .as("one that is left alone keeps no JVM alive")
                .isTrue();
        kernel.root().stop("heavy");
        thread.join(10_000);
        assertThat(thread.isAlive()).isFalse();
    }

    @Test
    @DisplayName("isolation: spinning isolated handlers, more than there are processors, hold up no other process")
    void spinning() throws Exception {
        AtomicInteger free = new AtomicInteger();
        int spinners = Runtime.getRuntime().availableProcessors() + 1;
        CountDownLatch spinning = new CountDownLatch(spinners);
        for (int i = 0; i < spinners; i++) {
            kernel.root()
                    .<String>startProcess(ChildSpec.<String>process(
                            "spinner" + i,
                            () -> (self, message) -> {
                                spinning.countDown();
                                while (free.get() == 0) {
                                    Thread.onSpinWait();
                                }
                            },
                            ProcessOptions.DEFAULT.withMode(Mode.ISOLATED)))
                    .cast("spin");
        }
        assertThat(spinning.await(10, TimeUnit.SECONDS)).isTrue();
        CountDownLatch done = new CountDownLatch(1);
        kernel.root()
                .<String>startProcess(ChildSpec.<String>process("other", () -> (self, message) -> done.countDown()))
                .cast("work");
        assertThat(done.await(10, TimeUnit.SECONDS)).isTrue();
        free.set(1);
    }

    @Test
    @DisplayName("an interrupt that one message leaves behind does not reach the next one")
    void interruptLeft() throws Exception {
        List<Boolean> interrupted = new CopyOnWriteArrayList<>();
        ProcessRef<String> ref = kernel.root().startProcess(ChildSpec.<String>process("p", () -> (self, message) -> {
            interrupted.add(Thread.currentThread().isInterrupted());
            Thread.currentThread().interrupt();
        }));
        ref.suspend();
        ref.cast("one");
        ref.cast("two");
        ref.resume();
        eventually("both", () -> interrupted.equals(List.of(false, false)));
    }

    @Test
    @DisplayName("a killed handler that ignores interrupts is left alone, and the process heals")
    void abandoned() throws Exception {
        CountDownLatch stuck = new CountDownLatch(1);
        AtomicInteger free = new AtomicInteger();
        CountDownLatch healed = new CountDownLatch(1);
        ProcessRef<String> ref = kernel.root().startProcess(ChildSpec.<String>process("p", () -> (self, message) -> {
            if (message.equals("hello")) {
                healed.countDown();
                return;
            }
            stuck.countDown();
            while (free.get() == 0) {
                Thread.interrupted();
                LockSupport.parkNanos(1); // a processor alone would run nothing else
            }
        }));
        try {
            ref.cast("spin");
            assertThat(stuck.await(10, TimeUnit.SECONDS)).isTrue();
            kernel.find("/p").orElseThrow().kill();
            eventually("restarted", () -> kernel.find("/p").orElseThrow().restarts() == 1);
            ref.cast("hello");
            assertThat(healed.await(10, TimeUnit.SECONDS)).isTrue();
        } finally {
            free.set(1);
        }
    }
}
