package dev.coppice.health.check;

import dev.coppice.control.Key;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A check as it is at a moment. Immutable.
 *
 * @param number of the check in the series store
 * @param last the last attempt of this process; null before it
 * @param lastAt when that ended
 * @param probed whether the current generation was probed at least once
 * @param cycle the checks of the dependency cycle that it is in; empty without one
 * @param missing checks that it needs and that do not exist
 */
public record CheckView(
        CheckPlan plan,
        Machine machine,
        int number,
        @Nullable Attempt last,
        @Nullable Instant lastAt,
        boolean probed,
        List<Key> cycle,
        Set<Key> missing) {

    public Key key() {
        return plan.key();
    }
}
