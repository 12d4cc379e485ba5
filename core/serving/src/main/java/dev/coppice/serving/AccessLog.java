package dev.coppice.serving;

import dev.coppice.kernel.Kernel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Writes a line for every request, off the request's path: lines wait in a bounded queue and are dropped, and counted,
 * when it is full. Safe for use by many threads; listeners may share one.
 *
 * <p>A line is the Combined Log Format followed by the listener's name and the duration in microseconds.
 */
public final class AccessLog {
    private static final int CAPACITY = 8_192;

    private final ArrayBlockingQueue<String> lines = new ArrayBlockingQueue<>(CAPACITY);
    private final AtomicBoolean draining = new AtomicBoolean();
    private final Executor executor;
    private final Consumer<String> target;
    private final ServingMetrics metrics;

    private AccessLog(Kernel kernel, Consumer<String> target) {
        this.executor = HandlerThreads.executor(kernel);
        this.metrics = ServingMetrics.of(kernel.metrics());
        this.target = target;
    }

    /** Appends to a file; whoever rotates it may move it away at any time. */
    public static AccessLog toFile(Kernel kernel, Path file) {
        return new AccessLog(kernel, text -> {
            try {
                Files.writeString(
                        file, text, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    /** Logs at level INFO to the logger {@code dev.coppice.serving.access}. */
    public static AccessLog toLogger(Kernel kernel) {
        System.Logger logger = System.getLogger("dev.coppice.serving.access");
        return new AccessLog(kernel, text -> text.lines().forEach(line -> logger.log(System.Logger.Level.INFO, line)));
    }

    void write(Entry entry) {
        if (!lines.offer(entry.line())) {
            metrics.accessLogDropped.inc();
        }
        if (!lines.isEmpty() && draining.compareAndSet(false, true)) {
            executor.execute(this::drain);
        }
    }

    private void drain() {
        try {
            StringBuilder batch = new StringBuilder();
            String line = lines.poll();
            while (line != null) {
                batch.append(line).append('\n');
                if (batch.length() > 65_536) {
                    target.accept(batch.toString());
                    batch.setLength(0);
                }
                line = lines.poll();
            }
            if (!batch.isEmpty()) {
                target.accept(batch.toString());
            }
        } catch (UncheckedIOException e) {
            metrics.accessLogDropped.inc();
        } finally {
            draining.set(false);
        }
    }

    /** What one line tells. */
    record Entry(
            String listener,
            String remoteAddress,
            String user,
            Instant time,
            String method,
            String target,
            String protocol,
            int status,
            long bytes,
            String userAgent,
            long durationMicros) {

        String line() {
            return remoteAddress + " - " + quote(user) + " [" + time + "] \"" + quote(method) + " " + quote(target)
                    + " " + protocol + "\" " + status + " " + bytes + " \"-\" \"" + quote(userAgent) + "\" " + listener
                    + " " + durationMicros;
        }

        private static String quote(String text) {
            StringBuilder out = new StringBuilder(text.length());
            text.codePoints().limit(2_048).forEach(c -> {
                if (c == '"' || c == '\\') {
                    out.append('\\').appendCodePoint(c);
                } else if (c < 0x20 || c == 0x7f) {
                    out.append("\\x%02x".formatted(c));
                } else {
                    out.appendCodePoint(c);
                }
            });
            return out.toString();
        }
    }
}
