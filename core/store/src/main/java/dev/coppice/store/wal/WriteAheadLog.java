package dev.coppice.store.wal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A durable list of entries with consecutive indexes: entries are appended at its end, and cut off at both ends. What was appended
 * is on disk when {@link #append} returns: one write and one sync for all entries of a call. It lies in {@linkplain Segment files}
 * of bounded size; the oldest are deleted once none of their entries is needed.
 *
 * <p>After a write or a sync that failed it takes no more, since it is not known what is on disk: whoever uses it closes and opens it
 * again. One thread at a time changes it; reads are safe for use by many threads meanwhile.
 */
public final class WriteAheadLog implements AutoCloseable {

    private static final int SEGMENT_BYTES = 16 << 20;
    private static final int BUFFER_BYTES = 256 << 10;

    private final WalDirectory directory;
    private final int segmentBytes;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);

    // Lists of segments and the first index change with the write lock held, by the thread that changes the log.
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private final List<Segment> segments = new ArrayList<>();
    private long first;

    private @Nullable IOException failure;

    private WriteAheadLog(WalDirectory directory, int segmentBytes) {
        this.directory = directory;
        this.segmentBytes = segmentBytes;
    }

    /**
     * Opens a log, and makes one that is empty where there is none. A write that a crash cut off is removed.
     *
     * @param each is given every entry in order; its data is only good during the call
     * @throws CorruptLogException when entries that were synced are damaged or missing
     */
    public static WriteAheadLog open(Path directory, Consumer<Record> each) throws IOException {
        return open(new FileDirectory(directory), SEGMENT_BYTES, each);
    }

    static WriteAheadLog open(WalDirectory directory, int segmentBytes, Consumer<Record> each) throws IOException {
        WriteAheadLog log = new WriteAheadLog(directory, segmentBytes);
        try {
            log.openSegments(each);
        } catch (IOException | RuntimeException e) {
            log.close();
            throw e;
        }
        return log;
    }

    private void openSegments(Consumer<Record> each) throws IOException {
        List<String> names =
                directory.names().stream().filter(Segment::named).sorted().toList();
        for (int i = 0; i < names.size(); i++) {
            Segment segment = Segment.open(directory, names.get(i), i == names.size() - 1, each);
            if (segment == null) {
                directory.delete(names.get(i));
                continue;
            }
            if (!segments.isEmpty() && segments.getLast().next() != segment.first()) {
                segment.close();
                throw new CorruptLogException("entries " + segments.getLast().next() + " to " + (segment.first() - 1)
                        + " of the log in " + directory + " are missing");
            }
            segments.add(segment);
        }
        // The process before may have ended before it did that.
        directory.sync();
        if (segments.isEmpty()) {
            segments.add(Segment.create(directory, 1));
        }
        first = segments.getFirst().first();
    }

    // ---- what it holds

    /** The first index that it holds; where it is empty, the one that the next entry has, if that is known. */
    public long firstIndex() {
        return locked(() -> first);
    }

    /** The last index that it holds; 0 when it is empty. */
    public long lastIndex() {
        return locked(() -> next() == first ? 0 : next() - 1);
    }

    /** How many bytes its files have. */
    public long bytes() {
        return locked(() -> segments.stream().mapToLong(Segment::bytes).sum());
    }

    private interface Look<T> {
        T look();
    }

    private <T> T locked(Look<T> look) {
        lock.readLock().lock();
        try {
            return look.look();
        } finally {
            lock.readLock().unlock();
        }
    }

    private long next() {
        return segments.isEmpty() ? first : segments.getLast().next();
    }

    /** An entry; null when it is not there. */
    public @Nullable Record read(long index) throws IOException {
        lock.readLock().lock();
        try {
            if (index < first || index >= next()) {
                return null;
            }
            int low = 0;
            int high = segments.size() - 1;
            while (low < high) {
                int middle = (low + high + 1) >>> 1;
                if (segments.get(middle).first() <= index) {
                    low = middle;
                } else {
                    high = middle - 1;
                }
            }
            return segments.get(low).read(index);
        } finally {
            lock.readLock().unlock();
        }
    }

    // ---- changes

    /** Something that changes the log. */
    private interface Change {
        void make() throws IOException;
    }

    private void change(Change change) throws IOException {
        IOException earlier = failure;
        if (earlier != null) {
            throw new IOException("the log takes no more since an earlier write failed", earlier);
        }
        try {
            change.make();
        } catch (IOException e) {
            failure = e;
            throw e;
        }
    }

    /**
     * Appends entries; they are on disk when this returns. Entries that are there from their first index on are removed before. The
     * first entry of an empty log may have any index.
     *
     * @throws IllegalArgumentException when their indexes do not follow the last one and each other
     */
    public void append(List<Record> records) throws IOException {
        if (records.isEmpty()) {
            return;
        }
        long begin = records.getFirst().index();
        for (int i = 0; i < records.size(); i++) {
            if (records.get(i).index() != begin + i) {
                throw new IllegalArgumentException(
                        "entry " + records.get(i).index() + " does not follow entry " + (begin + i - 1));
            }
        }
        if (next() > first && begin > next()) {
            throw new IllegalArgumentException("entry " + begin + " does not follow entry " + (next() - 1));
        }
        change(() -> {
            if (next() == first && begin != first) {
                startAnew(begin);
            } else if (begin < next()) {
                cutSuffix(begin);
            }
            if (segments.getLast().bytes() >= segmentBytes) {
                add(Segment.create(directory, begin));
            }
            segments.getLast().append(records, buffer);
        });
    }

    private void add(Segment segment) {
        lock.writeLock().lock();
        try {
            segments.add(segment);
        } finally {
            lock.writeLock().unlock();
        }
    }

    /** Removes the entries before an index, which becomes the first. Some of them may be back when it is opened again. */
    public void truncatePrefix(long index) throws IOException {
        change(() -> {
            if (index >= next()) {
                startAnew(index);
                return;
            }
            lock.writeLock().lock();
            try {
                first = Math.max(first, index);
                while (segments.size() > 1 && segments.get(1).first() <= index) {
                    delete(segments.removeFirst());
                }
            } finally {
                lock.writeLock().unlock();
            }
        });
    }

    /** Removes the entries behind an index, which becomes the last. */
    public void truncateSuffix(long index) throws IOException {
        change(() -> cutSuffix(index + 1));
    }

    private void cutSuffix(long next) throws IOException {
        if (next >= next()) {
            return;
        }
        if (next <= first) {
            startAnew(next);
            return;
        }
        lock.writeLock().lock();
        try {
            while (segments.size() > 1 && segments.getLast().first() >= next) {
                delete(segments.removeLast());
            }
            segments.getLast().truncate(next);
        } finally {
            lock.writeLock().unlock();
        }
    }

    /** On disk before the next one is deleted, so that a crash leaves no gap. */
    private void delete(Segment segment) throws IOException {
        segment.delete(directory);
        directory.sync();
    }

    /** Removes all entries; the next one to come has the given index. */
    public void reset(long next) throws IOException {
        change(() -> startAnew(next));
    }

    private void startAnew(long next) throws IOException {
        lock.writeLock().lock();
        try {
            while (!segments.isEmpty()) {
                delete(segments.removeLast());
            }
            segments.add(Segment.create(directory, next));
            first = next;
        } finally {
            lock.writeLock().unlock();
        }
    }

    @Override
    public void close() throws IOException {
        lock.writeLock().lock();
        try {
            for (Segment segment : segments) {
                segment.close();
            }
        } finally {
            lock.writeLock().unlock();
        }
    }
}
