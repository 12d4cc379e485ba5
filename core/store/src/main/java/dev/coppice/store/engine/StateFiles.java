package dev.coppice.store.engine;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;

/** Copies of the files that a state consists of. */
public final class StateFiles {

    /** The last file that is put in place: a state without it is none. */
    private static final String LAST = "CURRENT";

    private StateFiles() {}

    /** Whether there is a whole state. */
    public static boolean present(Path directory) {
        return Files.exists(directory.resolve(LAST));
    }

    /** Puts a copy in place; files that never change are linked. */
    public static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        List<Path> files;
        try (Stream<Path> found = Files.list(from)) {
            files = found.filter(Files::isRegularFile)
                    .filter(file -> !file.getFileName().toString().equals(LAST))
                    .toList();
        }
        for (Path file : files) {
            Path target = to.resolve(file.getFileName());
            Files.deleteIfExists(target);
            if (file.toString().endsWith(".sst")) {
                Files.createLink(target, file);
            } else {
                Files.copy(file, target, StandardCopyOption.REPLACE_EXISTING);
                sync(target);
            }
        }
        sync(to);
        Files.copy(from.resolve(LAST), to.resolve(LAST), StandardCopyOption.REPLACE_EXISTING);
        sync(to.resolve(LAST));
        sync(to);
    }

    /** Removes a state, the file first without which it is none. */
    public static void delete(Path directory) throws IOException {
        Files.deleteIfExists(directory.resolve(LAST));
        if (!Files.isDirectory(directory)) {
            return;
        }
        sync(directory);
        List<Path> files;
        try (Stream<Path> found = Files.list(directory)) {
            files = found.filter(Files::isRegularFile).toList();
        }
        for (Path file : files) {
            Files.delete(file);
        }
    }

    private static void sync(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
