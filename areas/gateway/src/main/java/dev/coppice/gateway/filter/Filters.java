package dev.coppice.gateway.filter;

import java.lang.System.Logger.Level;
import java.util.Collection;
import java.util.Collections;
import java.util.Iterator;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The filters of extensions that there are, by name. Safe for use by many threads. */
public final class Filters {
    private static final System.Logger LOG = System.getLogger(Filters.class.getName());
    /** A class path that cannot be read at all fails each time. */
    private static final int MOST_BROKEN = 100;

    private static final Map<String, FilterFactory> ALL = all();

    private Filters() {}

    private static Map<String, FilterFactory> all() {
        Map<String, FilterFactory> all = new TreeMap<>();
        Iterator<FilterFactory> found = ServiceLoader.load(FilterFactory.class, Filters.class.getClassLoader())
                .iterator();
        // What is broken is not there, and harms no other: looking for the next one goes on behind it.
        for (int broken = 0; broken < MOST_BROKEN; ) {
            try {
                if (!found.hasNext()) {
                    break;
                }
                FilterFactory made = found.next();
                all.putIfAbsent(made.name(), made);
            } catch (ServiceConfigurationError | RuntimeException | LinkageError e) {
                broken++;
                LOG.log(Level.WARNING, "a filter of an extension cannot be used", e);
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
