package dev.coppice.gateway.filter;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The headers of a request or answer, in their order. Names are compared without case. Immutable.
 *
 * @param fields names and values as they came, so that these may have bytes that are no ASCII, as ISO 8859-1
 */
public record Headers(List<Map.Entry<String, String>> fields) {
    public Headers {
        fields = List.copyOf(fields);
    }

    /** The first value of a name; null when there is none. */
    public @Nullable String first(String name) {
        for (Map.Entry<String, String> each : fields) {
            if (each.getKey().equalsIgnoreCase(name)) {
                return each.getValue();
            }
        }
        return null;
    }

    /** All values of a name. */
    public List<String> all(String name) {
        return fields.stream()
                .filter(each -> each.getKey().equalsIgnoreCase(name))
                .map(Map.Entry::getValue)
                .toList();
    }
}
