package dev.coppice.gateway.tap;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.coppice.control.Authorizer;
import dev.coppice.kernel.Timers;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Answers {@code GET /gateway/tap?route=NAMESPACE/NAME&protocol=TCP,TLS&match=CEL&headers=true&limit=100&duration=1m} with lines of JSON as requests end, and a last one that says
 * why it is over; as server-sent events for those who accept these. Whoever asks has to be allowed to get that path (nonResourceURLs). Safe for use by many
 * threads.
 */
public final class TapHandler implements Handler {
    public static final String PATH = "/gateway/tap";
    private static final String EVENTS = "text/event-stream";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final @Nullable Taps taps;
    private final Authorizer authorizer;
    private final Timers timers;

    /** @param taps null: the data plane shows none */
    public TapHandler(@Nullable Taps taps, Authorizer authorizer, Timers timers) {
        this.taps = taps;
        this.authorizer = authorizer;
        this.timers = timers;
    }

    private boolean allowed(Exchange exchange) {
        return authorizer.authorizePath(exchange.identity(), "get", PATH).allowed();
    }

    @Override
    public void handle(Exchange exchange) throws Exception {
        if (!allowed(exchange)) {
            refuse(
                    exchange,
                    403,
                    "you may not get " + PATH + "; an administrator can grant it by RBAC (nonResourceURLs)");
            return;
        }
        if (!exchange.path().equals(PATH) || taps == null) {
            refuse(exchange, 404, "there is no " + exchange.path() + "; expected " + PATH);
            return;
        }
        TapQuestion question;
        try {
            question = TapQuestion.of(
                    exchange.query("route").orElse(""),
                    exchange.query("protocol").orElse(""),
                    exchange.query("match").orElse(""),
                    exchange.query("headers").orElse(""),
                    exchange.query("limit").orElse(""),
                    exchange.query("duration").orElse(""));
        } catch (IllegalArgumentException e) {
            refuse(exchange, 400, String.valueOf(e.getMessage()));
            return;
        }
        Optional<Tap> opened = taps.open(question);
        if (opened.isEmpty()) {
            exchange.setHeader("Retry-After", "60");
            refuse(exchange, 429, Taps.MOST_WATCHERS + " watch already; end one of them, or try again later");
            return;
        }
        try (Tap tap = opened.get()) {
            Timers.Timer timer = timers.schedule(question.duration(), () -> tap.end("duration"));
            try {
                stream(exchange, tap);
            } finally {
                timer.cancel();
            }
        }
    }

    private void stream(Exchange exchange, Tap tap) throws IOException, InterruptedException {
        boolean events = exchange.header("Accept").orElse("").contains(EVENTS);
        exchange.setHeader("Content-Type", events ? EVENTS + "; charset=utf-8" : "application/x-ndjson")
                .setHeader("Cache-Control", "no-store")
                .setHeader("X-Accel-Buffering", "no");
        exchange.onClose(() -> tap.end("closed"));
        try (OutputStream out = exchange.stream()) {
            out.flush();
            for (String line = tap.next(); line != null; line = tap.next()) {
                if (!allowed(exchange)) {
                    tap.end("forbidden");
                    break;
                }
                write(out, line, events);
            }
            write(out, tap.summary(), events);
        }
    }

    private static void write(OutputStream out, String line, boolean event) throws IOException {
        out.write((event ? "data: " + line + "\n\n" : line + "\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    private static void refuse(Exchange exchange, int code, String message) throws IOException {
        exchange.status(code)
                .setHeader("Content-Type", "application/json")
                .send(JSON.writeValueAsBytes(Map.of("code", code, "message", message)));
    }
}
