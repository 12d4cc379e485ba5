package dev.coppice.gateway.log;

import dev.coppice.kernel.Task;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/**
 * Writes lines that event loops hand over, in chunks, so that these never wait: what is not taken in time is dropped and counted. At most
 * {@value #MOST_WAITING_BYTES} bytes of each log wait. Safe for use by many threads.
 */
public final class LogWriter {
    private static final int MOST_WAITING = 1024;
    private static final int MOST_WAITING_BYTES = 4 << 20;

    /** Where the lines of one log go. */
    public sealed interface Sink {
        /** Bytes that wait. */
        AtomicInteger waiting();

        /** A file that is turned over before it has more than so many bytes, if no chunk is larger; so many older ones are kept. */
        record RotatedFile(Path path, long mostBytes, int kept, AtomicInteger waiting) implements Sink {
            public RotatedFile(Path path, long mostBytes, int kept) {
                this(path, mostBytes, kept, new AtomicInteger());
            }
        }

        /** What is there already, and is only written to. */
        record Stream(OutputStream out, AtomicInteger waiting) implements Sink {
            public Stream(OutputStream out) {
                this(out, new AtomicInteger());
            }
        }
    }

    private record Chunk(Sink sink, byte[] bytes, int lines) {}

    private final BlockingQueue<Chunk> waiting = new ArrayBlockingQueue<>(MOST_WAITING);
    private final IntConsumer lost;

    /** @param lost told of lines that were dropped */
    public LogWriter(IntConsumer lost) {
        this.lost = lost;
    }

    /** Takes lines over. Never waits. */
    public void add(Sink sink, byte[] bytes, int lines) {
        if (sink.waiting().addAndGet(bytes.length) > MOST_WAITING_BYTES
                || !waiting.offer(new Chunk(sink, bytes, lines))) {
            sink.waiting().addAndGet(-bytes.length);
            lost.accept(lines);
        }
    }

    /** Writes what is handed over, until it is interrupted. */
    public Task task() {
        return () -> {
            while (true) {
                Chunk each = waiting.take();
                try {
                    write(each);
                } catch (IOException e) {
                    // The traffic goes on; the disk may have space again later.
                    lost.accept(each.lines);
                } finally {
                    each.sink.waiting().addAndGet(-each.bytes.length);
                }
            }
        };
    }

    private static void write(Chunk chunk) throws IOException {
        switch (chunk.sink) {
            case Sink.Stream stream -> {
                stream.out.write(chunk.bytes);
                stream.out.flush();
            }
            case Sink.RotatedFile file -> append(file, chunk.bytes);
        }
    }

    private static void append(Sink.RotatedFile file, byte[] bytes) throws IOException {
        Path path = file.path;
        if (!Files.exists(path)) {
            Files.createDirectories(path.toAbsolutePath().getParent());
        } else if (Files.size(path) + bytes.length > file.mostBytes) {
            for (int number = file.kept; number > 0; number--) {
                Path older = number == 1 ? path : numbered(path, number - 1);
                if (Files.exists(older)) {
                    Files.move(older, numbered(path, number), StandardCopyOption.REPLACE_EXISTING);
                }
            }
            Files.deleteIfExists(path);
        }
        try (OutputStream out = Files.newOutputStream(path, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            out.write(bytes);
        }
    }

    private static Path numbered(Path path, int number) {
        return path.resolveSibling(path.getFileName() + "." + number);
    }
}
