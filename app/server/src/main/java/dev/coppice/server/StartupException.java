package dev.coppice.server;

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
}
