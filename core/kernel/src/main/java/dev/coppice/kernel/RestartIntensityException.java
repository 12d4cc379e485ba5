package dev.coppice.kernel;

import org.jspecify.annotations.Nullable;

/** A supervisor gave up because its children needed more restarts than its options allow. */
public final class RestartIntensityException extends RuntimeException {
    public RestartIntensityException(String message, @Nullable Throwable lastFailure) {
        super(message, lastFailure);
    }
}
