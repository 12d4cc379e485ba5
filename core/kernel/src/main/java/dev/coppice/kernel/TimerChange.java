package dev.coppice.kernel;

import org.jspecify.annotations.Nullable;

/**
 * What somebody wants of the timers: an entry itself wants to be added. Written by the one that hands it over, and then by
 * the timers.
 */
abstract class TimerChange {
    @Nullable
    TimerChange next;

    /** How many changes wait, this one included. */
    int depth;

    /** A wish to take out a cancelled entry. */
    static final class Removal extends TimerChange {
        final TimerEntry entry;

        Removal(TimerEntry entry) {
            this.entry = entry;
        }
    }
}
