package dev.coppice.kernel;

import org.jspecify.annotations.Nullable;

/** A call got no answer: the process was dead, died, or took too long. */
public final class CallException extends RuntimeException {
    public CallException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
