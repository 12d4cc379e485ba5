package dev.coppice.gateway.filter;

import dev.coppice.gateway.provider.Providers;
import java.lang.System.Logger.Level;
import java.util.Collection;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The filters of extensions that there are, by name. Safe for use by many threads. */
public final class Filters {
    private static final System.Logger LOG = System.getLogger(Filters.class.getName());
    private static final Map<String, FilterFactory> ALL = all();

    private Filters() {}

    private static Map<String, FilterFactory> all() {
        Map<String, FilterFactory> all = new TreeMap<>();
        for (FilterFactory each : Providers.of(FilterFactory.class)) {
            try {
                all.putIfAbsent(each.name(), each);
            } catch (RuntimeException | LinkageError e) {
                LOG.log(Level.WARNING, "a filter of an extension has no name, and cannot be used", e);
            }
        }
        return Collections.unmodifiableMap(all);
    }

    /** The one of a name; null when there is none. */
    public static @Nullable FilterFactory named(String name) {
        return ALL.get(name);
    }

    /** All names, in order. */
    public static Collection<String> names() {
        return ALL.keySet();
    }
}
