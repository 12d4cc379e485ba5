package dev.coppice.server;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.kernel.DurableFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;

/**
 * A node's data directory, mode 0700, locked by the process that uses it.
 *
 * <pre>
 *   lock          held while a node runs
 *   node.json     where the running (or last) node listens
 *   token         the administrator's bearer token, 0600
 *   kubeconfig    for kubectl, 0600
 *   pki/          the certificate authority and what it issued
 *   store/        keyspaces and the Raft log
 *   areas/NAME/   what each area keeps
 * </pre>
 *
 * Safe for use by many threads.
 */
public final class DataDirectory implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path root;
    private final FileChannel channel;
    private final FileLock lock;

    private DataDirectory(Path root, FileChannel channel, FileLock lock) {
        this.root = root;
        this.channel = channel;
        this.lock = lock;
    }

    /** Makes the directory if needed, and locks it. */
    static DataDirectory open(Path root) throws StartupException {
        try {
            if (!Files.isDirectory(root)) {
                Files.createDirectories(
                        root, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            }
            FileChannel channel =
                    FileChannel.open(root.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock;
            try {
                lock = channel.tryLock();
            } catch (OverlappingFileLockException e) {
                lock = null;
            }
            if (lock == null) {
                channel.close();
                throw new StartupException(
                        List.of("--data: another Coppice runs on " + root
                                + ": stop it (it says its address by `coppice status`), or give another directory"),
                        null);
            }
            return new DataDirectory(root, channel, lock);
        } catch (FileAlreadyExistsException e) {
            throw new StartupException(
                    List.of("--data: " + root + " is a file: expected a directory, or a path where one can be made"),
                    e);
        } catch (IOException e) {
            throw new StartupException(
                    List.of("--data: cannot use " + root + ": " + e.getClass().getSimpleName() + ": " + e.getMessage()
                            + ": give a directory that this user may write, with --data"),
                    e);
        }
    }

    public Path root() {
        return root;
    }

    public Path tokenFile() {
        return root.resolve("token");
    }

    public Path kubeconfig() {
        return root.resolve("kubeconfig");
    }

    Path resolve(String name) {
        return root.resolve(name);
    }

    /** What a node wrote about itself when it became ready. */
    public static Optional<ObjectNode> node(Path root) throws IOException {
        Path file = root.resolve("node.json");
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        return Optional.of((ObjectNode) JSON.readTree(Files.readString(file)));
    }

    void writeNode(ObjectNode node) throws IOException {
        DurableFile.write(
                root.resolve("node.json"), JSON.writerWithDefaultPrettyPrinter().writeValueAsString(node) + "\n");
    }

    @Override
    public void close() {
        try (channel) {
            lock.release();
        } catch (IOException e) {
            throw new UncheckedIOException("the lock of " + root + " could not be given back", e);
        }
    }
}
