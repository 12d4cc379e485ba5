package dev.coppice.health.control;

import dev.coppice.health.check.Durations;
import dev.coppice.health.kind.HealthCheckSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What the engine would do about a change of a check, in words. */
final class CheckActions {
    private CheckActions() {}

    /** The actions; null stands for a check that is not there. */
    static List<String> of(@Nullable HealthCheckSpec before, @Nullable HealthCheckSpec after) {
        boolean ran = before != null && !paused(before);
        boolean runs = after != null && !paused(after);
        if (after != null && runs && !ran) {
            return List.of("will " + (before == null ? "start " : "resume ") + work(after));
        }
        if (before != null && ran && !runs) {
            return List.of("will " + (after == null ? "stop " : "pause ") + what(before));
        }
        if (after == null || before == null) {
            return after == null ? List.of() : List.of("will wait: the check is paused");
        }
        return runs ? changed(before, after) : List.of();
    }

    private static List<String> changed(HealthCheckSpec before, HealthCheckSpec after) {
        List<String> actions = new ArrayList<>();
        if (!what(before).equals(what(after))) {
            actions.add("will stop " + what(before) + " and start " + work(after));
        } else if (!before.intervalOrDefault().equals(after.intervalOrDefault())) {
            actions.add(
                    "will go on " + work(after) + " instead of every " + Durations.text(before.intervalOrDefault()));
        } else if (!Objects.equals(target(before), target(after))
                || !before.timeoutOrDefault().equals(after.timeoutOrDefault())) {
            actions.add("will go on " + work(after) + ", with other conditions");
        }
        if (before.severityOrDefault() != after.severityOrDefault()) {
            actions.add("will tell of failures as " + after.severityOrDefault() + " instead of "
                    + before.severityOrDefault());
        }
        return actions;
    }

    private static boolean paused(HealthCheckSpec spec) {
        return Boolean.TRUE.equals(spec.paused());
    }

    private static String work(HealthCheckSpec spec) {
        String each = spec.heartbeat() != null ? ", expected every " : " every ";
        return what(spec) + each + Durations.text(spec.intervalOrDefault());
    }

    private static String what(HealthCheckSpec spec) {
        return switch (spec.type()) {
            case "heartbeat" -> "waiting for heartbeats";
            case "composite" -> "summing up " + spec.target();
            case "command" -> "running " + spec.target();
            case "http" -> "probing " + spec.target();
            default -> "probing " + spec.target() + " (" + spec.type() + ")";
        };
    }

    private static List<@Nullable Object> target(HealthCheckSpec spec) {
        List<@Nullable Object> all = new ArrayList<>();
        all.add(spec.http());
        all.add(spec.tcp());
        all.add(spec.tls());
        all.add(spec.dns());
        all.add(spec.grpc());
        all.add(spec.icmp());
        all.add(spec.postgres());
        all.add(spec.redis());
        all.add(spec.command());
        all.add(spec.heartbeat());
        all.add(spec.composite());
        return all;
    }
}
