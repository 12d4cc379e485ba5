package dev.coppice.store;

import dev.coppice.store.bolt.BoltReader;
import dev.coppice.store.bolt.DamagedFileException;
import dev.coppice.store.engine.NativeLibrary;
import dev.coppice.store.engine.StateLoader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Makes the directory of a store from a {@linkplain Snapshot snapshot}, of Coppice or of etcd 3.4 to 3.6. The file is checked
 * first, then read into a directory beside the target, which takes its name when everything is on disk: until then the
 * target is as it was. The store begins a cluster of its own.
 */
public final class Restoration {

    /** Told how far it is. */
    public interface Progress {
        /** @param step {@code checking} or {@code loading} */
        void reached(String step, long bytes, long ofBytes);
    }

    /** The file in a restored directory that says so, until its log starts with a snapshot of what was restored. */
    static final String RESTORED = "restored";

    private static final int SECTOR_BYTES = 512;
    private static final int BUFFER_BYTES = 1 << 20;

    private final Path file;
    private final boolean withoutChecksum;
    private final SecureRandom random;
    private final Progress progress;

    /**
     * @param withoutChecksum also take a file without a checksum at its end, such as the database of an etcd member
     */
    public Restoration(Path file, boolean withoutChecksum, SecureRandom random, Progress progress) {
        this.file = file;
        this.withoutChecksum = withoutChecksum;
        this.random = random;
        this.progress = progress;
    }

    /**
     * Makes the directory of a store, which must not exist.
     *
     * @return what was restored
     * @throws DamagedFileException when the file is not a sound snapshot
     */
    public List<StateLoader.Loaded> run(Path directory) throws IOException {
        if (Files.exists(directory)) {
            throw new IOException(directory + " exists: give a directory where no store is yet");
        }
        check();
        Path fresh = directory.resolveSibling(directory.getFileName() + ".restoring");
        delete(fresh);
        try {
            Files.createDirectories(fresh);
            NativeLibrary.load(fresh.resolve("native"));
            List<StateLoader.Loaded> loaded = load(fresh.resolve("state"));
            Files.writeString(fresh.resolve(RESTORED), file.getFileName() + "\n");
            Files.move(fresh, directory, StandardCopyOption.ATOMIC_MOVE);
            return loaded;
        } catch (IOException | RuntimeException e) {
            delete(fresh);
            throw e;
        }
    }

    // ---- the checksum

    private void check() throws IOException {
        long size = Files.size(file);
        if (size % SECTOR_BYTES != Snapshot.CHECKSUM_BYTES) {
            if (!withoutChecksum) {
                throw new DamagedFileException(file + " has " + size
                        + " bytes, which a snapshot with its checksum at the end never has: it was cut off, or is no "
                        + "snapshot; for the database of an etcd member itself, pass --skip-hash-check");
            }
            return;
        }
        MessageDigest digest = Snapshot.sha256();
        byte[] expected;
        try (InputStream in = Files.newInputStream(file)) {
            long left = size - Snapshot.CHECKSUM_BYTES;
            byte[] buffer = new byte[BUFFER_BYTES];
            while (left > 0) {
                int read = in.read(buffer, 0, (int) Math.min(buffer.length, left));
                if (read < 0) {
                    throw new DamagedFileException(file + " became shorter while it was read");
                }
                digest.update(buffer, 0, read);
                left -= read;
                progress.reached("checking", size - left, size);
            }
            expected = in.readNBytes(Snapshot.CHECKSUM_BYTES);
        }
        if (!Arrays.equals(expected, digest.digest()) && !withoutChecksum) {
            throw new DamagedFileException(file
                    + " is damaged: its bytes do not match the checksum at its end: copy it again from where it was made, "
                    + "or use another backup");
        }
    }

    // ---- the state

    private List<StateLoader.Loaded> load(Path state) throws IOException {
        List<StateLoader.Loaded> loaded = new ArrayList<>();
        try (BoltReader reader = BoltReader.open(file)) {
            List<String> keyspaces = keyspaces(reader);
            try (StateLoader loader = new StateLoader(
                    reader,
                    state,
                    bytes -> progress.reached("loading", Math.min(bytes, reader.bytes()), reader.bytes()))) {
                for (String name : keyspaces) {
                    loaded.add(loader.load(
                            Snapshot.prefix(name),
                            name,
                            loaded.size() + 1,
                            random.nextLong() & Long.MAX_VALUE | 1L << 62));
                }
                loader.finish();
            }
            progress.reached("loading", reader.bytes(), reader.bytes());
        }
        return loaded;
    }

    private List<String> keyspaces(BoltReader reader) throws IOException {
        if (!reader.buckets().contains("key")) {
            throw new DamagedFileException(
                    file
                            + " is a bbolt database, but has no bucket \"key\": give a snapshot of etcd or a backup of Coppice");
        }
        Map<String, String> manifest = new TreeMap<>();
        reader.forEach(Snapshot.MANIFEST, (key, value) -> {
            if (manifest.size() < 100) {
                manifest.put(new String(key, StandardCharsets.UTF_8), new String(value, StandardCharsets.UTF_8));
            }
        });
        if (manifest.isEmpty()) {
            return List.of(Snapshot.MAIN_KEYSPACE);
        }
        if (!"1".equals(manifest.get("format"))) {
            throw new DamagedFileException(file + " is a backup of format " + manifest.get("format")
                    + ": expected 1: restore it with the Coppice that made it, or a newer one");
        }
        List<String> names = List.of(manifest.getOrDefault("keyspaces", "").split(","));
        for (String name : names) {
            if (!name.matches("[a-z0-9][-a-z0-9]{0,62}") || !reader.buckets().contains(Snapshot.prefix(name) + "key")) {
                throw new DamagedFileException(file + " lacks the keyspace \"" + name + "\" that it lists");
            }
        }
        return names.stream().distinct().toList();
    }

    private static void delete(Path tree) throws IOException {
        if (!Files.exists(tree)) {
            return;
        }
        try (Stream<Path> found = Files.walk(tree)) {
            for (Path each : found.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(each);
            }
        }
    }
}
