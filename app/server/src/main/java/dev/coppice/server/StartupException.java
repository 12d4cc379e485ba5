package dev.coppice.server;

import dev.coppice.kernel.StartException;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A node could not start. Each error says what is wrong and what to do. */
public final class StartupException extends Exception {
    private final transient List<String> errors;

    public StartupException(List<String> errors, @Nullable Throwable cause) {
        super(String.join("; ", errors), cause);
        this.errors = List.copyOf(errors);
    }

    public List<String> errors() {
        return errors;
    }

    /** What failed, in the words of what caused it. */
    static StartupException of(Throwable failure) {
        return new StartupException(List.of(explain(failure)), failure);
    }

    /** The innermost cause that says something, so that a user reads what is wrong and not where it passed through. */
    static String explain(Throwable failure) {
        Throwable cause = failure;
        String message = failure.getMessage();
        while (cause.getCause() != null && cause.getCause() != cause) {
            if (message != null && message.startsWith("--")) {
                return message;
            }
            cause = cause.getCause();
            if (cause instanceof StartException || cause instanceof IOException || message == null) {
                message = cause.getMessage();
            }
        }
        return message == null ? failure.toString() : message;
    }
}
