package dev.coppice.gateway.log;

import org.jspecify.annotations.Nullable;

/** A request that is over, as lines of logs tell of it. */
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
}
