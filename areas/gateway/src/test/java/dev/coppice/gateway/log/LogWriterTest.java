package dev.coppice.gateway.log;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where lines go, what is kept of them, and what becomes of those that nobody takes. */
class LogWriterTest {
    private final AtomicInteger lost = new AtomicInteger();
    private final LogWriter writer = new LogWriter(lost::addAndGet);

    @TempDir
    Path directory;

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** Writes what waits; a sentinel says when all of it is written. */
    private void writeAll() throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        writer.add(
                new LogWriter.Sink.Stream(new ByteArrayOutputStream() {
                    @Override
                    public void flush() {
                        done.countDown();
                    }
                }),
                bytes("end"),
                1);
        try (Kernel kernel = Kernel.start()) {
            kernel.root().start(ChildSpec.task("writer", writer.task()));
            done.await();
        }
    }

    @Test
    void filesAreTurnedOverAndOnlySoManyAreKept() throws Exception {
        Path file = directory.resolve("a/b/log");
        LogWriter.Sink sink = new LogWriter.Sink.RotatedFile(file, 10, 2);
        for (int i = 0; i < 9; i++) {
            writer.add(sink, bytes("line " + i + "\n"), 1);
        }
        writeAll();
        assertThat(file).hasContent("line 8\n");
        assertThat(file.resolveSibling("log.1")).hasContent("line 7\n");
        assertThat(file.resolveSibling("log.2")).hasContent("line 6\n");
        assertThat(file.resolveSibling("log.3")).doesNotExist();
        assertThat(lost).hasValue(0);
    }

    @Test
    void oneFileAloneIsBegunAnew() throws Exception {
        Path file = directory.resolve("log");
        LogWriter.Sink sink = new LogWriter.Sink.RotatedFile(file, 10, 0);
        writer.add(sink, bytes("first\n"), 1);
        writer.add(sink, bytes("second\n"), 1);
        writeAll();
        assertThat(file).hasContent("second\n");
        assertThat(directory.toFile().list()).containsExactly("log");
    }

    @Test
    void whatNobodyTakesIsDroppedAndCounted() throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        LogWriter.Sink sink = new LogWriter.Sink.Stream(out);
        byte[] mebibyte = new byte[1 << 20];
        for (int i = 0; i < 6; i++) {
            writer.add(sink, mebibyte, 10);
        }
        assertThat(lost).hasValue(20);
        LogWriter.Sink other = new LogWriter.Sink.Stream(OutputStream.nullOutputStream());
        writer.add(other, mebibyte, 1);
        assertThat(lost).as("each log has a bound of its own").hasValue(20);
        writeAll();
        assertThat(out.size()).isEqualTo(4 << 20);
        assertThat(sink.waiting()).hasValue(0);
    }

    @Test
    void aFileThatCannotBeWrittenLosesItsLinesAndNoOthers() throws Exception {
        Files.writeString(directory.resolve("file"), "no directory");
        writer.add(new LogWriter.Sink.RotatedFile(directory.resolve("file/log"), 100, 1), bytes("x\n"), 3);
        writer.add(new LogWriter.Sink.RotatedFile(directory.resolve("log"), 100, 1), bytes("y\n"), 1);
        writeAll();
        assertThat(lost).hasValue(3);
        assertThat(directory.resolve("log")).hasContent("y\n");
    }
}
