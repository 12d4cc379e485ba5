package dev.coppice.health.check;

import dev.coppice.control.Key;
import dev.coppice.health.check.Observation.Health;
import dev.coppice.health.kind.CompositeTarget;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Sums up the health of several checks: the pure part of composite checks. */
final class Composition {
    private Composition() {}

    /**
     * Sums up the members. Paused members and those in maintenance do not count; suppressed ones count as failed. Unknown
     * members leave the outcome open where it hangs on them.
     */
    static Observation observe(CompositeTarget target, Map<Key, State> members) {
        List<String> down = new ArrayList<>();
        int up = 0;
        int degraded = 0;
        int open = 0;
        for (var member : members.entrySet()) {
            switch (member.getValue()) {
                case State.Up ignored -> up++;
                case State.Degraded ignored -> {
                    up++;
                    degraded++;
                }
                case State.Unknown ignored -> open++;
                case State.Down ignored -> down.add(member.getKey().name());
                case State.Suppressed ignored -> down.add(member.getKey().name());
                case State.Maintenance ignored -> {}
                case State.Paused ignored -> {}
            }
        }
        int counted = up + open + down.size();
        if (counted == 0) {
            return members.isEmpty()
                    ? new Observation(Health.DOWN, "no checks belong to it; name some, or correct its selector")
                    : new Observation(Health.UNKNOWN, "all members are paused or in maintenance");
        }
        int needed = needed(target, counted);
        if (up >= needed) {
            return degraded > 0 || !down.isEmpty()
                    ? new Observation(Health.DEGRADED, words(up, counted, needed, down, degraded))
                    : Observation.UP;
        }
        return up + open >= needed
                ? new Observation(Health.UNKNOWN, "")
                : new Observation(Health.DOWN, words(up, counted, needed, down, degraded));
    }

    private static int needed(CompositeTarget target, int counted) {
        CompositeTarget.Rule rule = target.rule() == null ? CompositeTarget.Rule.All : target.rule();
        return switch (rule) {
            case All -> counted;
            case Any -> 1;
            case AtLeast -> target.atLeast() == null ? counted : target.atLeast();
        };
    }

    private static String words(int up, int counted, int needed, List<String> down, int degraded) {
        StringBuilder words = new StringBuilder();
        words.append(up)
                .append(" of ")
                .append(counted)
                .append(" up, ")
                .append(needed)
                .append(" needed");
        if (!down.isEmpty()) {
            words.append("; down: ")
                    .append(String.join(", ", down.stream().sorted().limit(10).toList()));
            if (down.size() > 10) {
                words.append(" and ").append(down.size() - 10).append(" more");
            }
        }
        if (degraded > 0) {
            words.append("; degraded: ").append(degraded);
        }
        return words.toString();
    }
}
