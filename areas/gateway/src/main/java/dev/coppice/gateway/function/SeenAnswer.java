package dev.coppice.gateway.function;

import dev.coppice.gateway.filter.FilterAnswer;
import org.jspecify.annotations.Nullable;

/**
 * An answer as a function sees it. Immutable, but for the body, which is the function's own.
 *
 * @param head as it came, and as later filters have left it; null: there is none from an endpoint
 * @param body its beginning; empty where nobody waited for it
 * @param whole whether that is all of it
 */
public record SeenAnswer(@Nullable FilterAnswer head, byte[] body, boolean whole) {
    private static final byte[] NOTHING = {};

    /** No endpoint has answered. */
    public static final SeenAnswer NONE = new SeenAnswer(null, NOTHING, false);

    /** The head of one alone. */
    public static SeenAnswer head(FilterAnswer head) {
        return new SeenAnswer(head, NOTHING, false);
    }
}
