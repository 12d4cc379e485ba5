package dev.coppice.server;

import dev.coppice.kernel.Kernel;
import dev.coppice.store.Restoration;
import dev.coppice.store.engine.StateLoader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** Fills the data directory of a node that does not run from a backup, or from a snapshot of etcd. */
public final class DataRestoration {

    /** What may be there before: the keys, without which what is encrypted in the backup stays so. */
    private static final Set<String> KEPT = Set.of("lock", "pki", "token");

    private static final String STORE = "store";

    private DataRestoration() {}

    /**
     * What was done.
     *
     * @param keyspaces what was read of each keyspace
     * @param setAside the store that was there before, when it was forced
     * @param keysMissing whether the directory lacks the keys that Secrets in the backup are encrypted with
     */
    public record Restored(List<StateLoader.Loaded> keyspaces, List<Path> setAside, boolean keysMissing) {}

    /**
     * Restores.
     *
     * @param force also into a directory that has something: its store is set aside, the rest is kept
     * @param withoutChecksum also from a file that has no checksum at its end
     * @throws StartupException when the directory cannot be used, in words for people
     * @throws IOException when the file cannot be read, or is damaged; the directory is as it was then
     */
    public static Restored run(
            Path file, Path data, boolean force, boolean withoutChecksum, Restoration.Progress progress)
            throws StartupException, IOException {
        if (!Files.isRegularFile(file)) {
            throw new StartupException(
                    List.of(
                            file
                                    + ": there is no such file: give a file that `coppice backup` or `etcdctl snapshot save` wrote"),
                    null);
        }
        try (DataDirectory directory = DataDirectory.open(data)) {
            List<Path> others = others(data);
            if (!others.isEmpty() && !force) {
                throw new StartupException(
                        List.of("--data: " + data + " is not empty (it has "
                                + others.getFirst().getFileName()
                                + "): give another directory, or --force to set its store aside and keep the rest"),
                        null);
            }
            Path fresh = directory.resolve("store.restored");
            if (Files.exists(fresh)) {
                throw new StartupException(
                        List.of("--data: " + fresh + " is left of an interrupted restoration: remove it"), null);
            }
            List<StateLoader.Loaded> loaded;
            try (Kernel kernel = Kernel.start()) {
                loaded = new Restoration(file, withoutChecksum, kernel.secureRandom(), progress).run(fresh);
            }
            List<Path> aside = setAside(directory);
            Files.move(fresh, directory.resolve(STORE));
            boolean control = loaded.stream().anyMatch(each -> each.keyspace().equals("control"));
            boolean keysMissing = !Files.exists(directory.resolve("pki").resolve("encryption-keys"));
            return new Restored(loaded, aside, control && keysMissing);
        }
    }

    private static List<Path> others(Path data) throws IOException {
        try (Stream<Path> found = Files.list(data)) {
            return found.filter(each -> !KEPT.contains(each.getFileName().toString()))
                    .sorted()
                    .toList();
        }
    }

    private static List<Path> setAside(DataDirectory directory) throws IOException {
        Path store = directory.resolve(STORE);
        if (!Files.exists(store)) {
            return List.of();
        }
        int number = 1;
        while (Files.exists(directory.resolve(STORE + ".before-" + number))) {
            number++;
        }
        Path aside = directory.resolve(STORE + ".before-" + number);
        Files.move(store, aside);
        return List.of(aside);
    }
}
