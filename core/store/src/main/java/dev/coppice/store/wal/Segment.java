package dev.coppice.store.wal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A file with consecutive entries of the log. All numbers are big-endian:
 *
 * <pre>
 * header   magic "coppice" 0x01 (8)   index of the first entry (8)   CRC-32C of these (4)
 * entry    CRC-32C of all behind it (4)   length of the data (4)   index (8)   term (8)
 *          where its batch begins in this file (4)   kind (4)   data
 * </pre>
 *
 * <p>A batch is what is written before one sync. An entry of a later batch proves that the earlier ones were synced: so damage in
 * the last batch is a write that a crash cut off, and damage before it is a broken disk. Where entries lie is kept in memory, four
 * bytes for each. One thread at a time changes it; reads are safe for use by many threads meanwhile.
 */
final class Segment implements AutoCloseable {

    static final int HEADER_BYTES = 20;
    static final int ENTRY_HEADER_BYTES = 32;
    private static final long MAGIC = 0x636f_7070_6963_6501L;
    private static final int CRC_BYTES = 4;
    private static final int BUFFER_BYTES = 1 << 20;
    private static final String SUFFIX = ".wal";

    private final String name;
    private final WalFile file;
    private final long first;

    // Where each entry begins, and where the last one ends. Guarded by this.
    private int[] offsets = new int[64];
    private int count;
    private int end = HEADER_BYTES;

    /** Where the last batch began when it was opened. */
    private int lastBatch = HEADER_BYTES;

    private Segment(String name, WalFile file, long first) {
        this.name = name;
        this.file = file;
        this.first = first;
    }

    static String name(long first) {
        return String.format(Locale.ROOT, "%020d%s", first, SUFFIX);
    }

    static boolean named(String file) {
        return file.matches("\\d{20}\\" + SUFFIX);
    }

    /** Makes a segment without entries, on disk when this returns. */
    static Segment create(WalDirectory directory, long first) throws IOException {
        String name = name(first);
        WalFile file = directory.open(name);
        try {
            file.truncate(0);
            ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).putLong(MAGIC).putLong(first);
            header.putInt(crc(header.duplicate().flip())).flip();
            file.write(header, 0);
            file.sync();
            directory.sync();
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
        return new Segment(name, file, first);
    }

    /**
     * Opens a segment. Of the newest one, a batch that was cut off is removed, and the last whole one is written and synced again:
     * it may never have reached the disk.
     *
     * @param each is given every entry; its data is only good during the call
     * @return null for the newest when it was cut off before its header was whole
     */
    static @Nullable Segment open(WalDirectory directory, String name, boolean newest, Consumer<Record> each)
            throws IOException {
        long first = Long.parseLong(name.substring(0, name.length() - SUFFIX.length()));
        Segment segment = new Segment(name, directory.open(name), first);
        try {
            if (!segment.hasHeader()) {
                if (newest && segment.file.size() <= HEADER_BYTES) {
                    segment.close();
                    return null;
                }
                throw new CorruptLogException("the header of " + name + " in " + directory + " is damaged");
            }
            segment.scan(each);
            if (segment.end < segment.file.size()) {
                segment.cutOff(directory, newest);
            }
            if (newest) {
                segment.writeLastBatchAgain();
            }
        } catch (IOException | RuntimeException e) {
            segment.close();
            throw e;
        }
        return segment;
    }

    private boolean hasHeader() throws IOException {
        ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
        file.read(header, 0);
        header.flip();
        return header.remaining() == HEADER_BYTES
                && header.getLong(0) == MAGIC
                && header.getLong(8) == first
                && header.getInt(16) == crc(header.slice(0, 16));
    }

    /** Finds the entries, up to the first that is none. */
    private void scan(Consumer<Record> each) throws IOException {
        long size = file.size();
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).limit(0);
        long bufferBegin = end;
        while (end + ENTRY_HEADER_BYTES <= size) {
            int at = (int) (end - bufferBegin);
            int needed = ENTRY_HEADER_BYTES;
            if (buffer.limit() - at >= needed) {
                long whole = ENTRY_HEADER_BYTES + (long) buffer.getInt(at + CRC_BYTES);
                if (whole < ENTRY_HEADER_BYTES || end + whole > size) {
                    return;
                }
                needed = (int) whole;
            }
            if (buffer.limit() - at < needed) {
                bufferBegin = end;
                buffer = needed > buffer.capacity() ? ByteBuffer.allocate(needed) : buffer.clear();
                file.read(buffer, bufferBegin);
                buffer.flip();
                if (buffer.limit() < needed) {
                    return;
                }
                continue;
            }
            Record found = parse(buffer.slice(at, needed), first + count);
            if (found == null) {
                return;
            }
            lastBatch = buffer.getInt(at + 24);
            each.accept(found);
            add(end);
            end += needed;
        }
    }

    private static @Nullable Record parse(ByteBuffer entry, long index) {
        if (entry.getInt(CRC_BYTES) != entry.limit() - ENTRY_HEADER_BYTES
                || entry.getLong(8) != index
                || entry.getInt(0) != crc(entry.slice(CRC_BYTES, entry.limit() - CRC_BYTES))) {
            return null;
        }
        return new Record(
                index,
                entry.getLong(16),
                entry.getInt(28),
                entry.slice(ENTRY_HEADER_BYTES, entry.limit() - ENTRY_HEADER_BYTES));
    }

    private void cutOff(WalDirectory directory, boolean newest) throws IOException {
        if (!newest || laterBatch()) {
            throw new CorruptLogException("entry " + (first + count) + " of the log is damaged (" + name + " in "
                    + directory + ", at byte " + end + ")");
        }
        file.truncate(end);
        file.sync();
    }

    /** Whether an entry behind the damage was written after the damaged ones had been synced. */
    private boolean laterBatch() throws IOException {
        ByteBuffer rest = ByteBuffer.allocate(Math.toIntExact(file.size() - end));
        file.read(rest, end);
        rest.flip();
        for (int at = 1; at + ENTRY_HEADER_BYTES <= rest.limit(); at++) {
            long length = rest.getInt(at + CRC_BYTES);
            long index = rest.getLong(at + 8);
            int batch = rest.getInt(at + 24);
            boolean possible = length >= 0
                    && at + ENTRY_HEADER_BYTES + length <= rest.limit()
                    && index > first + count
                    && batch > end
                    && batch <= end + at;
            if (possible && parse(rest.slice(at, ENTRY_HEADER_BYTES + (int) length), index) != null) {
                return true;
            }
        }
        return false;
    }

    /**
     * A process before may have written it and ended before its sync, or its sync failed, after which the system may take pages for
     * written that are not.
     */
    private void writeLastBatchAgain() throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(Math.min(BUFFER_BYTES, end));
        for (long at = count == 0 ? 0 : lastBatch; at < end; at += buffer.limit()) {
            buffer.clear().limit((int) Math.min(buffer.capacity(), end - at));
            file.read(buffer, at);
            file.write(buffer.flip(), at);
        }
        file.sync();
    }

    private synchronized void add(int offset) {
        if (count == offsets.length) {
            offsets = Arrays.copyOf(offsets, count * 2);
        }
        offsets[count++] = offset;
    }

    // ---- what it holds

    long first() {
        return first;
    }

    synchronized long next() {
        return first + count;
    }

    synchronized int bytes() {
        return end;
    }

    /** An entry that is here. */
    Record read(long index) throws IOException {
        int begin;
        int limit;
        synchronized (this) {
            int place = (int) (index - first);
            begin = offsets[place];
            limit = place + 1 == count ? end : offsets[place + 1];
        }
        ByteBuffer entry = ByteBuffer.allocate(limit - begin);
        file.read(entry, begin);
        Record read = entry.hasRemaining() ? null : parse(entry.flip(), index);
        if (read == null) {
            throw new CorruptLogException(
                    "entry " + index + " of the log is damaged (" + name + ", at byte " + begin + ")");
        }
        return read;
    }

    // ---- changes

    /**
     * Appends entries as one batch; they are on disk and can be read when this returns.
     *
     * @param buffer to write from, direct
     */
    void append(List<Record> records, ByteBuffer buffer) throws IOException {
        int[] begins = new int[records.size()];
        int batch = end;
        long written = batch;
        buffer.clear();
        for (int i = 0; i < begins.length; i++) {
            Record record = records.get(i);
            ByteBuffer data = record.data().duplicate();
            begins[i] = Math.toIntExact(written + buffer.position());
            if (buffer.remaining() < ENTRY_HEADER_BYTES + data.remaining()) {
                written = write(buffer, written);
            }
            header(record, batch, buffer);
            if (data.remaining() <= buffer.remaining()) {
                buffer.put(data);
            } else {
                written = write(buffer, written);
                int length = data.remaining();
                file.write(data, written);
                written += length;
            }
        }
        written = write(buffer, written);
        int newEnd = Math.toIntExact(written);
        file.sync();
        synchronized (this) {
            for (int begin : begins) {
                add(begin);
            }
            end = newEnd;
        }
    }

    private long write(ByteBuffer buffer, long position) throws IOException {
        int length = buffer.flip().remaining();
        file.write(buffer, position);
        buffer.clear();
        return position + length;
    }

    private static void header(Record record, int batch, ByteBuffer buffer) {
        int begin = buffer.position();
        ByteBuffer data = record.data().duplicate();
        buffer.putInt(0)
                .putInt(data.remaining())
                .putLong(record.index())
                .putLong(record.term())
                .putInt(batch)
                .putInt(record.kind());
        CRC32C crc = new CRC32C();
        crc.update(buffer.slice(begin + CRC_BYTES, ENTRY_HEADER_BYTES - CRC_BYTES));
        crc.update(data);
        buffer.putInt(begin, (int) crc.getValue());
    }

    private static int crc(ByteBuffer bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }

    /** Removes the entries from an index on, which is here or next; on disk when this returns. */
    void truncate(long index) throws IOException {
        int begin;
        synchronized (this) {
            int place = (int) (index - first);
            begin = place == count ? end : offsets[place];
            count = place;
            end = begin;
        }
        file.truncate(begin);
        file.sync();
    }

    void delete(WalDirectory directory) throws IOException {
        file.close();
        directory.delete(name);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
