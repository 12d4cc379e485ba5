package dev.coppice.kernel.flow;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The lines of files, read in ranges of bytes by the workers themselves: a line belongs to the range in which it begins. What
 * is not a regular file, such as a pipe, is read by one thread.
 */
record LineSource(List<Path> files, Charset charset) implements Source {
    static final int RANGE_BYTES = 256 << 10;
    private static final int MAX_LINE_BYTES = 16 << 20;
    /** Charsets in which the byte of a line feed means nothing else. */
    private static final Set<Charset> SPLITTABLE =
            Set.of(StandardCharsets.UTF_8, StandardCharsets.US_ASCII, StandardCharsets.ISO_8859_1);

    @Override
    public boolean isLive() {
        return false;
    }

    @Override
    public Reading open(int stages) {
        Iterator<Path> rest = files.iterator();
        return new Reading() {
            private @Nullable Path file;
            private @Nullable BufferedReader stream;
            private long at;
            private long size;

            @Override
            public @Nullable Part next() throws IOException {
                while (true) {
                    if (file != null && at < size) {
                        long from = at;
                        at = Math.min(size, from + RANGE_BYTES);
                        return new Range(file, charset, from, at);
                    }
                    if (stream != null) {
                        List<Object> lines = lines(stream);
                        if (!lines.isEmpty()) {
                            return new Items(lines);
                        }
                        stream.close();
                        stream = null;
                    }
                    if (!rest.hasNext()) {
                        return null;
                    }
                    begin(rest.next());
                }
            }

            private void begin(Path path) throws IOException {
                if (Files.isRegularFile(path) && SPLITTABLE.contains(charset)) {
                    file = path;
                    at = 0;
                    size = Files.size(path);
                } else {
                    file = null;
                    stream = Files.newBufferedReader(path, charset);
                }
            }

            @Override
            public void close(@Nullable Throwable failure) throws IOException {
                if (stream != null) {
                    stream.close();
                }
            }
        };
    }

    private static List<Object> lines(BufferedReader reader) throws IOException {
        List<Object> lines = new ArrayList<>();
        String line = "";
        while (lines.size() < CHUNK && (line = reader.readLine()) != null) {
            lines.add(line);
        }
        return lines;
    }

    /** The lines that begin in a range of bytes. */
    private record Range(Path file, Charset charset, long from, long to) implements Part {
        @Override
        public void forEach(Taker taker) throws Exception {
            try (FileChannel channel = FileChannel.open(file)) {
                // One byte before the range shows whether a line begins with it.
                long start = Math.max(0, from - 1);
                byte[] bytes = new byte[(int) (to - start) + (8 << 10)];
                int length = fill(channel, bytes, 0, start);
                int at = from == 0 ? 0 : after(bytes, 0, Math.min(length, (int) (to - start)));
                int end = (int) (to - start);
                while (at >= 0 && at < end && at < length) {
                    int feed = after(bytes, at, length);
                    while (feed < 0) {
                        if (length - at > MAX_LINE_BYTES) {
                            throw new IOException("a line of " + file + " that begins at byte " + (start + at)
                                    + " is longer than " + MAX_LINE_BYTES + " bytes, the limit");
                        }
                        bytes = length == bytes.length ? Arrays.copyOf(bytes, bytes.length * 2) : bytes;
                        int more = fill(channel, bytes, length, start);
                        if (more == length) {
                            break;
                        }
                        int before = length;
                        length = more;
                        feed = after(bytes, before, length);
                    }
                    int stop = feed < 0 ? length : feed - 1;
                    if (feed >= 0 && stop > at && bytes[stop - 1] == '\r') {
                        stop--;
                    }
                    taker.take(new String(bytes, at, stop - at, charset));
                    at = feed;
                }
            }
        }

        /** The place after the first line feed; -1 when there is none before {@code to}. */
        private static int after(byte[] bytes, int from, int to) {
            for (int i = from; i < to; i++) {
                if (bytes[i] == '\n') {
                    return i + 1;
                }
            }
            return -1;
        }

        private static int fill(FileChannel channel, byte[] bytes, int from, long start) throws IOException {
            ByteBuffer buffer = ByteBuffer.wrap(bytes, from, bytes.length - from);
            while (buffer.hasRemaining()) {
                if (channel.read(buffer, start + buffer.position()) < 0) {
                    break;
                }
            }
            return buffer.position();
        }
    }
}
