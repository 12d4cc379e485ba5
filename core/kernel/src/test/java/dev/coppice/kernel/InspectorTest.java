package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.Inspector.Order;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class InspectorTest {
    private final Kernel kernel = Kernel.start();
    private final Inspector inspector = kernel.inspector();
    private final CountDownLatch free = new CountDownLatch(1);

    @AfterEach
    void close() {
        free.countDown();
        kernel.close();
    }

    /** Waits at the message "wait" until the test lets it go; crashes at "crash". */
    private Behavior<String> behavior() {
        return new Behavior<>() {
            @Override
            public void handle(ProcessContext<String> self, String message) throws Exception {
                switch (message) {
                    case "wait" -> free.await();
                    case "crash" -> throw new IllegalStateException("no more room", new RuntimeException("disk full"));
                    default -> {}
                }
            }
        };
    }

    private ProcessRef<String> start(Supervisor under, String name) throws StartException {
        return under.startProcess(ChildSpec.process(name, this::behavior));
    }

    @Test
    void aListShowsParentsFirstAndCountsWhatItLeavesOut() throws Exception {
        Supervisor pool = kernel.root().startSupervisor("pool", SupervisorOptions.DEFAULT);
        for (int i = 0; i < 10; i++) {
            start(pool, "p" + i);
        }
        start(kernel.root(), "alone");
        List<Inspector.Glance> list = inspector.list(4);
        assertThat(list.stream().map(Inspector.Glance::path))
                .containsExactly("/pool", "/pool/p0", "/pool/p1", "/pool/p2", "/pool/p3", "/alone");
        assertThat(list.getFirst().omitted()).isEqualTo(6);
        assertThat(list.getFirst().vitals().children()).isEqualTo(10);
        assertThat(list.get(1).vitals().memoryBytes()).isBetween(50L, 1_000L);
        assertThat(inspector.omittedAtTop(1)).isEqualTo(1);
    }

    @Test
    void theTopByMailboxKeepsTheGreatestOnly() throws Exception {
        Supervisor pool = kernel.root().startSupervisor("pool", SupervisorOptions.DEFAULT);
        for (int i = 0; i < 1_000; i++) {
            start(pool, "idle" + i);
        }
        for (int i = 1; i <= 5; i++) {
            ProcessRef<String> busy = start(pool, "busy" + i);
            busy.cast("wait");
            for (int k = 0; k < i * 10; k++) {
                busy.cast("more");
            }
        }
        eventually("seen", () -> inspector.vitals("/pool/busy5").orElseThrow().mailbox() >= 50);
        List<Inspector.Glance> top = inspector.top(Order.MAILBOX, 3);
        assertThat(top.stream().map(Inspector.Glance::path))
                .containsExactly("/pool/busy5", "/pool/busy4", "/pool/busy3");
        eventually(
                "they wait, and compute nothing",
                () -> inspector.top(Order.CPU, 100).stream()
                        .map(Inspector.Glance::path)
                        .noneMatch(path -> path.startsWith("/pool/busy")));
        assertThat(inspector.top(Order.MEMORY, 2)).hasSize(2);
        assertThat(inspector.top(Order.RESTARTS, 5)).isEmpty();
    }

    @Test
    void aBusyProcessShowsItsStackAndItsShare() throws Exception {
        ProcessRef<String> busy = start(kernel.root(), "busy");
        busy.cast("wait");
        eventually(
                "seen",
                () -> inspector.insight("/busy").orElseThrow().stack().stream()
                        .anyMatch(line -> line.contains("InspectorTest")));
        eventually("seen", () -> inspector.vitals("/busy").orElseThrow().recentShare() > 0.5);
        free.countDown();
        eventually("seen", () -> inspector.vitals("/busy").orElseThrow().handled() == 1);
        eventually(
                "seen", () -> inspector.insight("/busy").orElseThrow().stack().isEmpty());
    }

    @Test
    void messagesPerSecondAreCountedBetweenLooks() throws Exception {
        ProcessRef<String> process = start(kernel.root(), "counter");
        inspector.vitals("/counter");
        for (int i = 0; i < 500; i++) {
            process.cast("message");
        }
        eventually("seen", () -> inspector.vitals("/counter").orElseThrow().handled() == 500);
        eventually("seen", () -> inspector.vitals("/counter").orElseThrow().rate() > 50);
    }

    @Test
    void theLastCrashesComeWithReasonAndStack() throws Exception {
        ProcessRef<String> process = start(kernel.root(), "fragile");
        process.cast("crash");
        eventually("seen", () -> inspector.vitals("/fragile").orElseThrow().restarts() == 1);
        Insight insight = inspector.insight("/fragile").orElseThrow();
        assertThat(insight.parent()).isEqualTo("/");
        assertThat(insight.crashes()).singleElement().satisfies(crash -> {
            assertThat(crash.reason()).contains("no more room");
            assertThat(crash.stack()).anyMatch(line -> line.contains("InspectorTest"));
            assertThat(crash.stack())
                    .anyMatch(line -> line.contains("Caused by: java.lang.RuntimeException: disk full"));
        });
        assertThat(inspector.insight("/nobody")).isEmpty();
    }

    @Test
    void tracesAreOnlyForProcessesAndBounded() throws Exception {
        Supervisor pool = kernel.root().startSupervisor("pool", SupervisorOptions.DEFAULT);
        assertThatThrownBy(() -> inspector.trace("/pool", Trace.Options.DEFAULT))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("is a supervisor");
        assertThatThrownBy(() -> inspector.trace("/none", Trace.Options.DEFAULT))
                .isInstanceOf(NoSuchElementException.class);
        for (int i = 0; i <= Inspector.MAX_TRACES; i++) {
            start(pool, "p" + i);
        }
        for (int i = 0; i < Inspector.MAX_TRACES; i++) {
            assertThat(inspector.trace("/pool/p" + i, Trace.Options.DEFAULT).running())
                    .isTrue();
        }
        assertThatThrownBy(() -> inspector.trace("/pool/p0", Trace.Options.DEFAULT))
                .hasMessageContaining("traced already");
        String last = "/pool/p" + Inspector.MAX_TRACES;
        assertThatThrownBy(() -> inspector.trace(last, Trace.Options.DEFAULT)).hasMessageContaining("the most");
        assertThat(inspector.stopTrace("/pool/p3")).isTrue();
        assertThat(inspector.stopTrace("/pool/p3")).isFalse();
        assertThat(inspector.trace(last, Trace.Options.DEFAULT).running()).isTrue();
        assertThat(inspector.trace("/pool/p3")).isEmpty();
        assertThatThrownBy(() -> new Trace.Options(Duration.ofHours(1), 10, false))
                .hasMessageContaining("10 minutes");
        assertThatThrownBy(() -> new Trace.Options(Duration.ofSeconds(1), 0, false))
                .hasMessageContaining("1 to");
    }

    @Test
    void aTraceEndsByItself() throws Exception {
        start(kernel.root(), "p");
        Trace trace = inspector.trace("/p", new Trace.Options(Duration.ofMillis(20), 10, false));
        eventually("seen", () -> !trace.running());
        assertThat(trace.ended()).isNotNull();
        assertThat(inspector.trace("/p")).contains(trace);
    }

    @Test
    void aTraceTellsMessagesAndTimingsOverARestart() throws Exception {
        ProcessRef<String> process = start(kernel.root(), "p");
        Trace trace = inspector.trace("/p", new Trace.Options(Duration.ofMinutes(1), Trace.MAX_ENTRIES, true));
        process.cast("first");
        process.cast("crash");
        eventually("restarted", () -> inspector.vitals("/p").orElseThrow().restarts() == 1);
        eventually("traced again", () -> {
            process.cast("after");
            return trace.entries().stream().anyMatch(entry -> entry.message().equals("after"));
        });
        assertThat(trace.entries().stream().anyMatch(entry -> entry.failure() != null))
                .isTrue();
        assertThat(trace.entries().get(0).took()).isPositive();
        assertThat(inspector.stopTrace("/p")).isTrue();
        long before = trace.count();
        process.cast("late");
        eventually("handled", () -> process.mailbox() == 0);
        assertThat(trace.count()).isEqualTo(before);
        assertThat(kernel.telemetry().handlers()).isEmpty();
    }

    @Test
    void aTraceTellsHowLongMailWaited() throws Exception {
        ProcessRef<Object> process = kernel.root().startProcess(ChildSpec.process("p", Counting::new));
        CountDownLatch before = new CountDownLatch(1);
        process.cast(before);
        Trace trace = inspector.trace("/p", Trace.Options.DEFAULT);
        CountDownLatch during = new CountDownLatch(1);
        process.cast(during);
        process.cast("waits for the one before it");
        long sent = System.nanoTime();
        before.countDown();
        long passed = System.nanoTime() - sent;
        during.countDown();
        eventually("traced", () -> trace.count() >= 2);
        Trace.Entry last = trace.entries().getLast();
        assertThat(last.waited()).isGreaterThanOrEqualTo(Duration.ofNanos(passed));
    }

    /** Tells how much it has seen. */
    private static final class Counting implements Behavior<Object> {
        private final List<Object> seen = new ArrayList<>();

        @Override
        public void handle(ProcessContext<Object> self, Object message) throws Exception {
            seen.add(message);
            if (message instanceof CountDownLatch latch) {
                latch.await();
            }
        }

        @Override
        public Object describe() {
            return Map.of("seen", seen.size());
        }
    }

    @Test
    void aProcessTellsItsStateTiesAndMemory() throws Exception {
        ProcessRef<Object> process = kernel.root().startProcess(ChildSpec.process("counting", Counting::new));
        long few = inspector.vitals("/counting").orElseThrow().memoryBytes();
        process.monitor(down -> {});
        for (int i = 0; i < 100; i++) {
            process.cast("a message of some length " + i);
        }
        eventually(
                "handled",
                () -> inspector.insight("/counting").orElseThrow().state().equals("{seen=100}"));
        Insight insight = inspector.insight("/counting").orElseThrow();
        assertThat(insight.monitors()).hasValue(1);
        assertThat(insight.links()).hasValue(0);
        assertThat(insight.vitals().memoryBytes()).isGreaterThan(few + 5_000);
        process.cast(free);
        eventually(
                "busy",
                () -> !inspector.insight("/counting").orElseThrow().stateNote().isEmpty());
        assertThat(inspector.insight("/counting").orElseThrow().stateNote()).contains("busy");
    }

    @Test
    void whoComputesIsToldApartFromWhoWaits() throws Exception {
        AtomicBoolean over = new AtomicBoolean();
        kernel.root().start(ChildSpec.task("waits", free::await));
        kernel.root().start(ChildSpec.task("computes", () -> {
            while (!over.get()) {
                Thread.onSpinWait();
            }
        }));
        eventually("seen", () -> inspector.vitals("/computes").orElseThrow().cpuShare() > 0.5);
        eventually("parked", () -> inspector.vitals("/waits").orElseThrow().cpuShare() < 0.1);
        eventually("at work", () -> inspector.vitals("/waits").orElseThrow().recentShare() > 0.5);
        assertThat(inspector.top(Order.CPU, 1).getFirst().path()).isEqualTo("/computes");
        over.set(true);
    }

    @Test
    void oneOfManyWithoutNamesIsFoundByItsMailAndItsNumber() throws Exception {
        Supervisor pool = kernel.root().startSupervisor("pool", SupervisorOptions.DEFAULT);
        ChildSpec kind = ChildSpec.process("session", this::behavior);
        ProcessRef<String> chosen = null;
        for (int i = 1; i <= 50_000; i++) {
            ProcessRef<String> made = pool.spawn(kind, this::behavior);
            chosen = i == 40_000 ? made : chosen;
        }
        ProcessRef<String> busy = Objects.requireNonNull(chosen);
        busy.cast("wait");
        busy.cast("more");
        eventually("seen", () -> !inspector.top(Order.MAILBOX, 3).isEmpty());
        assertThat(inspector.top(Order.MAILBOX, 3).stream().map(Inspector.Glance::path))
                .containsExactly("/pool/session#40000");
        assertThat(inspector
                        .insight("/pool/session#40000")
                        .orElseThrow()
                        .vitals()
                        .name())
                .isEqualTo("session#40000");
        assertThat(inspector.list(10)).hasSize(11);
    }
}
