package dev.coppice.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.coppice.kernel.Clock;
import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.DeleteRangeResponse;
import io.grpc.Status.Code;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
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

    private interface Body {
        void run(Path disk) throws Exception;
    }

    private void onSmallDisk(int mebibytes, Body body) throws Exception {
        Path disk = Files.createDirectory(directory.resolve("disk"));
        boolean mounted = run("mount", "-t", "tmpfs", "-o", "size=" + mebibytes + "m", "tmpfs", disk.toString());
        if (!mounted) {
            System.out.println("SKIPPED: the full-disk tests need root to mount a tmpfs");
        }
        Assumptions.assumeTrue(mounted, "cannot mount a tmpfs");
        try {
            body.run(disk);
        } finally {
            assertThat(run("umount", "-l", disk.toString())).isTrue();
        }
    }

    /** Fills the disk until so many bytes are left; 0 for up to the last page. */
    private static void fill(Path disk, long leave) throws IOException {
        try (RandomAccessFile file =
                new RandomAccessFile(disk.resolve("ballast").toFile(), "rw")) {
            file.seek(file.length());
            byte[] part = new byte[1 << 16];
            try {
                while (Files.getFileStore(disk).getUsableSpace() > leave) {
                    file.write(part);
                }
            } catch (IOException e) {
                assertThat(leave).as("%s", e).isZero();
            }
        }
    }

    @Test
    void refusesWritesAndGoesOnReading() throws Exception {
        onSmallDisk(192, disk -> {
            try (StoreFixture store = new StoreFixture(disk.resolve("data"))) {
                store.put("a", "1");
                fill(disk, Disk.RESERVE_BYTES / 2);
                await(store, () -> refusal(store) != null);
                StoreException refusal = refusal(store);
                assertThat(refusal).isNotNull();
                assertThat(refusal.code()).isEqualTo(Code.RESOURCE_EXHAUSTED);
                assertThat(refusal).hasMessageContaining("no space left").hasMessageContaining("MiB");
                assertThat(store.get("a")).isNotNull();
                deletesAndCompacts(store);
                fill(disk, Disk.RESERVE_BYTES / 8);
                await(store, () -> catchThrowableOfType(StoreException.class, () -> delete(store, "b")) != null);
                Files.delete(disk.resolve("ballast"));
                await(store, () -> refusal(store) == null);
                store.put("a", "2");
                assertThat(store.get("a")).isEqualTo("2");
            }
        });
    }

    private static DeleteRangeResponse delete(StoreFixture store, String key) {
        return store.keyspace.delete(
                DeleteRangeRequest.newBuilder().setKey(StoreFixture.bytes(key)).build());
    }

    /** What ends the need for space is not refused. */
    private static void deletesAndCompacts(StoreFixture store) {
        assertThat(delete(store, "a").getDeleted()).isEqualTo(1);
        assertThat(store.get("a")).isNull();
        var compacted = store.keyspace.compact(CompactionRequest.newBuilder()
                .setRevision(store.keyspace.revision())
                .setPhysical(true)
                .build());
        assertThat(compacted.getHeader().getRevision()).isEqualTo(store.keyspace.compactedRevision());
        assertThat(refusal(store)).isNotNull();
    }

    /** Without a reserve worth its name the log itself, and the state, meet the full disk. */
    @Test
    void staysReadableWhenTheLogFindsNoSpaceAndHeals() throws Exception {
        onSmallDisk(128, disk -> {
            Path data = disk.resolve("data");
            Map<String, String> acknowledged = new HashMap<>();
            try (StoreFixture store = new StoreFixture(data, Clock.system(), 1L << 30, 1L << 20)) {
                for (int round = 0; round < 2; round++) {
                    StoreException refusal = writeUntilRefused(store, disk, round, acknowledged);
                    assertThat(refusal).hasMessageContaining("no space left");
                    for (int i = 0; i < 30; i++) {
                        assertReadable(store, acknowledged);
                        store.kernel.timers().sleep(Duration.ofMillis(100));
                    }
                    assertThat(refusal(store).code()).isEqualTo(Code.RESOURCE_EXHAUSTED);
                    assertThat(store.store.refusal()).isPresent();
                    Files.delete(disk.resolve("ballast"));
                    await(store, () -> refusal(store) == null);
                    assertReadable(store, acknowledged);
                }
            }
            try (StoreFixture store = new StoreFixture(data)) {
                assertReadable(store, acknowledged);
            }
        });
    }

    /** Others may join it, so its reads ask the leader; when its log fails, it is a leader no more. */
    @Test
    void aClusterOfOneMemberStaysReadableAndHeals() throws Exception {
        onSmallDisk(192, disk -> {
            Map<String, String> acknowledged = new HashMap<>();
            try (ClusterFixture cluster = new ClusterFixture(disk, 1)) {
                ClusterFixture.Node node = cluster.node(1);
                // Not closed: that is the node's matter.
                StoreFixture store = new StoreFixture(Objects.requireNonNull(node.kernel), node.store());
                StoreException refusal = writeUntilRefused(store, disk, 0, acknowledged);
                assertThat(refusal).hasMessageContaining("no space left");
                for (int i = 0; i < 30; i++) {
                    assertReadable(store, acknowledged);
                    store.kernel.timers().sleep(Duration.ofMillis(100));
                }
                Files.delete(disk.resolve("ballast"));
                await(store, () -> refusal(store) == null);
                assertReadable(store, acknowledged);
            }
        });
    }

    /** What the member frees when it ends is filled up, too, so that it finds no space to start in. */
    @Test
    void waitsForSpaceWhenTheMemberDiesOnAFullDisk() throws Exception {
        onSmallDisk(128, disk -> {
            try (StoreFixture store = new StoreFixture(disk.resolve("data"), Clock.system(), 1L << 30, 8L << 20)) {
                store.put("b", "1");
                for (int kill = 0; kill < 2; kill++) {
                    fill(disk, 0);
                    await(store, () -> refusal(store) != null);
                    store.kernel
                            .root()
                            .child("store")
                            .orElseThrow()
                            .supervisor()
                            .child("member")
                            .orElseThrow()
                            .kill();
                    for (int i = 0; i < 20; i++) {
                        fill(disk, 0);
                        store.kernel.timers().sleep(Duration.ofMillis(50));
                    }
                }
                Files.delete(disk.resolve("ballast"));
                await(store, () -> refusal(store) == null);
                assertThat(store.get("b")).isEqualTo("1");
            }
        });
    }

    private static void assertReadable(StoreFixture store, Map<String, String> acknowledged) {
        acknowledged.forEach((key, value) -> assertThat(store.get(key)).as(key).isEqualTo(value));
    }

    /** Fills the disk to the last byte while it writes; gives what refused the last write. */
    private static StoreException writeUntilRefused(
            StoreFixture store, Path disk, int round, Map<String, String> acknowledged) throws Exception {
        String value = "x".repeat(700_000);
        for (int i = 0; i < 300; i++) {
            // The sixth write made the store look at the disk: the next ones do not, and meet it full.
            if (i == 6) {
                fill(disk, 0);
            }
            String key = "r" + round + "-" + i % 40;
            try {
                store.put(key, value + i);
                acknowledged.put(key, value + i);
            } catch (StoreException e) {
                // Whether the last one is kept is not known.
                acknowledged.remove(key);
                return e;
            }
        }
        throw new AssertionError("no write was refused");
    }

    private static StoreException refusal(StoreFixture store) {
        return catchThrowableOfType(StoreException.class, () -> store.put("a", "1"));
    }

    private static void await(StoreFixture store, BooleanSupplier condition) throws InterruptedException {
        for (int i = 0; i < 600 && !condition.getAsBoolean(); i++) {
            store.kernel.timers().sleep(Duration.ofMillis(50));
        }
        assertThat(condition.getAsBoolean()).isTrue();
    }
}
