package dev.coppice.gateway.control;

import dev.coppice.control.Resource;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Comparator;

/** How objects are put in order where the older one wins. */
final class Age {
    /** The oldest first, then by namespace and name. */
    static final Comparator<Resource<?, ?>> OLDEST_FIRST = Comparator.<Resource<?, ?>>comparingLong(Age::created)
            .thenComparing(Resource::namespace)
            .thenComparing(Resource::name);

    private Age() {}

    /** When it was created, in milliseconds since 1970. */
    static long created(Resource<?, ?> resource) {
        String text = resource.tree().path("metadata").path("creationTimestamp").asText("");
        try {
            return text.isEmpty() ? 0 : Instant.parse(text).toEpochMilli();
        } catch (DateTimeException e) {
            return 0;
        }
    }
}
