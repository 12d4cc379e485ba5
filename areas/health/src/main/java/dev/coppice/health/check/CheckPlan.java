package dev.coppice.health.check;

import dev.coppice.control.Key;
import dev.coppice.health.kind.HealthCheckSpec;
import dev.coppice.health.kind.Severity;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A HealthCheck that was found valid, ready to run. Immutable.
 *
 * @param uid of the resource; results belong to it
 * @param spec what it was made from
 */
public record CheckPlan(
        Key key,
        String uid,
        long generation,
        Map<String, String> labels,
        HealthCheckSpec spec,
        Duration interval,
        Duration jitter,
        Duration timeout,
        int retries,
        Duration retryDelay,
        Rules rules,
        List<Key> dependsOn,
        List<RecurringWindow> maintenance) {

    public CheckPlan {
        labels = Map.copyOf(labels);
        dependsOn = List.copyOf(dependsOn);
        maintenance = List.copyOf(maintenance);
    }

    public boolean paused() {
        return Boolean.TRUE.equals(spec.paused());
    }

    public String type() {
        return spec.type();
    }

    public String group() {
        return spec.groupOrDefault();
    }

    public Severity severity() {
        return spec.severityOrDefault();
    }

    /** Why it is in maintenance at the time; null when it is not. */
    public @Nullable String maintenanceAt(Instant now) {
        for (RecurringWindow window : maintenance) {
            if (window.open(now)) {
                return window.reason().isEmpty() ? "in a maintenance window" : window.reason();
            }
        }
        return null;
    }
}
