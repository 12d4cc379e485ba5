package dev.coppice.gateway.proxy;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.ArrayList;
import java.util.List;

/** The cookies of a request (RFC 6265, 4.2). */
final class Cookies {
    private Cookies() {}

    /** All values of a name. */
    static List<String> values(HttpHeaders headers, String name) {
        List<String> values = new ArrayList<>(1);
        for (String line : headers.getAll(HttpHeaderNames.COOKIE)) {
            for (String each : line.split(";", -1)) {
                if (named(each, name)) {
                    String value = each.substring(each.indexOf('=') + 1).strip();
                    boolean quoted = value.length() > 1 && value.startsWith("\"") && value.endsWith("\"");
                    values.add(quoted ? value.substring(1, value.length() - 1) : value);
                }
            }
        }
        return values;
    }

    /** Takes a cookie out, and leaves the others. */
    static void remove(HttpHeaders headers, String name) {
        if (values(headers, name).isEmpty()) {
            return;
        }
        List<String> rest = new ArrayList<>();
        for (String line : headers.getAll(HttpHeaderNames.COOKIE)) {
            for (String each : line.split(";", -1)) {
                if (!named(each, name) && !each.isBlank()) {
                    rest.add(each.strip());
                }
            }
        }
        headers.remove(HttpHeaderNames.COOKIE);
        if (!rest.isEmpty()) {
            headers.set(HttpHeaderNames.COOKIE, String.join("; ", rest));
        }
    }

    private static boolean named(String pair, String name) {
        int equals = pair.indexOf('=');
        return equals > 0 && pair.substring(0, equals).strip().equals(name);
    }
}
