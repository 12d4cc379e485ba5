package dev.coppice.gateway.limit;

import java.util.concurrent.atomic.AtomicLong;

/** The slots that several limits may have together: their bound in memory. Safe for use by many threads. */
public final class SlotBudget {
    /** Bytes that a slot takes. */
    public static final int SLOT_BYTES = 16;

    private final long total;
    private final AtomicLong used = new AtomicLong();

    /** @param slots of {@value #SLOT_BYTES} bytes each */
    public SlotBudget(long slots) {
        Checks.positive("slots", slots);
        this.total = slots;
    }

    /** Takes slots; false when there are not so many left. */
    boolean reserve(int slots) {
        if (used.addAndGet(slots) <= total) {
            return true;
        }
        used.addAndGet(-slots);
        return false;
    }

    /** Takes slots even when there are none left: what a limit cannot do without. */
    void insist(int slots) {
        used.addAndGet(slots);
    }

    void giveBack(long slots) {
        used.addAndGet(-slots);
    }

    /** Slots that limits have. */
    public long used() {
        return used.get();
    }
}
