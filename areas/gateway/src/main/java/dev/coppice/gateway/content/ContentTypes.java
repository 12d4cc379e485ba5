package dev.coppice.gateway.content;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A set of media types (RFC 9110, 8.3.1). Immutable. */
public final class ContentTypes {
    private final Set<String> whole = new HashSet<>();
    private final List<String> beginnings = new ArrayList<>();
    private final List<String> ends = new ArrayList<>();

    /** @param patterns in lower case: {@code type/subtype}, {@code type/*}, or a suffix such as {@code *+json} */
    public ContentTypes(List<String> patterns) {
        for (String each : patterns) {
            if (each.startsWith("*")) {
                ends.add(each.substring(1));
            } else if (each.endsWith("/*")) {
                beginnings.add(each.substring(0, each.length() - 1));
            } else {
                whole.add(each);
            }
        }
    }

    /** @param header a {@code Content-Type}, perhaps with parameters; null when there is none */
    public boolean contain(@Nullable String header) {
        if (header == null) {
            return false;
        }
        int end = header.indexOf(';');
        String type = (end < 0 ? header : header.substring(0, end)).strip().toLowerCase(Locale.ROOT);
        return whole.contains(type)
                || beginnings.stream().anyMatch(type::startsWith)
                || ends.stream().anyMatch(type::endsWith);
    }
}
