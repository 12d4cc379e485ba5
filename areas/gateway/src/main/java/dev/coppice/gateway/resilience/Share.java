package dev.coppice.gateway.resilience;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Picks a share of what comes, as evenly as possible: of any number in a row, that share of it, rounded up or down. Safe for use by many
 * threads.
 */
final class Share {
    /** Everything. */
    static final int ALL = 1 << 16;

    private static final int WHOLE = 16;

    private final AtomicLong credit = new AtomicLong();

    /**
     * Whether the next one is picked.
     *
     * @param share out of {@link #ALL}
     */
    boolean next(int share) {
        long before = credit.getAndAdd(share);
        return before >>> WHOLE != before + share >>> WHOLE;
    }
}
