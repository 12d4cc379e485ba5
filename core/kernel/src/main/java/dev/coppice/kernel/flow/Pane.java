package dev.coppice.kernel.flow;

/**
 * What a window gave.
 *
 * @param partition the worker that reduced it, from 0
 * @param window when it starts, in milliseconds since 1970, for a window of event time; else its number, from 0
 * @param items how many items are in the value
 * @param value what they were reduced to
 * @param cause why it was given
 */
public record Pane<A>(int partition, long window, long items, A value, Cause cause) {
    /** Why a pane was given. */
    public enum Cause {
        /** The window is full, or its time is over. */
        CLOSED,
        /** The window's trigger; the window goes on, empty. */
        TRIGGER,
        /** There are no more items. */
        END
    }
}
