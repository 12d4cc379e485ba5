package dev.coppice.health.control;

import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.health.check.Attempt;
import dev.coppice.health.check.CheckView;
import dev.coppice.health.check.Durations;
import dev.coppice.health.check.Machine;
import dev.coppice.health.check.State;
import dev.coppice.health.kind.Condition;
import dev.coppice.health.kind.HealthCheckSpec;
import dev.coppice.health.kind.HealthCheckStatus;
import dev.coppice.health.series.LatencySketch;
import dev.coppice.health.series.SeriesStore;
import dev.coppice.health.series.SeriesStore.Window;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Makes statuses of what the engine knows. */
final class CheckStatuses {
    private static final int MAX_MESSAGE = 1024;

    private CheckStatuses() {}

    static HealthCheckStatus of(
            Resource<HealthCheckSpec, HealthCheckStatus> resource, CheckView view, SeriesStore series, Instant now) {
        Machine machine = view.machine();
        Conditions conditions = new Conditions(before(resource), view.plan().generation(), now);
        boolean waiting = machine.state() instanceof State.Paused;
        conditions.set(
                "Ready",
                view.probed(),
                view.probed() ? waiting ? "Paused" : "Probed" : "NotProbedYet",
                view.probed() ? "accepted and checked" : "accepted; the first check is under way");
        conditions.set("Valid", true, "Valid", "");
        healthy(conditions, machine);
        if (!view.plan().dependsOn().isEmpty() || view.plan().spec().composite() != null) {
            dependencies(conditions, view);
        }
        conditions.set(
                "Recorded",
                series.failure().isEmpty(),
                series.failure().isEmpty() ? "Recorded" : "DiskFailed",
                series.failure().orElse(""));
        Attempt last = view.last();
        HealthCheckStatus known = resource.status();
        Instant since = machine.since().truncatedTo(ChronoUnit.SECONDS);
        return new HealthCheckStatus(
                machine.state().word(),
                since,
                since,
                machine.flapping(),
                bounded(machine.lastError()),
                view.lastAt() == null ? known == null ? null : known.lastCheckTime() : seconds(view.lastAt()),
                latency(last, known),
                latencies(series, view.number()),
                uptime(series, view.number()),
                last == null || last.certificateExpiry() == null
                        ? known == null ? null : known.certificateExpiry()
                        : seconds(last.certificateExpiry()),
                view.plan().type(),
                bounded(view.plan().spec().target()),
                view.plan().generation(),
                conditions.list());
    }

    static HealthCheckStatus invalid(
            Resource<HealthCheckSpec, HealthCheckStatus> resource, List<String> errors, Instant now) {
        String message = bounded(String.join("; ", errors));
        Conditions conditions = new Conditions(before(resource), resource.generation(), now)
                .set("Ready", false, "InvalidSpec", message)
                .set("Valid", false, "InvalidSpec", message)
                .set("Healthy", "Unknown", "InvalidSpec", "the check does not run");
        HealthCheckStatus known = resource.status();
        boolean same = known != null && "Unknown".equals(known.state()) && known.since() != null;
        Instant since = same && known != null && known.since() != null ? known.since() : seconds(now);
        return new HealthCheckStatus(
                "Unknown",
                since,
                since,
                false,
                message,
                null,
                null,
                null,
                null,
                null,
                resource.spec().type(),
                bounded(resource.spec().target()),
                resource.generation(),
                conditions.list());
    }

    private static List<Condition> before(Resource<HealthCheckSpec, HealthCheckStatus> resource) {
        HealthCheckStatus status = resource.status();
        return status == null ? List.of() : status.conditions();
    }

    private static void healthy(Conditions conditions, Machine machine) {
        String word = machine.state().word();
        String reason = bounded(machine.state().reason());
        switch (machine.state()) {
            case State.Up ignored -> conditions.set("Healthy", true, word, reason);
            case State.Degraded ignored -> conditions.set("Healthy", true, word, reason);
            case State.Down ignored -> conditions.set("Healthy", false, word, reason);
            case State.Unknown ignored -> conditions.set("Healthy", "Unknown", word, reason);
            case State.Suppressed ignored -> conditions.set("Healthy", "Unknown", word, reason);
            case State.Maintenance ignored -> conditions.set("Healthy", "Unknown", word, reason);
            case State.Paused ignored -> conditions.set("Healthy", "Unknown", word, reason);
        }
    }

    private static void dependencies(Conditions conditions, CheckView view) {
        if (!view.cycle().isEmpty()) {
            String names = view.cycle().stream().limit(20).map(Key::toString).collect(Collectors.joining(" → "));
            conditions.set(
                    "DependenciesResolved",
                    false,
                    "DependencyCycle",
                    "these checks need each other: " + names + " → "
                            + view.cycle().getFirst()
                            + "; remove one of the dependencies. Until then those between them have no effect");
        } else if (!view.missing().isEmpty()) {
            String names = view.missing().stream().map(Key::toString).sorted().collect(Collectors.joining(", "));
            conditions.set(
                    "DependenciesResolved",
                    false,
                    "MissingDependency",
                    "there is no HealthCheck " + bounded(names) + "; create it, or remove the dependency");
        } else {
            conditions.set("DependenciesResolved", true, "Resolved", "");
        }
    }

    private static @Nullable String latency(@Nullable Attempt last, @Nullable HealthCheckStatus known) {
        if (last == null) {
            return known == null ? null : known.latency();
        }
        Duration latency = last.latency();
        return latency == null ? null : Durations.text(latency);
    }

    private static HealthCheckStatus.@Nullable Latencies latencies(SeriesStore series, int number) {
        LatencySketch sketch = series.latency(number, Window.HOUR);
        return sketch.count() == 0
                ? null
                : new HealthCheckStatus.Latencies(
                        quantile(sketch, 0.5), quantile(sketch, 0.95), quantile(sketch, 0.99));
    }

    private static String quantile(LatencySketch sketch, double q) {
        return Durations.text(Duration.ofNanos((long) (sketch.quantileMicros(q) * 1000)));
    }

    private static HealthCheckStatus.@Nullable Uptime uptime(SeriesStore series, int number) {
        if (series.tally(number, Window.MONTH).total() == 0) {
            return null;
        }
        return new HealthCheckStatus.Uptime(
                series.tally(number, Window.HOUR).percent(),
                series.tally(number, Window.DAY).percent(),
                series.tally(number, Window.WEEK).percent(),
                series.tally(number, Window.MONTH).percent());
    }

    private static Instant seconds(Instant instant) {
        return instant.truncatedTo(ChronoUnit.SECONDS);
    }

    private static String bounded(String text) {
        return text.length() <= MAX_MESSAGE ? text : text.substring(0, MAX_MESSAGE) + "…";
    }
}
