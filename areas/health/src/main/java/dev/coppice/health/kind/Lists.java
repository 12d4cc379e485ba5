package dev.coppice.health.kind;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads absent collections as empty ones: fields that are left out arrive as null. */
final class Lists {
    private Lists() {}

    static <T> List<T> copy(@Nullable List<T> list) {
        return list == null ? List.of() : List.copyOf(list);
    }

    static Map<String, String> copy(@Nullable Map<String, String> map) {
        return map == null ? Map.of() : Map.copyOf(map);
    }
}
