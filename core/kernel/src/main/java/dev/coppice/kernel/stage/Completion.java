package dev.coppice.kernel.stage;

import org.jspecify.annotations.Nullable;

/** Where to say that a message, handed over to somebody else, is done. Safe for use by many threads. */
public interface Completion {

    /**
     * Settles it; only the first call counts.
     *
     * @param failure why it was given up; null when all went well
     */
    void settle(@Nullable Throwable failure);
}
