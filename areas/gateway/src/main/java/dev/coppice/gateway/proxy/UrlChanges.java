package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.FilterConfig.PathChange;

/** Paths and locations that filters make. */
final class UrlChanges {
    private static final int HTTP_PORT = 80;
    private static final int HTTPS_PORT = 443;

    private UrlChanges() {}

    /**
     * A changed path.
     *
     * @param prefixLength characters of the path that the rule's prefix took; less than zero: it matched otherwise
     */
    static String path(PathChange change, String path, int prefixLength) {
        if (change.type() == PathChange.Type.FULL) {
            return change.value().isEmpty() ? "/" : change.value();
        }
        String by = change.value();
        int end = by.length();
        while (end > 0 && by.charAt(end - 1) == '/') {
            end--;
        }
        String whole = by.substring(0, end) + path.substring(Math.clamp(prefixLength, 0, path.length()));
        return whole.isEmpty() ? "/" : whole;
    }

    /**
     * Where a redirect leads.
     *
     * @param port where the request came
     */
    static String location(FilterConfig.Redirect to, RequestTarget target, Port port, int prefixLength) {
        boolean https = to.scheme() == null ? port.secure() : to.scheme().equals("https");
        int usual = https ? HTTPS_PORT : HTTP_PORT;
        Integer given = to.port();
        int shown = given != null ? given : to.scheme() != null ? usual : port.number();
        StringBuilder location = new StringBuilder(https ? "https://" : "http://")
                .append(to.hostname() == null ? target.authority().host() : to.hostname());
        if (shown != usual) {
            location.append(':').append(shown);
        }
        return location.append(to.path() == null ? target.path() : path(to.path(), target.path(), prefixLength))
                .append(target.query())
                .toString();
    }
}
