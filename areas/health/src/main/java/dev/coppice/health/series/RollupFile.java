package dev.coppice.health.series;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * An immutable file with one blob a check, found by the check's number: the form of hour and day rollups and of sorted raw
 * results. Header (magic, period, count, CRC of the index), an index sorted by number with the tally of each, and the
 * blobs with a CRC each. Written beside and renamed, so it is there whole or not at all.
 */
final class RollupFile {
    private static final int MAGIC = 0x43504831;
    private static final int HEADER = 4 + 8 + 4 + 4;
    private static final int ENTRY = 4 + 4 * 4 + 8 + 4 + 4;

    private RollupFile() {}

    /** The index of a file: everything but the blobs. */
    static final class Table {
        private final long period;
        private final ByteBuffer index;
        private final int count;

        Table(long period, ByteBuffer index, int count) {
            this.period = period;
            this.index = index;
            this.count = count;
        }

        long period() {
            return period;
        }

        Tally tally(int check) {
            int at = find(check);
            return at < 0 ? Tally.NONE : tallyAt(at);
        }

        private Tally tallyAt(int at) {
            int p = at * ENTRY + 4;
            return new Tally(index.getInt(p), index.getInt(p + 4), index.getInt(p + 8), index.getInt(p + 12));
        }

        void forEach(BiConsumer<Integer, Tally> consumer) {
            for (int i = 0; i < count; i++) {
                consumer.accept(index.getInt(i * ENTRY), tallyAt(i));
            }
        }

        private int find(int check) {
            int low = 0;
            int high = count - 1;
            while (low <= high) {
                int middle = (low + high) >>> 1;
                int there = index.getInt(middle * ENTRY);
                if (there == check) {
                    return middle;
                } else if (there < check) {
                    low = middle + 1;
                } else {
                    high = middle - 1;
                }
            }
            return -1;
        }

        private byte @Nullable [] blob(int check, RandomAccessFile file) throws IOException {
            int at = find(check);
            if (at < 0) {
                return null;
            }
            int p = at * ENTRY + 20;
            byte[] blob = new byte[index.getInt(p + 8)];
            file.seek(index.getLong(p));
            file.readFully(blob);
            return crc(blob, blob.length) == index.getInt(p + 12) ? blob : null;
        }
    }

    record Entry(Tally tally, byte[] blob) {}

    static void write(Path path, long period, TreeMap<Integer, Entry> entries) throws IOException {
        ByteBuffer index = ByteBuffer.allocate(entries.size() * ENTRY);
        long offset = HEADER + (long) entries.size() * ENTRY;
        for (Map.Entry<Integer, Entry> e : entries.entrySet()) {
            Tally tally = e.getValue().tally();
            byte[] blob = e.getValue().blob();
            index.putInt(e.getKey())
                    .putInt((int) tally.up())
                    .putInt((int) tally.degraded())
                    .putInt((int) tally.down())
                    .putInt((int) tally.excluded())
                    .putLong(offset)
                    .putInt(blob.length)
                    .putInt(crc(blob, blob.length));
            offset += blob.length;
        }
        Path temporary = path.resolveSibling(path.getFileName() + ".tmp");
        try (RandomAccessFile file = new RandomAccessFile(temporary.toFile(), "rw")) {
            file.setLength(0);
            ByteBuffer header = ByteBuffer.allocate(HEADER);
            header.putInt(MAGIC).putLong(period).putInt(entries.size()).putInt(crc(index.array(), index.capacity()));
            file.write(header.array());
            file.write(index.array());
            ByteArrayOutputStream chunk = new ByteArrayOutputStream(1 << 16);
            for (Entry e : entries.values()) {
                chunk.write(e.blob());
                if (chunk.size() > 1 << 16) {
                    file.write(chunk.toByteArray());
                    chunk.reset();
                }
            }
            file.write(chunk.toByteArray());
            file.getFD().sync();
        } catch (IOException e) {
            Files.deleteIfExists(temporary);
            throw e;
        }
        Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Null when the file is damaged. */
    static @Nullable Table readTable(Path path) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "r")) {
            return readTable(file);
        }
    }

    private static @Nullable Table readTable(RandomAccessFile file) throws IOException {
        if (file.length() < HEADER) {
            return null;
        }
        byte[] head = new byte[HEADER];
        file.readFully(head);
        ByteBuffer header = ByteBuffer.wrap(head);
        int magic = header.getInt();
        long period = header.getLong();
        int count = header.getInt();
        int sum = header.getInt();
        if (magic != MAGIC || count < 0 || file.length() - HEADER < (long) count * ENTRY) {
            return null;
        }
        byte[] index = new byte[count * ENTRY];
        file.readFully(index);
        return crc(index, index.length) == sum ? new Table(period, ByteBuffer.wrap(index), count) : null;
    }

    /** The blob of a check; null when it has none there, or it is damaged. */
    static byte @Nullable [] readBlob(Path path, @Nullable Table table, int check) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "r")) {
            Table known = table == null ? readTable(file) : table;
            return known == null ? null : known.blob(check, file);
        }
    }

    static byte[] sketchBlob(LatencySketch sketch) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            sketch.write(out);
        } catch (IOException e) {
            throw new IllegalStateException("memory does not fail", e);
        }
        return bytes.toByteArray();
    }

    static LatencySketch sketch(byte @Nullable [] blob) {
        if (blob == null) {
            return new LatencySketch();
        }
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(blob))) {
            return LatencySketch.read(in);
        } catch (IOException e) {
            return new LatencySketch();
        }
    }

    static byte[] samplesBlob(List<Sample> samples) {
        ByteBuffer buffer = ByteBuffer.allocate(samples.size() * Sample.BYTES);
        samples.forEach(s -> s.write(buffer));
        return buffer.array();
    }

    private static int crc(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }
}
