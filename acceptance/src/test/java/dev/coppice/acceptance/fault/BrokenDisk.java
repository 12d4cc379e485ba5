package dev.coppice.acceptance.fault;

import dev.coppice.acceptance.Shell;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

/**
 * A node's disk: a file system in memory of its own, of bounded size, below a library that is preloaded into the node (its
 * source is {@code fault/disk.c}). It can be filled, its syncs can fail or be slow, and after a kill it can lose what was
 * never synced.
 */
final class BrokenDisk implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final int SLOTS = 65536;
    private static final int HEADER = 16;
    private static final int HEALTHY = 0;
    private static final int FAILING = 1;
    private static final int SLOW = 2;
    private static final int MEGABYTES = 640;

    private final Path mount;
    private final Path table;
    private final Path library;
    private final MappedByteBuffer shared;

    private BrokenDisk(Path mount, Path table, Path library, MappedByteBuffer shared) {
        this.mount = mount;
        this.table = table;
        this.library = library;
        this.shared = shared;
    }

    /** Compiles the library; the calling test is skipped, loudly, where there is no compiler. */
    static Path compile(Path folder) throws IOException, InterruptedException {
        Shell.need("gcc");
        Path source = folder.resolve("disk.c");
        Path library = folder.resolve("disk.so");
        try (InputStream in = BrokenDisk.class.getResourceAsStream("/fault/disk.c")) {
            if (in == null) {
                throw new IOException("fault/disk.c is not on the class path");
            }
            Files.copy(in, source);
        }
        var unused = Shell.run(
                        LIMIT, "gcc", "-shared", "-fPIC", "-O2", "-o", library.toString(), source.toString(), "-ldl")
                .succeeds();
        return library;
    }

    static BrokenDisk mount(Path folder, Path library) throws IOException, InterruptedException {
        Path mount = Files.createDirectories(folder.resolve("disk"));
        Shell.Outcome mounted = Shell.run(
                LIMIT, "mount", "-t", "tmpfs", "-o", "size=" + MEGABYTES + "m", "coppice-fault", mount.toString());
        if (mounted.status() != 0) {
            Shell.skip("mounting is not permitted here: " + mounted.output());
        }
        Path table = folder.resolve("disk.table");
        try (FileChannel channel =
                FileChannel.open(table, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MappedByteBuffer shared = channel.map(FileChannel.MapMode.READ_WRITE, 0, HEADER + 16L * SLOTS);
            shared.order(ByteOrder.nativeOrder());
            return new BrokenDisk(mount, table, library, shared);
        }
    }

    Path data() {
        return mount.resolve("data");
    }

    /** What has to be in the environment of the node. */
    Map<String, String> environment() {
        return Map.of(
                "LD_PRELOAD", library.toString(),
                "COPPICE_FAULT_TABLE", table.toString(),
                "COPPICE_FAULT_DISK", mount.toString());
    }

    /** From now on every sync fails with an input/output error. */
    void failSyncs() {
        shared.putInt(0, FAILING);
    }

    void slowSyncs(int millis) {
        shared.putInt(4, millis);
        shared.putInt(0, SLOW);
    }

    long failedSyncs() {
        return shared.getLong(8);
    }

    /** Leaves no byte free. */
    void fill() throws IOException, InterruptedException {
        var unused = Shell.run(LIMIT, "dd", "if=/dev/zero", "of=" + mount.resolve("filler"), "bs=64k", "status=none");
    }

    void heal() throws IOException {
        shared.putInt(0, HEALTHY);
        Files.deleteIfExists(mount.resolve("filler"));
    }

    /**
     * The power failed: of every file any part that was never synced may be missing. The node must not run. What is behind
     * the end of the last sync is cut off somewhere, and sometimes what is left of it is garbled.
     *
     * @return what was done, for people
     */
    List<String> losePower(Random random) throws IOException {
        try (Stream<Path> files = Files.walk(data())) {
            return files.filter(Files::isRegularFile)
                    .sorted()
                    .map(each -> lose(each, random))
                    .filter(each -> !each.isEmpty())
                    .toList();
        }
    }

    private String lose(Path file, Random random) {
        try {
            long size = Files.size(file);
            long synced = Math.min(size, synced((Long) Files.getAttribute(file, "unix:ino")));
            if (synced == size) {
                return "";
            }
            long kept = synced + (long) (random.nextDouble() * (size - synced + 1));
            boolean garbled = random.nextInt(3) == 0;
            try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
                open.setLength(kept);
                if (garbled) {
                    byte[] noise = new byte[(int) Math.min(kept - synced, 4096)];
                    random.nextBytes(noise);
                    open.seek(kept - noise.length);
                    open.write(noise);
                }
            }
            return data().relativize(file) + ": " + size + " bytes, " + synced + " synced, " + kept + " kept"
                    + (garbled ? ", garbled" : "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private long synced(long inode) {
        long at = inode * 0x9E3779B97F4A7C15L;
        for (int i = 0; i < SLOTS; i++) {
            int slot = HEADER + 16 * (int) Long.remainderUnsigned(at + i, SLOTS);
            long found = shared.getLong(slot);
            if (found == inode) {
                return shared.getLong(slot + 8);
            }
            if (found == 0) {
                return 0;
            }
        }
        return 0;
    }

    /** A write of a record that did not end: some bytes that were never synced at the end of the newest file of the log. */
    String tearLog(Random random) throws IOException {
        Path newest;
        try (Stream<Path> files = Files.list(data().resolve("store/raft/entries"))) {
            newest = files.filter(each -> each.toString().endsWith(".wal"))
                    .max(Comparator.naturalOrder())
                    .orElseThrow();
        }
        byte[] torn = new byte[1 + random.nextInt(5000)];
        if (random.nextBoolean()) {
            random.nextBytes(torn);
        }
        Files.write(newest, torn, StandardOpenOption.APPEND);
        return data().relativize(newest) + ": " + torn.length + " bytes more";
    }

    @Override
    public void close() throws IOException, InterruptedException {
        var unused = Shell.run(LIMIT, "umount", "--lazy", mount.toString());
    }
}
