package dev.coppice.kernel;

import org.jspecify.annotations.Nullable;

/** A child could not be started. */
public final class StartException extends Exception {
    public StartException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
