package dev.coppice.gateway.trace;

import org.jspecify.annotations.Nullable;

/**
 * What a request says of the trace that it belongs to. Immutable.
 *
 * @param parent where it stands; null: in no trace
 * @param decided whether it is recorded, as whoever sent it has decided; null: it is left to others
 * @param debug whether it is recorded for somebody who looks for something (B3)
 * @param state what others have noted ({@code tracestate}); empty: nothing
 */
public record TraceContext(
        @Nullable TraceParent parent, @Nullable Boolean decided, boolean debug, String state) {
    /** It says nothing. */
    public static final TraceContext NONE = new TraceContext(null, null, false, "");
}
