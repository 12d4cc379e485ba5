package dev.coppice.probe;

import java.util.List;
import java.util.stream.Collectors;

/** A specification that cannot be probed; it carries all errors at once. */
public final class InvalidProbeException extends Exception {
    private static final long serialVersionUID = 1;
    private final transient List<FieldError> errors;

    public InvalidProbeException(List<FieldError> errors) {
        super(errors.stream().map(FieldError::toString).collect(Collectors.joining("; ")));
        this.errors = List.copyOf(errors);
    }

    public List<FieldError> errors() {
        return errors;
    }

    /**
     * One wrong field.
     *
     * @param field a component of the {@link ProbeSpec}, such as {@code url} or {@code assertions[0].regex}
     * @param message the value, what was expected and what to do
     */
    public record FieldError(String field, String message) {
        @Override
        public String toString() {
            return field + ": " + message;
        }
    }
}
