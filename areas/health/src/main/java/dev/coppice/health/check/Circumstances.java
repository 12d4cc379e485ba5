package dev.coppice.health.check;

import dev.coppice.control.Key;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What holds around a check at a moment.
 *
 * @param maintenance why it is in maintenance; null when it is not
 * @param failedParents those of its dependencies that fail
 */
public record Circumstances(boolean paused, @Nullable String maintenance, List<Key> failedParents) {
    public static final Circumstances PLAIN = new Circumstances(false, null, List.of());

    public Circumstances {
        failedParents = List.copyOf(failedParents);
    }
}
