package dev.coppice.control.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.control.runtime.Eventually;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuditFileTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @TempDir
    Path folder;

    private static byte[] event(int number) {
        return ("{\"number\":" + number + ",\"padding\":\"" + "x".repeat(60) + "\"}").getBytes(StandardCharsets.UTF_8);
    }

    private List<Path> files() throws Exception {
        try (Stream<Path> all = Files.list(folder.resolve("logs"))) {
            return all.sorted().toList();
        }
    }

    private static AuditMetrics metrics(Kernel kernel) {
        return new AuditMetrics(kernel.metrics());
    }

    private static void write(
            Kernel kernel, Path path, AuditFile.Limits limits, AuditBuffer buffer, AuditMetrics metrics)
            throws Exception {
        AuditFile file = new AuditFile(kernel, path, limits, buffer, metrics, new ByteArrayOutputStream());
        var _ = kernel.root().start(ChildSpec.task("audit-log", file::run));
    }

    @Test
    void everyEventIsOneLineInOrderAndRotatedFilesAreWhole() throws Exception {
        Path path = folder.resolve("logs/audit.log");
        try (Kernel kernel = Kernel.start()) {
            AuditMetrics metrics = metrics(kernel);
            AuditBuffer buffer = new AuditBuffer(kernel, "log", 1_000, metrics);
            write(kernel, path, new AuditFile.Limits(1_000, 0, 0), buffer, metrics);
            for (int i = 0; i < 100; i++) {
                buffer.offer(event(i));
            }
        }
        // Stopping wrote what was left.
        List<String> lines = new ArrayList<>();
        for (Path file : files()) {
            assertThat(Files.size(file)).isLessThanOrEqualTo(1_000);
            lines.addAll(Files.readAllLines(file));
        }
        assertThat(files().size()).isGreaterThan(5);
        assertThat(files().stream().map(f -> f.getFileName().toString()))
                .allMatch(n -> n.matches("audit(-\\d{4}-\\d\\d-\\d\\dT\\d\\d-\\d\\d-\\d\\d\\.\\d{3})?\\.log"));
        // By name, the one that was written last stands behind the older ones.
        assertThat(lines).hasSize(100);
        for (int i = 0; i < 100; i++) {
            assertThat(lines.get(i)).startsWith("{\"number\":" + i + ",");
        }
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                .isEqualTo("rw-------");
    }

    @Test
    void backupsBeyondTheirNumberAndAgeGo() throws Exception {
        Path path = folder.resolve("logs/audit.log");
        Files.createDirectories(path.getParent());
        Files.writeString(folder.resolve("logs/audit-2001-01-01T00-00-00.000.log"), "old\n");
        Files.writeString(folder.resolve("logs/audit-of-the-house.log"), "somebody else's\n");
        try (Kernel kernel = Kernel.start()) {
            AuditMetrics metrics = metrics(kernel);
            AuditBuffer buffer = new AuditBuffer(kernel, "log", 1_000, metrics);
            write(kernel, path, new AuditFile.Limits(1_000, 2, 1), buffer, metrics);
            for (int i = 0; i < 100; i++) {
                buffer.offer(event(i));
            }
        }
        assertThat(files()).hasSize(4).contains(folder.resolve("logs/audit-of-the-house.log"), path);
        assertThat(files()).doesNotContain(folder.resolve("logs/audit-2001-01-01T00-00-00.000.log"));
    }

    @Test
    void whileItCannotBeWrittenEventsWaitAndThoseBeyondTheBufferAreCounted() throws Exception {
        Path path = folder.resolve("logs");
        Files.writeString(path, "a file where a directory has to be");
        try (Kernel kernel = Kernel.start()) {
            AuditMetrics metrics = metrics(kernel);
            AuditBuffer buffer = new AuditBuffer(kernel, "log", 10, metrics);
            write(kernel, path.resolve("audit.log"), new AuditFile.Limits(1_000_000, 0, 0), buffer, metrics);
            buffer.offer(event(0));
            Eventually.eventually(LIMIT, () -> buffer.size() == 0);
            for (int i = 1; i <= 15; i++) {
                buffer.offer(event(i));
            }
            assertThat(metrics.dropped.labelValues("log", "full").get()).isEqualTo(5);
            Files.delete(path);
            Eventually.eventually(LIMIT, () -> buffer.size() == 0);
        }
        assertThat(Files.readAllLines(path.resolve("audit.log"))).hasSize(11);
    }

    @Test
    void bytesThatWaitAreBounded() throws Exception {
        try (Kernel kernel = Kernel.start()) {
            AuditMetrics metrics = metrics(kernel);
            AuditBuffer buffer = new AuditBuffer(kernel, "log", 1_000, metrics);
            byte[] large = new byte[10 << 20];
            for (int i = 0; i < 10; i++) {
                buffer.offer(large);
            }
            assertThat(buffer.size()).isEqualTo((int) (AuditBuffer.MOST_BYTES / large.length));
            assertThat(buffer.rest(100)).hasSize(6);
            buffer.offer(large);
            assertThat(buffer.size()).isEqualTo(1);
        }
    }
}
