package dev.coppice.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.Status.Code;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a small file system of its own, which needs root to mount; skipped, loudly, for others. */
class FullDiskTest {

    @TempDir
    Path directory;

    private static boolean run(String... command) throws Exception {
        return new ProcessBuilder(command).redirectErrorStream(true).start().waitFor() == 0;
    }

    @Test
    void refusesWritesAndGoesOnReading() throws Exception {
        Path disk = Files.createDirectory(directory.resolve("disk"));
        boolean mounted = run("mount", "-t", "tmpfs", "-o", "size=192m", "tmpfs", disk.toString());
        if (!mounted) {
            System.out.println("SKIPPED: the full-disk test needs root to mount a tmpfs");
        }
        Assumptions.assumeTrue(mounted, "cannot mount a tmpfs");
        try (StoreFixture store = new StoreFixture(disk.resolve("data"))) {
            store.put("a", "1");
            Path ballast = disk.resolve("ballast");
            long free = Files.getFileStore(disk).getUsableSpace();
            try (RandomAccessFile file = new RandomAccessFile(ballast.toFile(), "rw")) {
                byte[] part = new byte[1 << 20];
                for (long left = free - (Store.DISK_RESERVE_BYTES / 2); left > part.length; left -= part.length) {
                    file.write(part);
                }
            }
            await(store, () -> refusal(store) != null);
            StoreException refusal = refusal(store);
            assertThat(refusal).isNotNull();
            assertThat(refusal.code()).isEqualTo(Code.RESOURCE_EXHAUSTED);
            assertThat(refusal).hasMessageContaining("no space left").hasMessageContaining("MiB");
            assertThat(store.get("a")).isNotNull();
            Files.delete(ballast);
            await(store, () -> refusal(store) == null);
            store.put("a", "2");
            assertThat(store.get("a")).isEqualTo("2");
        } finally {
            assertThat(run("umount", "-l", disk.toString())).isTrue();
        }
    }

    private static StoreException refusal(StoreFixture store) {
        return catchThrowableOfType(StoreException.class, () -> store.put("a", "1"));
    }

    private static void await(StoreFixture store, BooleanSupplier condition) throws InterruptedException {
        for (int i = 0; i < 200 && !condition.getAsBoolean(); i++) {
            store.kernel.timers().sleep(Duration.ofMillis(50));
        }
        assertThat(condition.getAsBoolean()).isTrue();
    }
}
