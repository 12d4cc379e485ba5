package dev.coppice.gateway.provider;

import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;

/** What jars of extensions provide ({@link ServiceLoader}). Safe for use by many threads. */
public final class Providers {
    private static final System.Logger LOG = System.getLogger(Providers.class.getName());
    /** A class path that cannot be read at all fails each time. */
    private static final int MOST_BROKEN = 100;

    private Providers() {}

    /** All of a service that can be made. What is broken is told in the log, is not there, and harms no other. */
    public static <T> List<T> of(Class<T> service) {
        List<T> all = new ArrayList<>();
        Iterator<T> found =
                ServiceLoader.load(service, service.getClassLoader()).iterator();
        for (int broken = 0; broken < MOST_BROKEN; ) {
            try {
                if (!found.hasNext()) {
                    break;
                }
                all.add(found.next());
            } catch (ServiceConfigurationError | RuntimeException | LinkageError e) {
                broken++;
                LOG.log(Level.WARNING, "a " + service.getSimpleName() + " of an extension cannot be used", e);
            }
        }
        return all;
    }
}
