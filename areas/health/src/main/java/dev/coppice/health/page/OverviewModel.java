package dev.coppice.health.page;

import dev.coppice.health.check.Attempt;
import dev.coppice.health.check.CheckView;
import dev.coppice.health.check.Durations;
import dev.coppice.health.series.Sample;
import dev.coppice.health.series.SeriesStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Makes the overview from checks: the worst first, filtered, at most so many rows. */
final class OverviewModel {
    private static final int MOST_ROWS = 400;
    private static final int BARS = 30;
    private static final List<String> STATES =
            List.of("Down", "Degraded", "Unknown", "Suppressed", "Maintenance", "Paused", "Up");

    private final SeriesStore series;

    OverviewModel(SeriesStore series) {
        this.series = series;
    }

    Overview overview(List<CheckView> checks, String query, String state, String events) {
        Map<String, Integer> counts = new LinkedHashMap<>();
        STATES.forEach(word -> counts.put(word, 0));
        checks.forEach(v -> counts.merge(v.machine().state().word(), 1, Integer::sum));
        List<CheckView> chosen = checks.stream()
                .filter(v -> state.isEmpty() || v.machine().state().word().equals(state))
                .filter(v -> matches(v, query))
                .sorted(Comparator.comparingInt((CheckView v) -> rank(v))
                        .thenComparing(v -> v.key().toString()))
                .toList();
        Map<String, List<CheckView>> groups = new LinkedHashMap<>();
        for (CheckView view : chosen.subList(0, Math.min(MOST_ROWS, chosen.size()))) {
            String group = view.key().namespace()
                    + (view.plan().group().isEmpty() ? "" : " / " + view.plan().group());
            groups.computeIfAbsent(group, g -> new ArrayList<>()).add(view);
        }
        List<Overview.Group> all = new ArrayList<>();
        groups.forEach((name, views) -> all.add(new Overview.Group(
                name,
                StatusModel.level(views.getFirst().machine().state().word()),
                views.stream().map(this::row).toList())));
        return new Overview(query, state, events, checks.size(), counts, all, Math.max(0, chosen.size() - MOST_ROWS));
    }

    private static int rank(CheckView view) {
        int rank = STATES.indexOf(view.machine().state().word());
        return view.machine().flapping() && rank > 0 ? 1 : rank;
    }

    private static boolean matches(CheckView view, String query) {
        if (query.isEmpty()) {
            return true;
        }
        String text = (view.key() + " " + view.plan().group() + " "
                        + view.plan().spec().target() + " " + view.plan().type() + " "
                        + view.plan().labels())
                .toLowerCase(Locale.ROOT);
        for (String word : query.toLowerCase(Locale.ROOT).split("\\s+")) {
            if (!text.contains(word)) {
                return false;
            }
        }
        return true;
    }

    Overview.Row row(CheckView view) {
        List<Sample> recent = series.recent(view.number(), 60);
        String state =
                view.machine().flapping() ? "Flapping" : view.machine().state().word();
        Attempt last = view.last();
        Duration latency = last == null ? null : last.latency();
        String uptime = series.tally(view.number(), SeriesStore.Window.DAY).percent();
        String reason = view.machine().state().reason();
        return new Overview.Row(
                view.key().name(),
                view.key().namespace(),
                "/console/health/" + view.key().namespace() + "/" + view.key().name(),
                state,
                StatusModel.level(state),
                view.plan().type(),
                view.plan().spec().target(),
                view.machine().since().toString(),
                uptime == null ? "" : uptime,
                latency == null ? "" : Durations.text(latency),
                reason.isEmpty() ? view.machine().lastError() : reason,
                spark(recent),
                recent.subList(Math.max(0, recent.size() - BARS), recent.size()).stream()
                        .map(s -> level(s.outcome()))
                        .toList());
    }

    static String level(Sample.Outcome outcome) {
        return switch (outcome) {
            case UP -> "ok";
            case DEGRADED -> "warn";
            case DOWN -> "bad";
            case SUPPRESSED, MAINTENANCE -> "off";
        };
    }

    /** A line through the latencies, as an SVG path; gaps where there are none. */
    static String spark(List<Sample> samples) {
        int most = samples.stream().mapToInt(Sample::latencyMicros).max().orElse(0);
        if (most <= 0 || samples.size() < 2) {
            return "";
        }
        StringBuilder path = new StringBuilder();
        boolean drawing = false;
        for (int i = 0; i < samples.size(); i++) {
            int micros = samples.get(i).latencyMicros();
            if (micros < 0) {
                drawing = false;
                continue;
            }
            double x = 100.0 * i / (samples.size() - 1);
            double y = 26 - 24.0 * micros / most;
            path.append(drawing ? 'L' : 'M').append(String.format(Locale.ROOT, "%.1f %.1f", x, y));
            drawing = true;
        }
        return path.toString();
    }
}
