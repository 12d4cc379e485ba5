package dev.coppice.health.notify;

import dev.coppice.control.Key;
import dev.coppice.health.check.Durations;
import dev.coppice.health.check.RecurringWindow;
import dev.coppice.health.kind.NotificationPolicySpec;
import dev.coppice.health.kind.NotificationPolicySpec.QuietHours;
import dev.coppice.health.kind.NotificationPolicySpec.Receiver;
import dev.coppice.health.kind.NotificationPolicySpec.Route;
import dev.coppice.health.kind.Severity;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A NotificationPolicy that was found valid: which alerts go to which receivers, and when. Immutable. */
public final class PolicyPlan {
    private final Key key;
    private final String uid;
    private final NotificationPolicySpec spec;
    private final List<Quiet> quiet;
    private final Set<String> namespaces;

    private record Quiet(RecurringWindow window, List<Severity> severities) {}

    /** When groups that go to a receiver are told. */
    record Timing(Duration groupWait, Duration groupInterval, Duration repeatInterval) {}

    private PolicyPlan(Key key, String uid, NotificationPolicySpec spec, List<Quiet> quiet, Set<String> namespaces) {
        this.key = key;
        this.uid = uid;
        this.spec = spec;
        this.quiet = quiet;
        this.namespaces = namespaces;
    }

    /**
     * Compiles a policy; adds everything wrong to {@code errors}, and gives null then.
     *
     * @param namespaces whose checks it may tell about; {@code *} for all
     */
    public static @Nullable PolicyPlan compile(
            Key key, String uid, NotificationPolicySpec spec, Set<String> namespaces, List<String> errors) {
        Set<String> names = new HashSet<>();
        for (int i = 0; i < spec.receivers().size(); i++) {
            Receiver receiver = spec.receivers().get(i);
            String field = "spec.receivers[" + i + "]";
            if (!names.add(receiver.name())) {
                errors.add(field + ".name: \"" + receiver.name() + "\" is taken; give each receiver a name of its own");
            }
            long sorts = Stream.of(receiver.webhook(), receiver.email(), receiver.slack(), receiver.pagerDuty())
                    .filter(r -> r != null)
                    .count();
            if (sorts != 1) {
                errors.add(field + ": exactly one of webhook, email, slack and pagerDuty is expected, not " + sorts);
            }
        }
        if (spec.receivers().isEmpty()) {
            errors.add("spec.receivers: at least one receiver is expected");
        }
        for (int i = 0; i < spec.routes().size(); i++) {
            for (String name : spec.routes().get(i).receivers()) {
                if (!names.contains(name)) {
                    errors.add("spec.routes[" + i + "].receivers: there is no receiver \"" + name + "\"; known are "
                            + String.join(", ", names));
                }
            }
        }
        for (String by : spec.groupBy()) {
            if (!Set.of("namespace", "group", "severity", "check").contains(by) && !by.startsWith("label:")) {
                errors.add("spec.groupBy: \"" + by
                        + "\" is unknown; use namespace, group, severity, check, or label:NAME");
            }
        }
        positive(errors, "spec.groupWait", spec.groupWait());
        positive(errors, "spec.groupInterval", spec.groupInterval());
        positive(errors, "spec.repeatInterval", spec.repeatInterval());
        List<Quiet> quiet = new ArrayList<>();
        for (int i = 0; i < spec.quietHours().size(); i++) {
            QuietHours hours = spec.quietHours().get(i);
            try {
                quiet.add(new Quiet(
                        RecurringWindow.compile(
                                "spec.quietHours[" + i + "]", hours.cron(), hours.duration(), hours.timeZone(), null),
                        hours.severities()));
            } catch (IllegalArgumentException e) {
                errors.add(String.valueOf(e.getMessage()));
            }
        }
        return errors.isEmpty() ? new PolicyPlan(key, uid, spec, List.copyOf(quiet), Set.copyOf(namespaces)) : null;
    }

    private static void positive(List<String> errors, String field, @Nullable Duration value) {
        if (value != null && (value.isNegative() || value.compareTo(Duration.ofDays(366)) > 0)) {
            errors.add(field + ": expected 0s to 366 days, not " + Durations.text(value));
        }
    }

    public Key key() {
        return key;
    }

    public String uid() {
        return uid;
    }

    List<Receiver> receivers() {
        return spec.receivers();
    }

    Optional<Receiver> receiver(String name) {
        return spec.receivers().stream().filter(r -> r.name().equals(name)).findFirst();
    }

    boolean sendResolved() {
        return !Boolean.FALSE.equals(spec.sendResolved());
    }

    boolean includeDegraded() {
        return Boolean.TRUE.equals(spec.includeDegraded());
    }

    boolean quiet(Severity severity, Instant now) {
        return quiet.stream()
                .anyMatch(q -> (q.severities().isEmpty() || q.severities().contains(severity))
                        && q.window().open(now));
    }

    /** The receivers that an alert goes to, with the timing of the route that led there. */
    Map<String, Timing> receivers(Alert alert) {
        Map<String, Timing> found = new LinkedHashMap<>();
        if (!namespaces.contains("*") && !namespaces.contains(alert.key().namespace())) {
            return found;
        }
        if (spec.routes().isEmpty()) {
            spec.receivers().forEach(r -> found.put(r.name(), timing(null)));
            return found;
        }
        for (Route route : spec.routes()) {
            if (matches(route, alert)) {
                route.receivers().forEach(name -> found.putIfAbsent(name, timing(route)));
                if (!Boolean.TRUE.equals(route.continueMatching())) {
                    break;
                }
            }
        }
        return found;
    }

    private static boolean matches(Route route, Alert alert) {
        return (route.selector() == null || route.selector().matches(alert.labels()))
                && (route.namespaces().isEmpty()
                        || route.namespaces().contains(alert.key().namespace()))
                && (route.groups().isEmpty() || route.groups().contains(alert.group()))
                && (route.severities().isEmpty() || route.severities().contains(alert.severity()));
    }

    private Timing timing(@Nullable Route route) {
        return new Timing(
                first(route == null ? null : route.groupWait(), spec.groupWait(), Duration.ofSeconds(10)),
                first(route == null ? null : route.groupInterval(), spec.groupInterval(), Duration.ofMinutes(1)),
                first(route == null ? null : route.repeatInterval(), spec.repeatInterval(), Duration.ofHours(4)));
    }

    private static Duration first(@Nullable Duration a, @Nullable Duration b, Duration otherwise) {
        return a != null ? a : b != null ? b : otherwise;
    }

    /** What makes alerts one group. */
    Map<String, String> groupLabels(Alert alert) {
        Map<String, String> labels = new TreeMap<>();
        for (String by : spec.groupBy().isEmpty() ? List.of("namespace", "group") : spec.groupBy()) {
            switch (by) {
                case "namespace" -> labels.put("namespace", alert.key().namespace());
                case "group" -> labels.put("group", alert.group());
                case "severity" -> labels.put("severity", alert.severity().name());
                case "check" -> labels.put("check", alert.key().toString());
                default -> {
                    String label = by.substring("label:".length());
                    labels.put(label, alert.labels().getOrDefault(label, ""));
                }
            }
        }
        return labels;
    }
}
