package dev.coppice.kernel;

import org.jspecify.annotations.Nullable;

/** One value of a key in a {@link Table}. A later value of the same key keeps its {@code born}. Compared by identity. */
sealed class TableCell<K, V> permits CounterCell {
    final K key;
    final long born;
    final @Nullable Expiry expiry;
    /** The value; of a counter only once that is frozen. */
    @Nullable
    V content;

    /** A moment on the kernel's clock, made unique. */
    record Expiry(long nanos, long sequence) implements Comparable<Expiry> {
        @Override
        public int compareTo(Expiry other) {
            int byTime = Long.compare(nanos, other.nanos);
            return byTime != 0 ? byTime : Long.compare(sequence, other.sequence);
        }
    }

    TableCell(K key, @Nullable V content, long born, @Nullable Expiry expiry) {
        this.key = key;
        this.content = content;
        this.born = born;
        this.expiry = expiry;
    }

    @SuppressWarnings("NullAway") // only a counter has no content, and overrides this
    V value() {
        return content;
    }

    /** The value, which nothing changes from now on. */
    V lastValue() {
        return value();
    }
}
