package dev.coppice.health.check;

import dev.coppice.control.Key;
import dev.coppice.health.kind.CompositeTarget;
import dev.coppice.health.kind.FlapDetection;
import dev.coppice.health.kind.HealthCheckSpec;
import dev.coppice.health.kind.HttpAssertion;
import dev.coppice.health.kind.HttpTarget;
import dev.coppice.health.kind.TimeWindow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Turns specs into plans; finds all errors that a schema cannot find. */
public final class PlanCompiler {
    private static final Duration LEAST_INTERVAL = Duration.ofSeconds(1);
    private static final Duration LONGEST_INTERVAL = Duration.ofDays(366);

    private final List<String> errors = new ArrayList<>();

    private PlanCompiler() {}

    /** The outcome: a plan, or all that is wrong. */
    public sealed interface Compiled {}

    /** The spec can be run. */
    public record Valid(CheckPlan plan) implements Compiled {}

    /** The spec cannot be run; each error names the field, what it holds and what was expected. */
    public record Invalid(List<String> errors) implements Compiled {}

    /** Compiles the spec of the check with the key. */
    public static Compiled compile(
            Key key, String uid, long generation, Map<String, String> labels, HealthCheckSpec spec) {
        return new PlanCompiler().plan(key, uid, generation, labels, spec);
    }

    private Compiled plan(Key key, String uid, long generation, Map<String, String> labels, HealthCheckSpec spec) {
        List<String> types = spec.types();
        if (types.size() != 1) {
            errors.add("spec: exactly one of http, tcp, tls, dns, grpc, icmp, postgres, redis, command, heartbeat and"
                    + " composite is expected, not "
                    + (types.isEmpty() ? "none" : String.join(" and ", types)));
        }
        Duration interval = duration("spec.interval", spec.intervalOrDefault(), LEAST_INTERVAL, LONGEST_INTERVAL);
        Duration timeout =
                duration("spec.timeout", spec.timeoutOrDefault(), Duration.ofMillis(1), Duration.ofMinutes(10));
        Duration jitter = duration("spec.jitter", or(spec.jitter(), Duration.ZERO), Duration.ZERO, interval);
        Duration retryDelay =
                duration("spec.retryDelay", or(spec.retryDelay(), LEAST_INTERVAL), Duration.ZERO, Duration.ofHours(1));
        int retries = or(spec.retries(), 0);
        if (spec.http() != null) {
            http(spec.http());
        }
        if (spec.composite() != null) {
            composite(spec.composite());
        }
        if (spec.degradedAfter() != null) {
            bounds("spec.degradedAfter", spec.degradedAfter(), Duration.ofMillis(1), timeout);
        }
        List<Key> parents = spec.dependsOn().stream()
                .map(d -> new Key(d.namespace() == null ? key.namespace() : d.namespace(), d.name()))
                .distinct()
                .toList();
        CheckPlan plan = new CheckPlan(
                key,
                uid,
                generation,
                labels,
                spec,
                interval,
                jitter,
                timeout,
                retries,
                retryDelay,
                rules(spec),
                parents,
                windows(spec.maintenance()));
        return errors.isEmpty() ? new Valid(plan) : new Invalid(List.copyOf(errors));
    }

    private Rules rules(HealthCheckSpec spec) {
        FlapDetection flaps = spec.flapDetection();
        int changes = 6;
        Duration window = Duration.ofMinutes(15);
        if (flaps != null) {
            changes = Boolean.FALSE.equals(flaps.enabled()) ? 0 : or(flaps.changes(), 6);
            window = duration(
                    "spec.flapDetection.window", or(flaps.window(), window), LEAST_INTERVAL, Duration.ofDays(1));
        }
        return new Rules(or(spec.failureThreshold(), 1), or(spec.successThreshold(), 1), changes, window);
    }

    private List<RecurringWindow> windows(List<TimeWindow> specs) {
        List<RecurringWindow> windows = new ArrayList<>();
        for (int i = 0; i < specs.size(); i++) {
            TimeWindow window = specs.get(i);
            try {
                windows.add(RecurringWindow.compile(
                        "spec.maintenance[" + i + "]",
                        window.cron(),
                        window.duration(),
                        window.timeZone(),
                        window.reason()));
            } catch (IllegalArgumentException e) {
                errors.add(String.valueOf(e.getMessage()));
            }
        }
        return windows;
    }

    private void http(HttpTarget http) {
        if (http.basicAuth() != null && http.bearerToken() != null) {
            errors.add("spec.http: basicAuth and bearerToken exclude each other; give one");
        }
        for (int i = 0; i < http.assertions().size(); i++) {
            HttpAssertion a = http.assertions().get(i);
            String field = "spec.http.assertions[" + i + "]";
            long sorts = Stream.of(
                            a.contains(), a.notContains(), a.regex(), a.notRegex(), a.jsonPath(), a.header(), a.cel())
                    .filter(v -> v != null)
                    .count();
            if (sorts != 1) {
                errors.add(
                        field + ": exactly one of contains, notContains, regex, notRegex, jsonPath, header and cel is"
                                + " expected, not " + sorts);
            }
            if ((a.equals() != null || a.matches() != null) && a.jsonPath() == null && a.header() == null) {
                errors.add(field + ": equals and matches go with jsonPath or header only");
            }
            if (a.header() != null && a.equals() == null && a.matches() == null) {
                errors.add(field + ".header: give equals or matches, too");
            }
        }
    }

    private void composite(CompositeTarget composite) {
        if (composite.checks().isEmpty() && composite.selector() == null) {
            errors.add("spec.composite: checks or selector is expected, or both");
        }
        boolean counts = composite.rule() == CompositeTarget.Rule.AtLeast;
        if (counts && composite.atLeast() == null) {
            errors.add("spec.composite.atLeast: expected with rule AtLeast: how many members must be up");
        } else if (!counts && composite.atLeast() != null) {
            errors.add("spec.composite.atLeast: goes with rule AtLeast only, not with "
                    + (composite.rule() == null ? "All" : composite.rule()));
        }
    }

    private Duration duration(String field, Duration value, Duration least, Duration most) {
        bounds(field, value, least, most);
        return value;
    }

    private void bounds(String field, Duration value, Duration least, Duration most) {
        if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
            errors.add(field + ": expected " + Durations.text(least) + " to " + Durations.text(most) + ", not "
                    + Durations.text(value));
        }
    }

    private static <T> T or(@Nullable T value, T otherwise) {
        return value == null ? otherwise : value;
    }
}
