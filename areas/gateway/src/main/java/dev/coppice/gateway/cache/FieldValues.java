package dev.coppice.gateway.cache;

import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The header fields of a message, by their names in lower case. */
@FunctionalInterface
public interface FieldValues {

    /** The values of all lines of a field, in their order; empty when there is none. */
    List<String> all(String name);

    /** Whether there is a line of it. */
    default boolean has(String name) {
        return !all(name).isEmpty();
    }

    /** The names that have an underscore, in lower case; hardly anybody sends such. */
    default Collection<String> underscored() {
        return List.of();
    }

    /** The value of a field that may be there once; null when it is not there, or there more than once. */
    default @Nullable String only(String name) {
        List<String> values = all(name);
        return values.size() == 1 ? values.getFirst() : null;
    }

    /** All lines of a field as one (RFC 9110, 5.3); null when there is none. */
    default @Nullable String joined(String name) {
        List<String> values = all(name);
        return values.isEmpty() ? null : String.join(", ", values);
    }
}
