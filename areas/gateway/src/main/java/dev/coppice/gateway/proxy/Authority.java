package dev.coppice.gateway.proxy;

import org.jspecify.annotations.Nullable;

/**
 * A host and port as a Host header or a URL has them (RFC 9110, 7.2).
 *
 * @param host in lower case, without a dot at its end; IPv6 addresses in brackets
 * @param port -1 when none is given
 */
record Authority(String host, int port) {
    private static final int MAX = 255 + 6;

    /** Null when it is malformed. */
    static @Nullable Authority of(String text) {
        int length = text.length();
        if (length == 0 || length > MAX) {
            return null;
        }
        int end = text.charAt(0) == '[' ? text.indexOf(']') + 1 : text.indexOf(':');
        if (end < 0) {
            end = length;
        }
        if (end == 0) {
            return null;
        }
        int port = -1;
        if (end < length) {
            port = port(text, end);
            if (port < 0) {
                return null;
            }
        }
        String host = host(text, end);
        return host == null ? null : new Authority(host, port);
    }

    private static int port(String text, int colon) {
        if (text.charAt(colon) != ':' || text.length() - colon > 6 || text.length() - colon < 2) {
            return -1;
        }
        int port = 0;
        for (int i = colon + 1; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < '0' || c > '9') {
                return -1;
            }
            port = port * 10 + c - '0';
        }
        return port > 0xFFFF ? -1 : port;
    }

    private static @Nullable String host(String text, int end) {
        boolean lower = true;
        boolean address = text.charAt(0) == '[';
        for (int i = 0; i < end; i++) {
            char c = text.charAt(i);
            boolean usual = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_';
            if (c >= 'A' && c <= 'Z') {
                lower = false;
            } else if (!usual && !(address && (c == '[' || c == ']' || c == ':'))) {
                return null;
            }
        }
        String host = text.substring(0, end > 1 && text.charAt(end - 1) == '.' ? end - 1 : end);
        return lower ? host : host.toLowerCase(java.util.Locale.ROOT);
    }
}
