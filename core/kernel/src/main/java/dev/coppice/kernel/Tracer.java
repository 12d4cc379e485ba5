package dev.coppice.kernel;

import org.jspecify.annotations.Nullable;

/** Sees the mail of one process; see {@link Supervisor.Child#trace}. Called in the process's own thread: must not block. */
@FunctionalInterface
public interface Tracer {
    /**
     * A message was handled.
     *
     * @param message what was handled
     * @param waitedNanos from its sending to the handler; -1 when that is not known: it was sent before the trace began, by
     *     timers that fired together, or by no one (what a handler continues with)
     * @param startNanos when the handler began, on {@link System#nanoTime}'s scale
     * @param tookNanos how long it took
     * @param failure what it threw, if anything
     */
    void handled(Object message, long waitedNanos, long startNanos, long tookNanos, @Nullable Throwable failure);
}
