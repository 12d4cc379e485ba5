package dev.coppice.kernel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * Writes small files, such as keys, whole or not at all: a reader sees the old or the new content, and once {@link #write}
 * returns the new one survives a power cut.
 */
public final class DurableFile {
    private static final FileAttribute<Set<PosixFilePermission>> PRIVATE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    private static final FileAttribute<Set<PosixFilePermission>> PRIVATE_DIRECTORY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    private DurableFile() {}

    /** Writes a file that only its owner may read and write (0600); makes missing directories (0700). */
    public static void write(Path file, String content) throws IOException {
        write(file, content, "rw-------");
    }

    /**
     * Writes a file.
     *
     * @param permissions such as {@code rw-r--r--}; until it is whole, only its owner may read it
     */
    public static void write(Path file, String content, String permissions) throws IOException {
        write(file, content.getBytes(StandardCharsets.UTF_8), permissions);
    }

    /** Like {@link #write(Path, String)}, with bytes. */
    public static void write(Path file, byte[] content) throws IOException {
        write(file, content, "rw-------");
    }

    private static void write(Path file, byte[] content, String permissions) throws IOException {
        Path directory = file.toAbsolutePath().getParent();
        if (directory == null) {
            throw new IOException(file + " is no file that can be written: expected a path below a directory");
        }
        Files.createDirectories(directory, PRIVATE_DIRECTORY);
        Path fresh = Files.createTempFile(directory, ".coppice", ".new", PRIVATE);
        try {
            try (FileChannel channel = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
                ByteBuffer bytes = ByteBuffer.wrap(content);
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString(permissions));
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(fresh);
        }
        // The name itself is part of the directory.
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
