package dev.coppice.acceptance.fault;

import org.jspecify.annotations.Nullable;

/**
 * What one client asked of the system, and what it was told.
 *
 * @param output null when the outcome is unknown: the operation may have happened at any time from {@code invokedNanos} to
 *     {@code returnedNanos}, or not at all
 * @param returnedNanos {@link #NEVER} when nothing says that it can no longer happen
 */
record Operation<I, O>(int client, I input, @Nullable O output, long invokedNanos, long returnedNanos) {

    static final long NEVER = Long.MAX_VALUE;

    static <I, O> Operation<I, O> unknown(int client, I input, long invokedNanos) {
        return new Operation<>(client, input, null, invokedNanos, NEVER);
    }

    boolean known() {
        return output != null;
    }

    @Override
    public String toString() {
        return "client " + client + " [" + invokedNanos + ", " + (returnedNanos == NEVER ? "…" : returnedNanos) + "] "
                + input + " -> " + (output == null ? "?" : output);
    }
}
