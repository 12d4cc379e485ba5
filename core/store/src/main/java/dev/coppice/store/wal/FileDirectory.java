package dev.coppice.store.wal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A directory of the file system. */
final class FileDirectory implements WalDirectory {

    private final Path path;

    /** Makes the directory when it does not exist. */
    FileDirectory(Path path) throws IOException {
        this.path = Files.createDirectories(path);
    }

    @Override
    public List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(path)) {
            return files.map(file -> String.valueOf(file.getFileName())).toList();
        }
    }

    @Override
    public WalFile open(String name) throws IOException {
        return new OpenFile(path.resolve(name));
    }

    @Override
    public void delete(String name) throws IOException {
        Files.delete(path.resolve(name));
    }

    @Override
    public void sync() throws IOException {
        try (FileChannel directory = FileChannel.open(path, StandardOpenOption.READ)) {
            directory.force(true);
        }
    }

    @Override
    public String toString() {
        return path.toString();
    }

    /** It is read by a channel of its own: a reader that is interrupted closes its channel, which then is opened again. */
    private static final class OpenFile implements WalFile {
        private final Path path;
        private final FileChannel writing;
        private @Nullable FileChannel reading;
        private boolean closed;

        OpenFile(Path path) throws IOException {
            this.path = path;
            this.writing = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        }

        @Override
        public long size() throws IOException {
            return writing.size();
        }

        @Override
        public void read(ByteBuffer into, long position) throws IOException {
            int begin = into.position();
            while (true) {
                FileChannel channel = reading();
                try {
                    readFully(channel, into.position(begin), position);
                    return;
                } catch (ClosedByInterruptException e) {
                    throw e;
                } catch (ClosedChannelException e) {
                    // Another reader was interrupted: its end must not be this one's.
                }
            }
        }

        private static void readFully(FileChannel channel, ByteBuffer into, long position) throws IOException {
            int begin = into.position();
            while (into.hasRemaining()) {
                if (channel.read(into, position + into.position() - begin) < 0) {
                    return;
                }
            }
        }

        private synchronized FileChannel reading() throws IOException {
            if (closed) {
                throw new ClosedChannelException();
            }
            FileChannel channel = reading;
            if (channel == null || !channel.isOpen()) {
                channel = FileChannel.open(path, StandardOpenOption.READ);
                reading = channel;
            }
            return channel;
        }

        @Override
        public void write(ByteBuffer from, long position) throws IOException {
            long next = position;
            while (from.hasRemaining()) {
                next += writing.write(from, next);
            }
        }

        @Override
        public void truncate(long size) throws IOException {
            writing.truncate(size);
        }

        @Override
        public void sync() throws IOException {
            writing.force(false);
        }

        @Override
        public synchronized void close() throws IOException {
            closed = true;
            try (FileChannel first = writing;
                    FileChannel second = reading) {
                // Both are closed, whatever closing the other one gives.
            }
        }
    }
}
