package dev.coppice.gateway.proxy;

import io.netty.handler.codec.http.QueryStringDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The parameters of a query, {@code ?NAME=VALUE&NAME=VALUE}, of which other parts stay as they were sent. */
final class QueryParameters {
    private QueryParameters() {}

    /** All values of a name, unescaped. */
    static List<String> values(String query, String name) {
        List<String> values = new ArrayList<>(1);
        for (String each : parts(query)) {
            if (named(each, name)) {
                int equals = each.indexOf('=');
                String value = decoded(equals < 0 ? "" : each.substring(equals + 1));
                if (value != null) {
                    values.add(value);
                }
            }
        }
        return values;
    }

    /** The query without a parameter. */
    static String without(String query, String name) {
        StringBuilder rest = new StringBuilder(query.length());
        boolean removed = false;
        for (String each : parts(query)) {
            if (named(each, name)) {
                removed = true;
            } else {
                rest.append(rest.isEmpty() ? '?' : '&').append(each);
            }
        }
        return removed ? rest.toString() : query;
    }

    private static String[] parts(String query) {
        return query.length() <= 1 ? new String[0] : query.substring(1).split("&", -1);
    }

    private static boolean named(String part, String name) {
        int equals = part.indexOf('=');
        return name.equals(decoded(equals < 0 ? part : part.substring(0, equals)));
    }

    private static @Nullable String decoded(String text) {
        try {
            return QueryStringDecoder.decodeComponent(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }
}
