package dev.coppice.kernel;

import static dev.coppice.kernel.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

final class TelemetryTest {
    private final SimulatedClock clock = new SimulatedClock();
    private final Kernel kernel = Kernel.start(clock, 42);
    private final Telemetry telemetry = kernel.telemetry();
    private final List<Telemetry.Event> seen = new CopyOnWriteArrayList<>();

    @AfterEach
    void close() {
        kernel.close();
    }

    private static Telemetry.Event event(String name) {
        return new Telemetry.Event(name, Map.of(), Map.of());
    }

    private List<String> names() {
        return seen.stream().map(Telemetry.Event::name).toList();
    }

    @Test
    @DisplayName("a handler that throws is detached and harms neither the sender nor the other handlers")
    void throwing() {
        List<String> heard = new ArrayList<>();
        telemetry.subscribe("bad", "a.", e -> {
            heard.add("bad");
            throw new IllegalStateException("no");
        });
        Telemetry.Subscription good = telemetry.subscribe("good", "a.", e -> heard.add("good " + e.name()));
        telemetry.emit(event("a.b"));
        telemetry.emit(event("a.c"));
        telemetry.emit(event("b.c"));
        good.close();
        telemetry.emit(event("a.d"));
        assertThat(heard).containsExactly("bad", "good a.b", "good a.c");
        assertThat(kernel.meters().telemetryDetached.get()).isEqualTo(1);
    }

    @Test
    @DisplayName("a handler that is interrupted with its sender stays attached")
    void interrupted() {
        telemetry.subscribe("waits", "a", e -> new CountDownLatch(1).await());
        Thread.currentThread().interrupt();
        telemetry.emit(event("a"));
        assertThat(Thread.interrupted()).isTrue();
        assertThat(telemetry.handlers()).hasSize(1);
    }

    @Test
    @DisplayName("a handler cannot take a process down")
    void process() throws Exception {
        telemetry.subscribe("bad", "work", e -> {
            throw new StackOverflowError("deep");
        });
        ProcessRef<String> ref = kernel.root().startProcess(ChildSpec.<String>process("p", () -> (self, message) -> {
            self.kernel().telemetry().emit(event("work." + message));
            seen.add(event("done " + message));
        }));
        ref.cast("one");
        ref.cast("two");
        eventually("both handled", () -> names().equals(List.of("done one", "done two")));
        assertThat(kernel.find("/p").orElseThrow().restarts()).isZero();
    }

    @Test
    @DisplayName("handlers are attached, listed and detached")
    void listed() {
        telemetry.subscribe("one", "a", seen::add);
        telemetry.subscribe("two", "b", seen::add);
        telemetry.subscribe("two", "", seen::add);
        telemetry.emit(event("b"));
        assertThat(telemetry.handlers())
                .containsExactly(
                        new Telemetry.Attached("one", "a", 0, 0, 0),
                        new Telemetry.Attached("two", "b", 1, 0, 0),
                        new Telemetry.Attached("two", "", 1, 0, 0));
        assertThat(telemetry.detach("two")).isEqualTo(2);
        assertThat(telemetry.detach("two")).isZero();
        assertThat(telemetry.handlers()).hasSize(1);
        telemetry.emit(event("b"));
        assertThat(seen).hasSize(2);
    }

    @Test
    @DisplayName("an event that nobody listens to is not even made")
    void notMade() {
        AtomicInteger made = new AtomicInteger();
        telemetry.emit("a.b", () -> event("a.b" + made.incrementAndGet()));
        telemetry.subscribe("other", "c", seen::add);
        telemetry.emit("a.b", () -> event("a.b" + made.incrementAndGet()));
        assertThat(telemetry.listens("a.b")).isFalse();
        assertThat(made.get()).isZero();
        telemetry.subscribe("this", "a", seen::add);
        telemetry.emit("a.b", () -> event("a.b" + made.incrementAndGet()));
        assertThat(telemetry.listens("a.b")).isTrue();
        assertThat(names()).containsExactly("a.b1");
    }

    @Test
    @DisplayName("a handler that blocks its senders is counted")
    void slow() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        telemetry.subscribe("slow", "a", e -> {
            assertThat(never.await(60, TimeUnit.MILLISECONDS)).isFalse();
        });
        telemetry.emit(event("a"));
        assertThat(kernel.meters().telemetrySlow.get()).isEqualTo(1);
        assertThat(telemetry.handlers())
                .singleElement()
                .satisfies(h -> assertThat(h.slow()).isEqualTo(1));
    }

    @Test
    @DisplayName("a handler with a queue holds up nobody, keeps the order, and drops beyond its capacity")
    void queued() throws Exception {
        CountDownLatch held = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        telemetry.subscribe("queued", "a", 3, e -> {
            held.countDown();
            release.await();
            seen.add(e);
        });
        telemetry.emit(event("a1"));
        held.await();
        for (int i = 2; i <= 5; i++) {
            telemetry.emit(event("a" + i));
        }
        assertThat(kernel.meters().telemetryDropped.get()).isEqualTo(2);
        release.countDown();
        eventually("three handled", () -> names().equals(List.of("a1", "a2", "a3")));
        telemetry.emit(event("a6"));
        eventually("goes on", () -> names().equals(List.of("a1", "a2", "a3", "a6")));
        assertThat(telemetry.handlers())
                .singleElement()
                .satisfies(h -> assertThat(h.dropped()).isEqualTo(2));
    }

    @Test
    @DisplayName("a queued handler that throws is detached")
    void queuedThrows() {
        telemetry.subscribe("queued", "a", 3, e -> {
            throw new IllegalStateException("no");
        });
        telemetry.emit(event("a1"));
        eventually("detached", () -> telemetry.handlers().isEmpty());
        eventually("and counted", () -> kernel.meters().telemetryDetached.get() == 1);
    }

    @Test
    @DisplayName("a handler that two senders make throw at a time is counted once")
    void throwsTwice() throws Exception {
        CyclicBarrier both = new CyclicBarrier(2);
        telemetry.subscribe("bad", "a", e -> {
            both.await();
            throw new IllegalStateException("no");
        });
        kernel.tasks(2).map(List.of("a1", "a2"), name -> {
            telemetry.emit(event(name));
            return 0;
        });
        assertThat(telemetry.handlers()).isEmpty();
        assertThat(kernel.meters().telemetryDetached.get()).isEqualTo(1);
    }

    @Test
    @DisplayName("a handler with a queue gets nothing more once it is detached")
    void queuedDetached() throws Exception {
        CountDownLatch held = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        AtomicReference<Thread> thread = new AtomicReference<>();
        Telemetry.Subscription subscription = telemetry.subscribe("queued", "a", 3, e -> {
            thread.set(Thread.currentThread());
            seen.add(e);
            held.countDown();
            release.await();
        });
        telemetry.emit(event("a1"));
        telemetry.emit(event("a2"));
        held.await();
        subscription.close();
        release.countDown();
        assertThat(thread.get().join(Duration.ofSeconds(10))).isTrue();
        assertThat(names()).containsExactly("a1");
    }

    @Test
    @DisplayName("a handler with a queue may take its time: it is not counted as slow")
    void queuedSlow() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        telemetry.subscribe("queued", "a", 3, e -> {
            assertThat(never.await(60, TimeUnit.MILLISECONDS)).isFalse();
        });
        telemetry.emit(event("a"));
        eventually("handled", () -> telemetry.handlers().getFirst().handled() == 1);
        telemetry.emit(event("a"));
        eventually("handled again", () -> telemetry.handlers().getFirst().handled() == 2);
        assertThat(telemetry.handlers().getFirst().slow()).isZero();
    }

    @Test
    @DisplayName("names without end take no memory without end")
    void manyNames() {
        telemetry.subscribe("t", "a", seen::add);
        for (int i = 0; i < 10_010; i++) {
            telemetry.emit(event("b" + i));
        }
        telemetry.emit(event("a"));
        assertThat(names()).containsExactly("a");
        assertThat(((LocalTelemetry) telemetry).knownNames()).isEqualTo(10_000);
    }

    @Test
    @DisplayName("a handler with a queue is called in the span of the sender, and in none after it")
    void queuedSpan() {
        List<Optional<SpanContext>> spans = new CopyOnWriteArrayList<>();
        telemetry.subscribe("queued", "a", 3, e -> spans.add(SpanContext.current()));
        SpanContext outer = telemetry.span("work", Map.of(), span -> {
            telemetry.emit(event("a1"));
            return SpanContext.current().orElseThrow();
        });
        telemetry.emit(event("a2"));
        eventually("both", () -> spans.equals(List.of(Optional.of(outer), Optional.empty())));
    }

    @Test
    @DisplayName("a span tells its start and its stop, with its duration and what it was given")
    void span() throws Exception {
        telemetry.subscribe("t", "work", seen::add);
        String result = telemetry.span("work", Map.of("job", 7), span -> {
            clock.advance(Duration.ofMillis(3));
            span.put("rows", "many");
            span.measure("rows", 12);
            return "done";
        });
        assertThat(result).isEqualTo("done");
        assertThat(names()).containsExactly("work.start", "work.stop");
        assertThat(seen.getFirst().measurements()).isEqualTo(Map.of("monotonic_nanos", 0L));
        assertThat(seen.getLast().measurements())
                .isEqualTo(Map.of("monotonic_nanos", 3_000_000L, "duration_nanos", 3_000_000L, "rows", 12));
        assertThat(seen.getLast().metadata()).containsEntry("job", 7).containsEntry("rows", "many");
        assertThat(SpanContext.current()).isEmpty();
    }

    @Test
    @DisplayName("a span that throws tells the exception and throws it on")
    void spanThrows() {
        telemetry.subscribe("t", "work", seen::add);
        IOException boom = new IOException("boom");
        assertThatThrownBy(() -> telemetry.<String, IOException>span("work", Map.of(), span -> {
                    throw boom;
                }))
                .isSameAs(boom);
        assertThat(names()).containsExactly("work.start", "work.exception");
        assertThat(seen.getLast().metadata()).containsEntry("error", boom);
        assertThat(seen.getLast().measurements()).containsEntry("duration_nanos", 0L);
    }

    @Test
    @DisplayName("a span inside a span is its child, also across processes that pass the context on")
    void nested() throws Exception {
        telemetry.subscribe("t", "", seen::add);
        record Work(SpanContext span, Consumer<SpanContext> answer) {}
        ProcessRef<Work> ref = kernel.root()
                .startProcess(ChildSpec.<Work>process(
                        "p",
                        () -> (self, work) -> work.span()
                                .call(() -> telemetry.span("inner", Map.of(), span -> {
                                    work.answer().accept(SpanContext.current().orElseThrow());
                                    return 0;
                                }))));
        SpanContext[] outer = new SpanContext[1];
        SpanContext inner = telemetry.span("outer", Map.of(), span -> {
            outer[0] = SpanContext.current().orElseThrow();
            return ref.<SpanContext>call(answer -> new Work(outer[0], answer), Duration.ofSeconds(10));
        });
        assertThat(inner.traceId()).isEqualTo(outer[0].traceId()).hasSize(32);
        assertThat(inner.spanId()).isNotEqualTo(outer[0].spanId()).hasSize(16);
        assertThat(outer[0].traceparent()).matches("00-[0-9a-f]{32}-[0-9a-f]{16}-01");
        assertThat(seen.stream().filter(e -> e.name().equals("inner.start")))
                .singleElement()
                .satisfies(e -> assertThat(e.metadata())
                        .containsEntry("parent", outer[0])
                        .containsEntry("span", inner));
    }

    @Test
    @DisplayName("events are counted")
    void counted() {
        telemetry.emit(event("a"));
        telemetry.subscribe("t", "a", seen::add);
        telemetry.emit(event("a"));
        telemetry.emit(event("b"));
        assertThat(kernel.metrics()
                        .scrape(name -> name.equals("coppice_kernel_telemetry_events"))
                        .get(0)
                        .getDataPoints()
                        .getFirst())
                .extracting(point -> ((io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot)
                                point)
                        .getValue())
                .isEqualTo(1.0);
    }
}
