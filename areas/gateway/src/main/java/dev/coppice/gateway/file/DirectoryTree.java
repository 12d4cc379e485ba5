package dev.coppice.gateway.file;

import dev.coppice.gateway.config.ContentConfig.Encoding;
import dev.coppice.kernel.Clock;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Files below a directory of this machine. Each directory on the way is opened within the one before and no symbolic link is followed
 * (openat with O_NOFOLLOW), so that nothing outside is reached, whatever is changed meanwhile. Safe for use by many threads.
 */
public final class DirectoryTree implements FileTree {
    /** Within which a directory may change without its time changing; Linux has 1 to 10 ms. */
    private static final Duration TICK = Duration.ofMillis(20);

    /** To open a file that is exchanged meanwhile. */
    private static final int MOST_TRIES = 10;

    private static final Set<OpenOption> READ = Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);

    private record Opened(SeekableByteChannel channel, FileVersion version) implements OpenFile {
        @Override
        public byte[] read(long from, int count) throws IOException {
            ByteBuffer bytes = ByteBuffer.allocate(count);
            channel.position(from);
            while (bytes.hasRemaining()) {
                if (channel.read(bytes) < 0) {
                    throw new EOFException("the file has become shorter");
                }
            }
            return bytes.array();
        }

        @Override
        public void close() {
            try {
                channel.close();
            } catch (IOException e) {
                // It was read only: nothing is lost.
            }
        }
    }

    private final Path root;
    private final List<String> below;
    private final Clock clock;
    private final AtomicLong opened = new AtomicLong();

    /**
     * Takes a directory below a root.
     *
     * @param root which itself may be reached through links
     * @param below the names of directories on the way; none is followed if it is a link
     * @param clock that the times of the directories are of
     */
    public DirectoryTree(Path root, List<String> below, Clock clock) {
        this.root = root;
        this.below = List.copyOf(below);
        this.clock = clock;
    }

    /** Whether directories of this machine can be opened so that nothing outside of them is reached. */
    public static boolean supported(Path directory) throws IOException {
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory)) {
            return stream instanceof SecureDirectoryStream;
        }
    }

    @Override
    public boolean blocks() {
        return true;
    }

    @Override
    public Found open(FilePath path, List<Encoding> encodings) throws IOException {
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(root)) {
            if (!(stream instanceof SecureDirectoryStream<Path> secure)) {
                throw new IOException("directories cannot be opened safely here");
            }
            List<String> names = new ArrayList<>(below);
            names.addAll(path.names());
            return open(secure, names, encodings);
        } catch (NoSuchFileException | NotDirectoryException | FileSystemLoopException e) {
            return new Found.Nothing();
        } catch (InvalidPathException e) {
            // No file has a name that the machine's encoding of names (LANG) cannot say.
            return new Found.Nothing();
        } catch (FileSystemException e) {
            // A link where none is followed has no exception of its own (ELOOP, ENOTDIR), nor has a name of too many
            // bytes (ENAMETOOLONG).
            if (e.getReason() != null
                    && (e.getReason().contains("symbolic")
                            || e.getReason().contains("directory")
                            || e.getReason().contains("too long"))) {
                return new Found.Nothing();
            }
            throw e;
        }
    }

    private Found open(SecureDirectoryStream<Path> in, List<String> names, List<Encoding> encodings)
            throws IOException {
        Path first = Path.of(names.getFirst());
        if (names.size() > 1) {
            try (SecureDirectoryStream<Path> next = in.newDirectoryStream(first, LinkOption.NOFOLLOW_LINKS)) {
                return open(next, names.subList(1, names.size()), encodings);
            }
        }
        Found encoded = encodings.isEmpty() ? null : encoded(in, first, encodings);
        return encoded == null ? opened(in, first, first.toString(), null) : encoded;
    }

    /** Null: it is there only as it is, or what is beside it is of something that has changed since. */
    private @Nullable Found encoded(SecureDirectoryStream<Path> in, Path file, List<Encoding> encodings)
            throws IOException {
        BasicFileAttributes original = view(in, file).readAttributes();
        for (Encoding each : original.isRegularFile() ? encodings : List.<Encoding>of()) {
            try {
                Path name = Path.of(file + FileTree.ending(each));
                BasicFileAttributes attributes = view(in, name).readAttributes();
                if (attributes.isRegularFile()
                        && attributes.lastModifiedTime().compareTo(original.lastModifiedTime()) >= 0
                        && opened(in, name, file.toString(), each) instanceof Found.File found) {
                    return found;
                }
            } catch (IOException e) {
                // Not there, a link, not to be read, or of a name that is too long: there is the file as it is.
            }
        }
        return null;
    }

    private static BasicFileAttributeView view(SecureDirectoryStream<Path> in, Path name) {
        return in.getFileAttributeView(name, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
    }

    /**
     * Opens a file.
     *
     * @param name that it is told by
     * @param encoding null: it is as it is
     */
    private Found opened(SecureDirectoryStream<Path> in, Path file, String name, @Nullable Encoding encoding)
            throws IOException {
        BasicFileAttributeView directory = in.getFileAttributeView(BasicFileAttributeView.class);
        BasicFileAttributeView named = view(in, file);
        for (int i = 0; i < MOST_TRIES; i++) {
            Instant begun = clock.now();
            FileTime changed = directory.readAttributes().lastModifiedTime();
            // Opening a pipe would wait for whoever writes to it.
            BasicFileAttributes attributes = named.readAttributes();
            if (!attributes.isRegularFile()) {
                return attributes.isDirectory() ? new Found.Directory() : new Found.Nothing();
            }
            SeekableByteChannel channel = in.newByteChannel(file, READ);
            boolean kept = false;
            try {
                long size = channel.size();
                if (size == attributes.size()
                        && same(attributes, named.readAttributes())
                        && changed.equals(directory.readAttributes().lastModifiedTime())) {
                    kept = true;
                    boolean rests = changed.toInstant().plus(TICK).isBefore(begun);
                    FileVersion version = rests ? version(attributes, size) : unknown(size);
                    return new Found.File(
                            new Opened(channel, encoding == null ? version : version.encoded(encoding)),
                            name,
                            encoding);
                }
            } catch (NoSuchFileException e) {
                // It is gone meanwhile, or comes again.
            } finally {
                if (!kept) {
                    channel.close();
                }
            }
        }
        throw new IOException("the file is exchanged again and again while it is opened");
    }

    /**
     * Whether a name had the same file before and after it was opened. Java tells nothing of an open file but its size; that nobody has put another one there and this one
     * back in between, the directory's own time tells.
     */
    private static boolean same(BasicFileAttributes before, BasicFileAttributes after) {
        return Objects.equals(before.fileKey(), after.fileKey())
                && before.lastModifiedTime().equals(after.lastModifiedTime())
                && before.size() == after.size()
                && after.isRegularFile();
    }

    private static FileVersion version(BasicFileAttributes attributes, long size) {
        long modified = attributes.lastModifiedTime().to(TimeUnit.NANOSECONDS);
        String tag = '"' + Long.toHexString(modified) + '-' + Long.toHexString(size) + '"';
        return new FileVersion(tag, Math.floorDiv(modified, 1_000_000_000L), size);
    }

    /** Of a file in a directory that changes right now, faster than its time can tell: nobody gets the same tag again. */
    private FileVersion unknown(long size) {
        String tag =
                '"' + Long.toHexString(clock.nanoTime()) + '-' + Long.toHexString(opened.incrementAndGet()) + "-x\"";
        return new FileVersion(tag, -1, size);
    }
}
