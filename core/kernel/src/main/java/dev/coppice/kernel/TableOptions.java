package dev.coppice.kernel;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a {@link Table} bounds itself. Immutable; the with-methods copy.
 *
 * @param maxEntries the most entries it may hold
 * @param whenFull what happens to a new key when it holds that many
 * @param timeToLive how long an entry lives after it was last put, unless the put says otherwise; null for ever
 */
public record TableOptions(
        int maxEntries, WhenFull whenFull, @Nullable Duration timeToLive) {

    /** At most a million entries, refusing more, living for ever. */
    public static final TableOptions DEFAULT = new TableOptions(1_000_000, WhenFull.REFUSE, null);

    /** What a full table does with a new key. */
    public enum WhenFull {
        /** Throws {@link TableFullException}. */
        REFUSE,
        /** Drops the entry whose key was inserted first. */
        EVICT_OLDEST
    }

    public TableOptions {
        if (maxEntries < 1) {
            throw new IllegalArgumentException("maxEntries " + maxEntries + " must be at least 1");
        }
        if (timeToLive != null && !timeToLive.isPositive()) {
            throw new IllegalArgumentException("timeToLive " + timeToLive + " must be positive, or null for ever");
        }
    }

    /** At most so many entries, and what a full table does with a new key. */
    public TableOptions withMaxEntries(int maxEntries, WhenFull whenFull) {
        return new TableOptions(maxEntries, whenFull, timeToLive);
    }

    /** How long an entry lives after it was last put; null for ever. */
    public TableOptions withTimeToLive(@Nullable Duration timeToLive) {
        return new TableOptions(maxEntries, whenFull, timeToLive);
    }
}
