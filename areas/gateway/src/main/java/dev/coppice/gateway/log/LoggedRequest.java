package dev.coppice.gateway.log;

import org.jspecify.annotations.Nullable;

/** A request that is over, or a stream, as lines of logs tell of it. */
public interface LoggedRequest {
    /** A field that is text; null or empty: there is nothing to tell. Never {@link LogField#TIME}, which lines take from their clock. */
    @Nullable
    String text(LogField field);

    /** A field that is a number. */
    long number(LogField field);

    /**
     * A header of the request, as the endpoint got it.
     *
     * @param name in lower case
     */
    @Nullable
    String requestHeader(String name);

    /**
     * A header of the answer.
     *
     * @param name in lower case
     */
    @Nullable
    String responseHeader(String name);

    /** A claim of whoever sent it; of one in another one, their names joined by dots. Null: there is none. */
    default @Nullable String claim(String name) {
        return null;
    }

    /** Whether it is a stream, or a client's datagrams: then it has a protocol and an upstream, but neither a method nor headers. */
    default boolean stream() {
        return false;
    }
}
