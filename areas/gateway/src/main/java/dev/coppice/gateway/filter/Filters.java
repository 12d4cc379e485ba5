package dev.coppice.gateway.filter;

import java.lang.System.Logger.Level;
import java.util.Collection;
import java.util.Collections;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The filters of extensions that there are, by name. Safe for use by many threads. */
public final class Filters {
    private static final System.Logger LOG = System.getLogger(Filters.class.getName());
    private static final Map<String, FilterFactory> ALL = all();

    private Filters() {}

    private static Map<String, FilterFactory> all() {
        Map<String, FilterFactory> all = new TreeMap<>();
        ServiceLoader.load(FilterFactory.class, Filters.class.getClassLoader()).stream()
                .forEach(each -> add(each, all));
        return Collections.unmodifiableMap(all);
    }

    /** A provider that is broken is not there, and harms no other. */
    private static void add(ServiceLoader.Provider<FilterFactory> provider, Map<String, FilterFactory> all) {
        try {
            FilterFactory made = provider.get();
            all.putIfAbsent(made.name(), made);
        } catch (ServiceConfigurationError | RuntimeException | LinkageError e) {
            LOG.log(
                    Level.WARNING,
                    "the filter of an extension, " + provider.type().getName() + ", cannot be used",
                    e);
        }
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
