package dev.coppice.kernel.stage;

import org.jspecify.annotations.Nullable;

/**
 * Hears once of each produced message when all that came of it is done. Thread-safe, short: it runs in the worker that
 * finished the message. Messages that it never heard of, after a stop, are to be produced again.
 */
@FunctionalInterface
public interface Acknowledger<T> {

    /** @param failure why it, or something made of it, was given up; null when all went well */
    void settled(T message, @Nullable Throwable failure);
}
