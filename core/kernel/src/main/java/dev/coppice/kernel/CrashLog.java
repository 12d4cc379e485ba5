package dev.coppice.kernel;

import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The last crashes. A ring that is written without a lock, since thousands of children may crash at a time; what people read
 * of a crash is made when they do. Safe for use by many threads.
 */
final class CrashLog {
    private static final int SIZE = 100;

    private final AtomicReferenceArray<@Nullable Entry> ring = new AtomicReferenceArray<>(SIZE);
    private final AtomicLong written = new AtomicLong();

    private record Entry(long number, long atMillis, ChildNode child, ExitReason reason) {
        CrashReport report() {
            return new CrashReport(Instant.ofEpochMilli(atMillis), child.path(), reason);
        }
    }

    void add(long atMillis, ChildNode child, ExitReason reason) {
        long number = written.getAndIncrement();
        ring.set((int) (number % SIZE), new Entry(number, atMillis, child, reason));
    }

    /** At most 100, oldest first. */
    List<CrashReport> last() {
        return IntStream.range(0, SIZE)
                .mapToObj(ring::get)
                .filter(Objects::nonNull)
                .sorted((one, other) -> Long.compare(one.number, other.number))
                .map(Entry::report)
                .toList();
    }
}
