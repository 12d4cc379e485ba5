package dev.coppice.gateway.filter;

/**
 * A request as a filter sees it: as the filters before have left it. Immutable, but for the body, which is the filter's own.
 *
 * @param scheme http or https
 * @param host in lower case, without the port
 * @param path in normal form
 * @param query with its question mark; empty when there is none
 * @param client the client's IP address
 * @param subject who sends it; empty for nobody
 * @param route {@code NAMESPACE/NAME}
 * @param body its beginning; empty when the filter wants none of it
 * @param whole whether that is all of the body
 */
public record FilterRequest(
        String method,
        String scheme,
        String host,
        String path,
        String query,
        Headers headers,
        String client,
        String subject,
        String route,
        byte[] body,
        boolean whole) {}
