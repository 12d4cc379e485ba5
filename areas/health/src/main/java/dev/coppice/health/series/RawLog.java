package dev.coppice.health.series;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * The results of one hour as they came, one 32-byte record with its checksum after the other. An append is one write; what
 * was not written whole is overwritten by the next. Records with a wrong checksum (a torn tail, a bad sector) are skipped
 * at reading. Guarded by the store's lock.
 */
final class RawLog implements AutoCloseable {
    private final RandomAccessFile file;
    private final byte[] scratch = new byte[Sample.BYTES];
    private long position;
    private boolean dirty;

    /** Opens the log for appending, after its last whole record. */
    RawLog(Path path) throws IOException {
        file = new RandomAccessFile(path.toFile(), "rw");
        position = file.length() / Sample.BYTES * Sample.BYTES;
    }

    void append(Sample sample) throws IOException {
        sample.write(ByteBuffer.wrap(scratch));
        file.seek(position);
        file.write(scratch);
        position += Sample.BYTES;
        dirty = true;
    }

    /** True once since the last append; whoever asks must {@link #sync}. */
    boolean takeDirty() {
        boolean was = dirty;
        dirty = false;
        return was;
    }

    /** Waits until all that was appended is on the disk; may run beside appends. */
    void sync() throws IOException {
        file.getFD().sync();
    }

    @Override
    public void close() throws IOException {
        file.close();
    }

    /** Gives every whole record to the consumer; returns how many were damaged. */
    static long read(Path path, Consumer<Sample> consumer) throws IOException {
        long damaged = 0;
        try (RandomAccessFile in = new RandomAccessFile(path.toFile(), "r")) {
            byte[] chunk = new byte[Sample.BYTES * 4096];
            long left = in.length() / Sample.BYTES * Sample.BYTES;
            if (in.length() != left) {
                damaged++;
            }
            while (left > 0) {
                int size = (int) Math.min(chunk.length, left);
                in.readFully(chunk, 0, size);
                left -= size;
                ByteBuffer buffer = ByteBuffer.wrap(chunk, 0, size);
                while (buffer.remaining() >= Sample.BYTES) {
                    int next = buffer.position() + Sample.BYTES;
                    Sample sample = Sample.read(buffer);
                    buffer.position(next);
                    if (sample == null) {
                        damaged++;
                    } else {
                        consumer.accept(sample);
                    }
                }
            }
        }
        return damaged;
    }
}
