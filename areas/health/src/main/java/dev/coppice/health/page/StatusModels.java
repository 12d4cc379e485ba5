package dev.coppice.health.page;

import dev.coppice.control.Informer;
import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.health.check.CheckView;
import dev.coppice.health.check.Durations;
import dev.coppice.health.check.State;
import dev.coppice.health.kind.StatusPageSpec;
import dev.coppice.health.kind.StatusPageStatus;
import dev.coppice.health.series.LatencySketch;
import dev.coppice.health.series.SeriesStore;
import dev.coppice.health.series.Tally;
import dev.coppice.kernel.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Makes the models of status pages; each is kept for a few seconds, so that visitors cost little. */
public final class StatusModels {
    private static final Duration FRESH = Duration.ofSeconds(5);
    private static final int MOST_KEPT = 1000;

    private final Informer<StatusPageSpec, StatusPageStatus> pages;
    private final Supplier<List<CheckView>> checks;
    private final SeriesStore series;
    private final Clock clock;
    private final Map<Key, Kept> kept = new ConcurrentHashMap<>();

    private record Kept(StatusModel model, long generation, long nanos) {}

    public StatusModels(
            Informer<StatusPageSpec, StatusPageStatus> pages,
            Supplier<List<CheckView>> checks,
            SeriesStore series,
            Clock clock) {
        this.pages = pages;
        this.checks = checks;
        this.series = series;
        this.clock = clock;
    }

    /** The model of a page; empty when there is no such page. */
    public Optional<StatusModel> model(Key key) {
        Optional<Resource<StatusPageSpec, StatusPageStatus>> page = pages.get(key);
        if (page.isEmpty()) {
            kept.remove(key);
            return Optional.empty();
        }
        long now = clock.nanoTime();
        Kept known = kept.get(key);
        if (known != null && known.generation() == page.get().generation() && now - known.nanos() < FRESH.toNanos()) {
            return Optional.of(known.model());
        }
        StatusModel model = make(page.get());
        if (kept.size() < MOST_KEPT) {
            kept.put(key, new Kept(model, page.get().generation(), now));
        }
        return Optional.of(model);
    }

    private StatusModel make(Resource<StatusPageSpec, StatusPageStatus> page) {
        StatusPageSpec spec = page.spec();
        List<CheckView> all = checks.get().stream()
                .filter(v -> v.key().namespace().equals(page.namespace()))
                .sorted(Comparator.comparing(v -> v.key().name()))
                .toList();
        Set<String> shown = new HashSet<>();
        List<StatusModel.Group> groups = new ArrayList<>();
        for (StatusPageSpec.Group group : spec.groups()) {
            groups.add(new StatusModel.Group(
                    group.name(), components(spec, group.checks(), group.selector(), all, shown)));
        }
        List<StatusModel.Component> rest = components(spec, spec.checks(), spec.selector(), all, shown);
        if (!rest.isEmpty()) {
            groups.add(new StatusModel.Group("", rest));
        }
        Instant now = clock.now();
        return new StatusModel(
                page.namespace(),
                page.name(),
                spec.title() == null ? page.name() : spec.title(),
                spec.description() == null ? "" : spec.description(),
                overall(groups),
                groups,
                incidents(spec, groups, now),
                historyDays(spec),
                Boolean.TRUE.equals(spec.searchable()),
                now);
    }

    private static int historyDays(StatusPageSpec spec) {
        return spec.historyDays() == null ? 90 : Math.clamp(spec.historyDays(), 1, 90);
    }

    private List<StatusModel.Component> components(
            StatusPageSpec spec,
            List<StatusPageSpec.Component> named,
            dev.coppice.health.kind.@Nullable LabelSelector selector,
            List<CheckView> all,
            Set<String> shown) {
        List<StatusModel.Component> components = new ArrayList<>();
        for (StatusPageSpec.Component component : named) {
            for (CheckView view : all) {
                if (view.key().name().equals(component.name()) && shown.add(component.name())) {
                    components.add(component(spec, view, component.title(), component.description()));
                }
            }
        }
        for (CheckView view : all) {
            if (selector != null
                    && selector.matches(view.plan().labels())
                    && shown.add(view.key().name())) {
                components.add(component(spec, view, null, null));
            }
        }
        return components;
    }

    private StatusModel.Component component(
            StatusPageSpec spec, CheckView view, @Nullable String title, @Nullable String description) {
        List<StatusModel.Bar> bars = new ArrayList<>();
        Tally sum = Tally.NONE;
        for (SeriesStore.Day day : series.days(view.number(), historyDays(spec))) {
            sum = sum.plus(day.tally());
            String uptime = day.tally().percent();
            bars.add(new StatusModel.Bar(
                    LocalDate.ofEpochDay(day.epochDay()).toString(), level(day.tally()), uptime == null ? "" : uptime));
        }
        String uptime = sum.percent();
        String latency = "";
        if (Boolean.TRUE.equals(spec.showLatency())) {
            LatencySketch sketch = series.latency(view.number(), SeriesStore.Window.HOUR);
            latency = sketch.count() == 0
                    ? ""
                    : Durations.text(Duration.ofNanos((long) (sketch.quantileMicros(0.5) * 1000)));
        }
        return new StatusModel.Component(
                view.key().name(),
                title == null ? view.key().name() : title,
                description == null ? "" : description,
                publicState(view),
                view.machine().since(),
                uptime == null ? "" : uptime,
                latency,
                bars);
    }

    /** A suppressed check does not work either: visitors see it as down. */
    private static String publicState(CheckView view) {
        return switch (view.machine().state()) {
            case State.Suppressed ignored -> "Down";
            case State.Paused ignored -> "Unknown";
            case State.Up up -> up.word();
            case State.Degraded degraded -> degraded.word();
            case State.Down down -> down.word();
            case State.Maintenance maintenance -> maintenance.word();
            case State.Unknown unknown -> unknown.word();
        };
    }

    static String level(Tally tally) {
        double uptime = tally.uptime();
        if (Double.isNaN(uptime)) {
            return "off";
        }
        return uptime >= 0.999 ? "ok" : uptime >= 0.95 ? "warn" : "bad";
    }

    private static String overall(List<StatusModel.Group> groups) {
        Set<String> states = new HashSet<>();
        groups.forEach(g -> g.components().forEach(c -> states.add(c.state())));
        return Stream.of("Down", "Degraded", "Maintenance", "Up")
                .filter(states::contains)
                .findFirst()
                .orElse("Unknown");
    }

    private static List<StatusModel.Incident> incidents(
            StatusPageSpec spec, List<StatusModel.Group> groups, Instant now) {
        Instant oldest = now.minus(Duration.ofDays(spec.incidentDays() == null ? 14 : spec.incidentDays()));
        List<StatusModel.Incident> all = new ArrayList<>();
        for (StatusModel.Group group : groups) {
            for (StatusModel.Component component : group.components()) {
                if (component.state().equals("Down")) {
                    all.add(new StatusModel.Incident(
                            component.title() + " is down",
                            "Incident",
                            component.since(),
                            null,
                            List.of(component.title()),
                            List.of()));
                }
            }
        }
        for (StatusPageSpec.Incident incident : spec.incidents()) {
            Instant end = incident.end();
            if (end == null || end.isAfter(oldest)) {
                all.add(new StatusModel.Incident(
                        incident.title(),
                        incident.type() == null ? "Incident" : incident.type().name(),
                        incident.start(),
                        end,
                        incident.checks(),
                        incident.updates().stream()
                                .map(u -> new StatusModel.Update(
                                        u.time(), u.status() == null ? "" : u.status(), u.message()))
                                .toList()));
            }
        }
        all.sort(Comparator.comparing(StatusModel.Incident::start).reversed());
        return all;
    }
}
