package dev.coppice.kernel.stage;

import org.jspecify.annotations.Nullable;

/** Hears once of each produced message when all that came of it is done. Thread-safe. */
@FunctionalInterface
public interface Acknowledger<T> {

    /** @param failure why it, or something made of it, was given up; null when all went well */
    void settled(T message, @Nullable Throwable failure);
}
