package dev.coppice.gateway.proxy;

import dev.coppice.kernel.Clock;
import dev.coppice.kernel.Task;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * A line of JSON for each answered request, in a file that is turned over at {@value #MOST_BYTES} bytes; {@value #KEPT_FILES} old
 * ones are kept. Event loops never wait for it: each collects lines and hands them over, and what the disk cannot take is dropped
 * and counted. Safe for use by many threads.
 */
final class AccessLog {
    private static final int CHUNK = 32 << 10;
    private static final int CHUNKS_WAITING = 128;
    private static final long MOST_BYTES = 64L << 20;
    private static final int KEPT_FILES = 3;

    private record Chunk(byte[] bytes, int lines) {}

    private final @Nullable Path file;
    private final Clock clock;
    private final ProxyMetrics metrics;
    private final BlockingQueue<Chunk> waiting = new ArrayBlockingQueue<>(CHUNKS_WAITING);

    /** @param file null: nothing is written */
    AccessLog(@Nullable Path file, Clock clock, ProxyMetrics metrics) {
        this.file = file;
        this.clock = clock;
        this.metrics = metrics;
    }

    Lines lines() {
        return new Lines();
    }

    /** The lines of one event loop, not yet handed over. For that loop only. */
    final class Lines {
        private final StringBuilder text = new StringBuilder(file == null ? 0 : CHUNK + 4096);
        private int lines;
        private long second = Long.MIN_VALUE;
        private String secondText = "";

        void add(Exchange exchange, long nanos) {
            if (file == null) {
                return;
            }
            text.append("{\"time\":\"");
            time();
            text.append("\",\"client\":\"").append(exchange.clientAddress());
            text.append("\",\"method\":");
            quoted(exchange.method());
            text.append(",\"host\":");
            quoted(exchange.host());
            text.append(",\"target\":");
            quoted(exchange.target());
            text.append(",\"status\":").append(exchange.status());
            text.append(",\"bytes_in\":").append(exchange.bytesIn());
            text.append(",\"bytes_out\":").append(exchange.bytesOut());
            text.append(",\"micros\":").append(nanos / 1000);
            text.append(",\"route\":");
            quoted(exchange.routeName());
            text.append(",\"endpoint\":\"").append(exchange.endpointText());
            text.append("\",\"tries\":").append(exchange.tries());
            String subject = exchange.subject();
            if (!subject.isEmpty()) {
                text.append(",\"subject\":");
                quoted(subject);
            }
            String policy = exchange.deniedBy();
            if (!policy.isEmpty()) {
                text.append(",\"policy\":");
                quoted(policy);
            }
            String limit = exchange.refusedBy();
            if (!limit.isEmpty()) {
                text.append(",\"limit\":");
                quoted(limit);
            }
            String reason = exchange.reason();
            if (!reason.isEmpty()) {
                text.append(",\"reason\":\"").append(reason).append('"');
            }
            text.append(",\"agent\":");
            quoted(exchange.agent());
            text.append("}\n");
            lines++;
            if (text.length() >= CHUNK) {
                flush();
            }
        }

        private void time() {
            Instant now = clock.now();
            if (now.getEpochSecond() != second) {
                second = now.getEpochSecond();
                String iso = Instant.ofEpochSecond(second).toString();
                secondText = iso.substring(0, iso.length() - 1);
            }
            int millis = now.getNano() / 1_000_000;
            text.append(secondText).append('.');
            text.append((char) ('0' + millis / 100));
            text.append((char) ('0' + millis / 10 % 10));
            text.append((char) ('0' + millis % 10)).append('Z');
        }

        private void quoted(@Nullable String value) {
            text.append('"');
            for (int i = 0; value != null && i < value.length(); i++) {
                char c = value.charAt(i);
                if (c == '"' || c == '\\') {
                    text.append('\\').append(c);
                } else if (c < ' ' || c >= 0x7F) {
                    text.append("\\u")
                            .append(Character.forDigit(c >> 12 & 15, 16))
                            .append(Character.forDigit(c >> 8 & 15, 16))
                            .append(Character.forDigit(c >> 4 & 15, 16))
                            .append(Character.forDigit(c & 15, 16));
                } else {
                    text.append(c);
                }
            }
            text.append('"');
        }

        /** Hands over what there is. */
        void flush() {
            if (lines == 0) {
                return;
            }
            metrics.accessLines.inc(lines);
            Chunk chunk = new Chunk(text.toString().getBytes(StandardCharsets.ISO_8859_1), lines);
            if (!waiting.offer(chunk)) {
                metrics.accessLinesLost.inc(lines);
            }
            text.setLength(0);
            lines = 0;
        }
    }

    /** Writes what is handed over, until it is interrupted. */
    Task writer() {
        return () -> {
            Path target = file;
            if (target == null) {
                return;
            }
            Files.createDirectories(target.toAbsolutePath().getParent());
            while (true) {
                Chunk first = waiting.take();
                try {
                    append(target, first);
                } catch (IOException e) {
                    // The traffic goes on; the disk may have space again later.
                    metrics.accessLinesLost.inc(first.lines);
                }
            }
        };
    }

    private void append(Path target, Chunk first) throws IOException {
        try (OutputStream out = Files.newOutputStream(target, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            for (Chunk each = first; each != null; each = waiting.poll()) {
                out.write(each.bytes);
            }
        }
        if (Files.size(target) > MOST_BYTES) {
            for (int number = KEPT_FILES; number > 0; number--) {
                Path older = number == 1 ? target : numbered(target, number - 1);
                if (Files.exists(older)) {
                    Files.move(older, numbered(target, number), StandardCopyOption.REPLACE_EXISTING);
                }
            }
        }
    }

    private static Path numbered(Path target, int number) {
        return target.resolveSibling(target.getFileName() + "." + number);
    }
}
