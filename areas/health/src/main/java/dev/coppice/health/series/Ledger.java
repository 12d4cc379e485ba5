package dev.coppice.health.series;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A small durable map from texts to bytes, held in memory and in one append-only file. A {@linkplain Batch batch} is
 * written whole or not at all, and is on the disk (fsync) when {@link #commit} returns. The file is a sequence of
 * records: length, CRC-32C, operations; a torn last record, as a crash leaves it, is cut off at opening. When most of the
 * file is history it is rewritten beside itself and renamed. Safe for use by many threads.
 */
public final class Ledger implements AutoCloseable {
    /** Called at every step of writing; tests throw from it to act as a crash or a full disk there. */
    @FunctionalInterface
    public interface Faults {
        void at(String step) throws IOException;

        /** No faults. */
        Faults NONE = step -> {};
    }

    private static final long MAGIC = 0x434f50504c454447L;
    private static final int MAX_RECORD_BYTES = 64 << 20;
    private static final long COMPACT_BYTES = 1 << 20;

    private final Path path;
    private final Faults faults;
    private final ReentrantLock lock = new ReentrantLock();
    private final TreeMap<String, byte[]> live = new TreeMap<>();
    private RandomAccessFile file;
    private long position;
    private long liveBytes;
    private boolean dirty;
    private boolean closed;

    private Ledger(Path path, Faults faults, RandomAccessFile file) {
        this.path = path;
        this.faults = faults;
        this.file = file;
    }

    /** Opens the ledger in the file, making it where there is none. */
    public static Ledger open(Path path) throws IOException {
        return open(path, Faults.NONE);
    }

    /** Opens the ledger with faults for tests. */
    public static Ledger open(Path path, Faults faults) throws IOException {
        Files.deleteIfExists(temporary(path));
        Ledger ledger = new Ledger(path, faults, new RandomAccessFile(path.toFile(), "rw"));
        ledger.load();
        return ledger;
    }

    /** Changes that are made together. Used by one thread. */
    public static final class Batch {
        private final Map<String, byte @Nullable []> changes = new LinkedHashMap<>();

        public Batch put(String key, byte[] value) {
            changes.put(key, value);
            return this;
        }

        public Batch put(String key, String value) {
            return put(key, value.getBytes(StandardCharsets.UTF_8));
        }

        public Batch remove(String key) {
            changes.put(key, null);
            return this;
        }

        public boolean isEmpty() {
            return changes.isEmpty();
        }
    }

    public Optional<byte[]> get(String key) {
        lock.lock();
        try {
            return Optional.ofNullable(live.get(key));
        } finally {
            lock.unlock();
        }
    }

    /** A copy of all entries whose keys start with the prefix, in order. */
    public Map<String, byte[]> entries(String prefix) {
        lock.lock();
        try {
            Map<String, byte[]> found = new LinkedHashMap<>();
            for (var e : live.tailMap(prefix).entrySet()) {
                if (!e.getKey().startsWith(prefix)) {
                    break;
                }
                found.put(e.getKey(), e.getValue());
            }
            return found;
        } finally {
            lock.unlock();
        }
    }

    /** Makes the changes, durably; when it throws, none of them was made. */
    public void commit(Batch batch) throws IOException {
        write(batch, true);
    }

    /** Makes the changes without waiting for the disk: they survive the end of the process, but not of the machine. */
    public void write(Batch batch) throws IOException {
        write(batch, false);
    }

    private void write(Batch batch, boolean sync) throws IOException {
        if (batch.changes.isEmpty()) {
            return;
        }
        byte[] record = record(batch.changes);
        lock.lock();
        try {
            append(record, sync);
            apply(batch.changes);
            if (position > COMPACT_BYTES && position > 4 * liveBytes) {
                compact();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Waits until all that was written is on the disk. */
    public void sync() throws IOException {
        lock.lock();
        try {
            if (dirty) {
                file.getFD().sync();
                dirty = false;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Bytes in the file. */
    public long sizeBytes() {
        lock.lock();
        try {
            return position;
        } finally {
            lock.unlock();
        }
    }

    /** Opens the file again after {@link #close}; what is in memory stayed. Does nothing while it is open. */
    public void reopen() throws IOException {
        lock.lock();
        try {
            if (closed) {
                file = new RandomAccessFile(path.toFile(), "rw");
                closed = false;
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() throws IOException {
        lock.lock();
        try {
            if (dirty && !closed) {
                file.getFD().sync();
                dirty = false;
            }
            closed = true;
            file.close();
        } finally {
            lock.unlock();
        }
    }

    private void append(byte[] record, boolean sync) throws IOException {
        long before = position;
        try {
            faults.at("before write");
            file.seek(before);
            file.write(record);
            faults.at("before sync");
            if (sync) {
                file.getFD().sync();
            }
            position = before + record.length;
            dirty = !sync;
        } catch (IOException e) {
            cut(before);
            throw e;
        }
        faults.at("after sync");
    }

    private void cut(long length) {
        try {
            file.setLength(length);
        } catch (IOException ignored) {
            // The next append overwrites the rest, and opening ignores what has no valid checksum.
        }
    }

    private void apply(Map<String, byte @Nullable []> changes) {
        changes.forEach((key, value) -> {
            byte[] old = value == null ? live.remove(key) : live.put(key, value);
            if (old != null) {
                liveBytes -= key.length() + old.length + 16L;
            }
            if (value != null) {
                liveBytes += key.length() + value.length + 16L;
            }
        });
    }

    /** Rewrites the file beside itself; a failure leaves the old one in use. */
    private void compact() throws IOException {
        Path temporary = temporary(path);
        Map<String, byte @Nullable []> all = new LinkedHashMap<>(live);
        byte[] record = record(all);
        RandomAccessFile next = new RandomAccessFile(temporary.toFile(), "rw");
        try {
            faults.at("before compaction");
            next.setLength(0);
            next.writeLong(MAGIC);
            next.write(record);
            next.getFD().sync();
            faults.at("before rename");
            Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            next.close();
            Files.deleteIfExists(temporary);
            return;
        }
        RandomAccessFile old = file;
        file = next;
        position = next.getFilePointer();
        old.close();
        faults.at("after rename");
    }

    private void load() throws IOException {
        long length = file.length();
        if (length < Long.BYTES) {
            file.setLength(0);
            file.writeLong(MAGIC);
            file.getFD().sync();
            position = Long.BYTES;
            return;
        }
        if (file.readLong() != MAGIC) {
            throw new IOException(path + " is not a ledger of Coppice; move it away to start with an empty one");
        }
        byte[] all = new byte[(int) Math.min(Integer.MAX_VALUE - 8, length - Long.BYTES)];
        file.readFully(all);
        int at = 0;
        while (all.length - at >= 8) {
            int size = readInt(all, at);
            if (size <= 0
                    || size > MAX_RECORD_BYTES
                    || all.length - at - 8 < size
                    || readInt(all, at + 4) != crc(all, at + 8, size)) {
                break;
            }
            apply(changes(all, at + 8, size));
            at += 8 + size;
        }
        position = Long.BYTES + at;
        if (position < length) {
            file.setLength(position);
        }
    }

    private static byte[] record(Map<String, byte @Nullable []> changes) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeLong(0);
            out.writeInt(changes.size());
            for (var change : changes.entrySet()) {
                byte[] key = change.getKey().getBytes(StandardCharsets.UTF_8);
                byte[] value = change.getValue();
                out.writeInt(key.length);
                out.write(key);
                out.writeInt(value == null ? -1 : value.length);
                if (value != null) {
                    out.write(value);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        byte[] record = bytes.toByteArray();
        if (record.length > MAX_RECORD_BYTES) {
            throw new IllegalArgumentException(
                    "a ledger record has " + record.length + " bytes; the limit is " + MAX_RECORD_BYTES);
        }
        writeInt(record, 0, record.length - 8);
        writeInt(record, 4, crc(record, 8, record.length - 8));
        return record;
    }

    private static Map<String, byte @Nullable []> changes(byte[] bytes, int offset, int length) throws IOException {
        Map<String, byte @Nullable []> changes = new LinkedHashMap<>();
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes, offset, length))) {
            int count = in.readInt();
            for (int i = 0; i < count; i++) {
                String key = new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
                int size = in.readInt();
                changes.put(key, size < 0 ? null : in.readNBytes(size));
            }
        }
        return changes;
    }

    private static int crc(byte[] bytes, int offset, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, offset, length);
        return (int) crc.getValue();
    }

    private static int readInt(byte[] b, int at) {
        return (b[at] & 255) << 24 | (b[at + 1] & 255) << 16 | (b[at + 2] & 255) << 8 | (b[at + 3] & 255);
    }

    private static void writeInt(byte[] b, int at, int value) {
        b[at] = (byte) (value >>> 24);
        b[at + 1] = (byte) (value >>> 16);
        b[at + 2] = (byte) (value >>> 8);
        b[at + 3] = (byte) value;
    }

    private static Path temporary(Path path) {
        return path.resolveSibling(path.getFileName() + ".tmp");
    }

    /** The keys, for tests and listings. */
    public List<String> keys() {
        lock.lock();
        try {
            return new ArrayList<>(live.keySet());
        } finally {
            lock.unlock();
        }
    }
}
