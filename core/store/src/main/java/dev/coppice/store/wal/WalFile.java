package dev.coppice.store.wal;

import java.io.IOException;
import java.nio.ByteBuffer;

/** A file of the log. One thread at a time writes; reads are safe for use by many threads meanwhile. */
interface WalFile extends AutoCloseable {

    long size() throws IOException;

    /** Reads until the buffer is full or the file ends. */
    void read(ByteBuffer into, long position) throws IOException;

    /** Writes all that is left in the buffer; it is on disk after {@link #sync}. */
    void write(ByteBuffer from, long position) throws IOException;

    void truncate(long size) throws IOException;

    /** Returns once data and size are on disk. */
    void sync() throws IOException;

    @Override
    void close() throws IOException;
}
