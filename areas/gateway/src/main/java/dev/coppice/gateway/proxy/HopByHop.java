package dev.coppice.gateway.proxy;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.AsciiString;
import java.util.Locale;
import java.util.Set;

/** Headers that are meant for one connection only, and those that say how long a body is (RFC 9110, 7.6.1). */
final class HopByHop {
    private static final AsciiString KEEP_ALIVE = AsciiString.cached("keep-alive");
    private static final AsciiString PROXY_CONNECTION = AsciiString.cached("proxy-connection");

    /** A client may not name these to have them taken out: they are not its own. */
    private static final Set<String> KEPT = Set.of(
            "host",
            "content-length",
            "transfer-encoding",
            "cookie",
            "authorization",
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-forwarded-host");

    private HopByHop() {}

    /** Takes out what is for one connection; of {@code TE} stays that the sender understands trailers. */
    static void strip(HttpHeaders headers) {
        String connection = headers.get(HttpHeaderNames.CONNECTION);
        if (connection != null) {
            if (connection.length() != 10 || !connection.equalsIgnoreCase("keep-alive")) {
                for (String each : headers.getAll(HttpHeaderNames.CONNECTION)) {
                    stripNamed(headers, each);
                }
            }
            headers.remove(HttpHeaderNames.CONNECTION);
        }
        headers.remove(KEEP_ALIVE);
        headers.remove(PROXY_CONNECTION);
        headers.remove(HttpHeaderNames.UPGRADE);
        String te = headers.get(HttpHeaderNames.TE);
        if (te != null) {
            if (te.toLowerCase(Locale.ROOT).contains("trailers")) {
                headers.set(HttpHeaderNames.TE, "trailers");
            } else {
                headers.remove(HttpHeaderNames.TE);
            }
        }
    }

    private static void stripNamed(HttpHeaders headers, String names) {
        for (String each : names.split(",", 64)) {
            String name = each.trim().toLowerCase(Locale.ROOT);
            if (!name.isEmpty() && !name.equals("te") && !KEPT.contains(name)) {
                headers.remove(name);
            }
        }
    }
}
