package dev.coppice.health.control;

import dev.coppice.control.Key;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** What is wrong with checks that cannot be run, for the status. Safe for use by many threads. */
final class InvalidChecks {
    private final Map<Key, List<String>> errors = new ConcurrentHashMap<>();

    void set(Key key, List<String> messages) {
        if (messages.isEmpty()) {
            errors.remove(key);
        } else {
            errors.put(key, List.copyOf(messages));
        }
    }

    List<String> of(Key key) {
        return errors.getOrDefault(key, List.of());
    }
}
