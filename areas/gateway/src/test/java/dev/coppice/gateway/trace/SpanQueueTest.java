package dev.coppice.gateway.trace;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.trace.SpanQueue.Answer;
import dev.coppice.kernel.Timers;
import io.opentelemetry.proto.collector.trace.v1.ExportTracePartialSuccess;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;

/** What is sent when, what is tried again, and what is lost. */
class SpanQueueTest implements SpanQueue.Told {
    private final List<Duration> pauses = new ArrayList<>();
    private final Timers timers = new Timers() {
        @Override
        public Timer schedule(Duration delay, Runnable action) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Timer every(Duration interval, Runnable action) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void sleep(Duration duration) {
            pauses.add(duration);
        }
    };
    private final Deque<Runnable> work = new ArrayDeque<>();
    private final List<Integer> batches = new ArrayList<>();
    private final Deque<Object> answers = new ArrayDeque<>();
    private final Map<String, Long> counts = new TreeMap<>();
    private final List<String> troubles = new ArrayList<>();
    private final SpanQueue queue = new SpanQueue(timers, new Random(1), work::add, "shop", this::answer, this);

    private Answer answer(byte[] body) throws IOException {
        try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(body))) {
            batches.add(ExportTraceServiceRequest.parseFrom(in)
                    .getResourceSpans(0)
                    .getScopeSpans(0)
                    .getSpansCount());
        }
        Object next = answers.isEmpty() ? new Answer(200, new byte[0], 0) : answers.removeFirst();
        if (next instanceof IOException failure) {
            throw failure;
        }
        return (Answer) next;
    }

    @Override
    public void sent(long spans) {
        counts.merge("sent", spans, Long::sum);
    }

    @Override
    public void lost(String reason, long spans) {
        counts.merge(reason, spans, Long::sum);
    }

    @Override
    public void trouble(String what) {
        troubles.add(what);
    }

    private void add(int spans) {
        Span span = new Span(new TraceParent(1, 2, 3, 1), 0, false, "", Span.Kind.SERVER, "GET").lasted(1, 2);
        queue.add(Collections.nCopies(spans, span));
    }

    private void run() {
        while (!work.isEmpty()) {
            work.removeFirst().run();
        }
    }

    @Test
    void whatWaitsIsSentTogether() {
        for (int i = 0; i < 10; i++) {
            add(64);
        }
        assertThat(work).as("one thread").hasSize(1);
        run();
        assertThat(batches).containsExactly(512, 128);
        assertThat(counts).isEqualTo(Map.of("sent", 640L));
    }

    @Test
    void whatThereIsNoPlaceForIsLost() {
        for (int i = 0; i < SpanQueue.MOST_LISTS + 3; i++) {
            add(2);
        }
        run();
        assertThat(counts).isEqualTo(Map.of("sent", 2L * SpanQueue.MOST_LISTS, "full", 6L));
    }

    @Test
    void someFailuresAreTriedAgainAndOthersNot() {
        answers.add(new Answer(503, new byte[0], 1));
        answers.add(new IOException("no answer: connect"));
        add(3);
        run();
        assertThat(batches).containsExactly(3, 3, 3);
        assertThat(counts).isEqualTo(Map.of("sent", 3L));
        assertThat(troubles)
                .containsExactly(
                        "it answered with status 503; it is tried again", "no answer: connect; it is tried again");
        answers.add(new Answer(400, new byte[0], 0));
        add(2);
        run();
        assertThat(counts).isEqualTo(Map.of("sent", 3L, "failed", 2L));
        assertThat(troubles).last().isEqualTo("it answered with status 400; 2 spans are lost");
    }

    @Test
    void triesHaveAnEnd() {
        for (int i = 0; i < 5; i++) {
            answers.add(new Answer(429, new byte[0], 1_000_000));
        }
        add(1);
        add(1);
        run();
        assertThat(batches).hasSize(5);
        assertThat(pauses).as("not as long as it asks for").hasSize(4).containsOnly(Duration.ofSeconds(30));
        assertThat(counts).isEqualTo(Map.of("failed", 2L));
    }

    @Test
    void whatACollectorDoesNotTakeIsLost() {
        answers.add(new Answer(
                200,
                ExportTraceServiceResponse.newBuilder()
                        .setPartialSuccess(
                                ExportTracePartialSuccess.newBuilder().setRejectedSpans(2))
                        .build()
                        .toByteArray(),
                0));
        answers.add(new Answer(200, new byte[] {1, 2, 3}, 0));
        add(5);
        run();
        add(1);
        run();
        assertThat(counts).isEqualTo(Map.of("sent", 4L, "rejected", 2L));
    }
}
