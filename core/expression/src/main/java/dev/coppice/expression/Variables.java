package dev.coppice.expression;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The values of variables, asked for by name as an evaluation needs them; so what is dear to make is made only when used.
 * Values are JSON trees (read in place, never copied), strings, numbers, booleans, Instant, Duration, byte arrays, enums
 * (by name), lists and maps with string keys of these, what {@link AccessCheck} makes, or null. An EvaluationException is a
 * value whose use fails as it says.
 */
@FunctionalInterface
public interface Variables {
    @Nullable
    Object get(String name);

    static Variables of(Map<String, ?> values) {
        return values::get;
    }
}
