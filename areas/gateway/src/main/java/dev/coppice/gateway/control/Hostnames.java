package dev.coppice.gateway.control;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What host names have in common: {@code *.} before one stands for one label or more, and empty for any name. */
public final class Hostnames {
    private Hostnames() {}

    /** In lower case; empty for any. */
    static String normal(@Nullable String hostname) {
        return hostname == null ? "" : hostname.toLowerCase(Locale.ROOT);
    }

    /**
     * What a listener's host name and those of a route have in common.
     *
     * @return null when that is nothing; empty for any name
     */
    static @Nullable List<String> intersection(String listener, List<String> route) {
        if (route.isEmpty()) {
            return listener.isEmpty() ? List.of() : List.of(listener);
        }
        Set<String> common = new LinkedHashSet<>();
        for (String each : route) {
            String name = normal(each);
            if (listener.isEmpty() || covers(listener, name)) {
                common.add(name);
            } else if (covers(name, listener)) {
                common.add(listener);
            }
        }
        return common.isEmpty() ? null : new ArrayList<>(common);
    }

    /** Whether every name that {@code narrow} stands for is one of {@code wide}. */
    public static boolean covers(String wide, String narrow) {
        if (wide.isEmpty() || wide.equals(narrow)) {
            return true;
        }
        // *.example.org covers a.example.org and *.a.example.org, and not example.org.
        return wide.startsWith("*.") && narrow.length() > wide.length() - 1 && narrow.endsWith(wide.substring(1));
    }

    /** Whether some name is one of both. */
    static boolean overlap(String a, String b) {
        return covers(a, b) || covers(b, a);
    }
}
