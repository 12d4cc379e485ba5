package dev.coppice.gateway.route;

import org.jspecify.annotations.Nullable;

/** What routing wants to know of a request. */
public interface RequestHead {

    String method();

    /** With a slash at the beginning, without query, normalised. */
    String path();

    /** Of several headers of that name the values, joined by commas (RFC 9110, 5.3); null when there is none. */
    @Nullable
    String header(String name);

    /** The first value of a query parameter, decoded; null when there is none. */
    @Nullable
    String queryParam(String name);
}
