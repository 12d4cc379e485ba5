package dev.coppice.gateway.tap;

import dev.coppice.expression.EvaluationException;
import dev.coppice.gateway.log.Escapes;
import dev.coppice.gateway.log.LogClock;
import dev.coppice.gateway.log.LogField;
import dev.coppice.gateway.log.LogFormat;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Requests and streams that one watcher is shown, as lines of JSON. What comes faster than {@value #MOST_A_SECOND} a second, or than it is read, is dropped, and the
 * watcher is told how many. Safe for use by many threads.
 */
public final class Tap implements AutoCloseable {
    static final int MOST_A_SECOND = 200;
    private static final int MOST_WAITING = 256;
    private static final int MOST_HEADERS = 100;
    private static final long SECOND_NANOS = 1_000_000_000;
    /** No line: it is over. */
    private static final String END = "";

    private final TapQuestion question;
    private final Consumer<Tap> closed;
    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final AtomicInteger taken = new AtomicInteger();
    private final AtomicLong seen = new AtomicLong();
    private final AtomicLong dropped = new AtomicLong();
    private volatile @Nullable String reason;
    private long second;
    private int inSecond;
    private long told;

    Tap(TapQuestion question, Consumer<Tap> closed) {
        this.question = question;
        this.closed = closed;
    }

    /** A request is over. Never waits for the watcher. */
    void tell(TappedRequest request, LogClock clock, long now) {
        if (reason != null || !wants(request)) {
            return;
        }
        seen.incrementAndGet();
        if (lines.size() >= MOST_WAITING || !inTime(now)) {
            dropped.incrementAndGet();
            return;
        }
        int number = taken.incrementAndGet();
        if (number <= question.limit()) {
            lines.add(line(request, clock));
        }
        if (number == question.limit()) {
            end("limit");
        }
    }

    private boolean wants(TappedRequest request) {
        if (!question.route().isEmpty() && !question.route().equals(request.route())) {
            return false;
        }
        if (!question.protocols().isEmpty() && !question.protocols().contains(protocol(request))) {
            return false;
        }
        try {
            return question.match() == null || question.match().test(request.variables());
        } catch (EvaluationException e) {
            return false;
        }
    }

    private static String protocol(TappedRequest request) {
        return request.stream() ? String.valueOf(request.text(LogField.PROTOCOL)) : TapQuestion.HTTP;
    }

    private synchronized boolean inTime(long now) {
        if (now - second >= SECOND_NANOS || inSecond == 0) {
            second = now;
            inSecond = 0;
        }
        return ++inSecond <= MOST_A_SECOND;
    }

    private String line(TappedRequest request, LogClock clock) {
        StringBuilder line = new StringBuilder(512);
        LogFormat.JSON.add(line, request, clock);
        if (question.headers() && !request.stream()) {
            line.setLength(line.length() - 1);
            line.append(",\"request_headers\":[");
            request.requestHeaders(headers(line));
            line.append("],\"response_headers\":[");
            request.responseHeaders(headers(line));
            line.append("]}");
        }
        return line.toString();
    }

    private static BiConsumer<String, String> headers(StringBuilder line) {
        int[] count = {0};
        return (name, value) -> {
            if (count[0]++ < MOST_HEADERS) {
                line.append(count[0] == 1 ? "" : ",");
                Escapes.json(line, name + ": " + value);
            }
        };
    }

    /** Ends it; the reason of the first call counts. What waits is still read. */
    public void end(String why) {
        synchronized (this) {
            if (reason != null) {
                return;
            }
            reason = why;
        }
        lines.add(END);
    }

    /** Waits for the next line; null when it is over. */
    public @Nullable String next() throws InterruptedException {
        long lost = dropped.get();
        if (lost != told && !lines.isEmpty()) {
            String line = "{\"dropped\":" + (lost - told) + "}";
            told = lost;
            return line;
        }
        String line = lines.take();
        return line.equals(END) ? null : line;
    }

    /** How it went, as a last line. */
    public String summary() {
        return "{\"end\":\"" + (reason == null ? "" : reason) + "\",\"matched\":" + seen + ",\"dropped\":" + dropped
                + "}";
    }

    /** Nobody watches any more. */
    @Override
    public void close() {
        end("closed");
        closed.accept(this);
    }
}
