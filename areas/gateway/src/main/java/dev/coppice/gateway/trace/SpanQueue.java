package dev.coppice.gateway.trace;

import dev.coppice.kernel.Backoff;
import dev.coppice.kernel.Timers;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Spans on their way to one collector: handed over in lists without waiting, sent in batches of {@value #MOST_SENT} at most, one batch at a time,
 * {@value #MOST_TRIES} tries each (OTLP 1, "Retryable response codes"). What there is no place for is dropped and counted. There is a thread only while
 * there are spans. Safe for use by many threads.
 */
public final class SpanQueue {
    /** Lists that wait, each of {@value #MOST_LISTED} spans at most. */
    static final int MOST_LISTS = 128;

    /** Spans that are handed over at once. */
    public static final int MOST_LISTED = 64;

    private static final int MOST_SENT = 512;
    private static final int MOST_TRIES = 5;
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
    private static final Backoff PAUSES = Backoff.of(Duration.ofSeconds(1), Duration.ofSeconds(16));

    /**
     * What a collector said.
     *
     * @param retryAfterSeconds 0: it says nothing of that
     */
    public record Answer(int status, byte[] body, long retryAfterSeconds) {}

    /** Sends to the collector. */
    @FunctionalInterface
    public interface Collector {
        /**
         * Sends a body and waits for the answer.
         *
         * @throws IOException in words for people, when there is none in time
         */
        Answer send(byte[] body) throws IOException, InterruptedException;
    }

    /** Told of what became of spans. */
    public interface Told {
        void sent(long spans);

        /** @param reason {@code full}, {@code failed}, {@code rejected}, {@code stopped} */
        void lost(String reason, long spans);

        /** A batch is tried once more, or given up. */
        void trouble(String what);
    }

    private final Timers timers;
    private final RandomGenerator random;
    private final Executor executor;
    private final String service;
    private final Collector collector;
    private final Told told;
    private final BlockingQueue<List<Span>> waiting = new ArrayBlockingQueue<>(MOST_LISTS);
    private final AtomicBoolean running = new AtomicBoolean();

    /**
     * Begins with none.
     *
     * @param executor gives it a thread while there are spans
     * @param service the resource that the spans are of
     */
    public SpanQueue(
            Timers timers, RandomGenerator random, Executor executor, String service, Collector collector, Told told) {
        this.timers = timers;
        this.random = random;
        this.executor = executor;
        this.service = service;
        this.collector = collector;
        this.told = told;
    }

    /** Takes spans over. Never waits. */
    public void add(List<Span> spans) {
        if (!waiting.offer(spans)) {
            told.lost("full", spans.size());
        }
        wake();
    }

    private void wake() {
        if (running.compareAndSet(false, true)) {
            try {
                executor.execute(this::run);
            } catch (RejectedExecutionException e) {
                running.set(false);
            }
        }
    }

    private void run() {
        try {
            for (List<Span> batch = batch(); !batch.isEmpty(); batch = batch()) {
                deliver(batch);
            }
        } finally {
            running.set(false);
        }
        if (!waiting.isEmpty() && !Thread.currentThread().isInterrupted()) {
            wake();
        }
    }

    private List<Span> batch() {
        List<Span> batch = new ArrayList<>();
        while (batch.size() + MOST_LISTED <= MOST_SENT) {
            List<Span> next = waiting.poll();
            if (next == null) {
                break;
            }
            batch.addAll(next);
        }
        return batch;
    }

    private void deliver(List<Span> batch) {
        byte[] body = OtlpRequest.body(batch, service);
        try {
            for (int tries = 1; ; tries++) {
                Answer answer = null;
                String trouble;
                try {
                    answer = collector.send(body);
                    trouble = "it answered with status " + answer.status();
                } catch (IOException e) {
                    trouble = String.valueOf(e.getMessage());
                }
                if (answer != null && answer.status() >= 200 && answer.status() < 300) {
                    long rejected = Math.clamp(OtlpRequest.rejected(answer.body()), 0, batch.size());
                    told.sent(batch.size() - rejected);
                    if (rejected > 0) {
                        told.lost("rejected", rejected);
                    }
                    return;
                }
                if (!mayRetry(answer) || tries == MOST_TRIES) {
                    told.lost("failed", batch.size());
                    told.trouble(trouble + "; " + batch.size() + " spans are lost");
                    return;
                }
                told.trouble(trouble + "; it is tried again");
                timers.sleep(pause(answer, tries));
            }
        } catch (InterruptedException e) {
            told.lost("stopped", batch.size());
            Thread.currentThread().interrupt();
        }
    }

    private static boolean mayRetry(@Nullable Answer answer) {
        return answer == null
                || switch (answer.status()) {
                    case 429, 502, 503, 504 -> true;
                    default -> false;
                };
    }

    private Duration pause(@Nullable Answer answer, int tries) {
        Duration own = PAUSES.delay(tries, random);
        if (answer == null || answer.retryAfterSeconds() <= 0) {
            return own;
        }
        Duration asked = Duration.ofSeconds(Math.min(answer.retryAfterSeconds(), LONGEST_PAUSE.toSeconds()));
        return asked.compareTo(own) > 0 ? asked : own;
    }
}
