package dev.coppice.gateway.proxy;

import io.netty.handler.codec.http.HttpHeaders;
import java.util.Collection;
import java.util.Locale;
import java.util.Set;

/** Headers in which backends are told something by the gateway alone. Immutable. */
final class OwnedHeaders {
    private final Set<String> names;

    /** @param names in lower case */
    OwnedHeaders(Collection<String> names) {
        this.names = Set.copyOf(names);
    }

    /** Takes out what a client sends of them, also when they are written with underscores: many backends take these for the same. */
    void remove(HttpHeaders headers) {
        if (names.isEmpty() || headers.isEmpty()) {
            return;
        }
        for (String name : headers.names()) {
            String lower = name.toLowerCase(Locale.ROOT);
            if (names.contains(lower) || lower.indexOf('_') >= 0 && names.contains(lower.replace('_', '-'))) {
                headers.remove(name);
            }
        }
    }
}
