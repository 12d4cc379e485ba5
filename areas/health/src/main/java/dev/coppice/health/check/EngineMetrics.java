package dev.coppice.health.check;

import dev.coppice.health.series.LatencySketch;
import dev.coppice.health.series.Sample;
import dev.coppice.health.series.SeriesStore;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.core.metrics.SummaryWithCallback;
import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.Quantiles;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;

/** The metrics of the engine. Metrics of single checks are read from the engine when somebody asks, for so many checks. */
final class EngineMetrics {
    private static final int MOST_CHECKS = 20_000;
    private static final double[] QUANTILES = {0.5, 0.95, 0.99};
    private static final long NO_COUNT = -1;

    private final PrometheusRegistry registry;
    private final List<Collector> collectors = new ArrayList<>();
    private final Counter results = Counter.builder()
            .name("coppice_health_results_total")
            .help("Results of checks, by how they count.")
            .labelNames("outcome")
            .build();
    private final Counter transitions = Counter.builder()
            .name("coppice_health_transitions_total")
            .help("Changes of state, by the new state.")
            .labelNames("to")
            .build();
    private final Counter skipped = Counter.builder()
            .name("coppice_health_skipped_runs_total")
            .help("Runs left out because the one before was not over.")
            .build();
    private final Counter retries = Counter.builder()
            .name("coppice_health_retries_total")
            .help("Further attempts after a failed one.")
            .build();
    private final Counter broken = Counter.builder()
            .name("coppice_health_broken_runs_total")
            .help("Runs that ended by an error of Coppice itself.")
            .build();
    private final Histogram lag = Histogram.builder()
            .name("coppice_health_schedule_lag_seconds")
            .help("How late checks start because no worker is free.")
            .classicUpperBounds(0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60)
            .classicOnly()
            .build();

    EngineMetrics(PrometheusRegistry registry, CheckEngine engine) {
        this.registry = registry;
        collectors.addAll(List.of(results, transitions, skipped, retries, broken, lag));
        collectors.add(probes(engine));
        collectors.add(durations(engine));
        collectors.add(percentiles(engine));
        collectors.add(states(engine));
        gauge(
                "coppice_health_queue_length",
                "Checks that wait for a worker.",
                () -> engine.pool().waiting());
        gauge("coppice_health_workers", "Workers.", () -> engine.pool().workers());
        gauge(
                "coppice_health_busy_workers",
                "Workers that run a check.",
                () -> engine.pool().busy());
        counter(
                "coppice_health_series_samples_total",
                "Results kept.",
                () -> engine.series().appended());
        counter(
                "coppice_health_series_failures_total",
                "Writes of results that failed.",
                () -> engine.series().failures());
        counter(
                "coppice_health_series_damaged_total",
                "Damaged records and files that were left out.",
                () -> engine.series().damaged());
    }

    private static GaugeWithCallback probes(CheckEngine engine) {
        return GaugeWithCallback.builder()
                .name("probe_success")
                .help("Displays whether or not the probe was a success")
                .labelNames("namespace", "name", "kind")
                .callback(out -> engine.entries().stream()
                        .filter(e -> e.last != null)
                        .limit(MOST_CHECKS)
                        .forEach(e -> {
                            Attempt last = e.last;
                            out.call(last != null && last.success() ? 1 : 0, labels(e));
                        }))
                .build();
    }

    private static GaugeWithCallback durations(CheckEngine engine) {
        return GaugeWithCallback.builder()
                .name("probe_duration_seconds")
                .help("Returns how long the probe took to complete in seconds")
                .labelNames("namespace", "name", "kind")
                .callback(out -> engine.entries().stream().limit(MOST_CHECKS).forEach(e -> {
                    Attempt last = e.last;
                    Duration latency = last == null ? null : last.latency();
                    if (latency != null) {
                        out.call(latency.toNanos() / 1e9, labels(e));
                    }
                }))
                .build();
    }

    /** A summary without count and sum: those of the last hour would fall, too, which Prometheus takes for a restart. */
    private static SummaryWithCallback percentiles(CheckEngine engine) {
        return SummaryWithCallback.builder()
                .name("coppice_health_latency_seconds")
                .help("How long successful checks of the last hour took, by quantile; right to 5 percent.")
                .labelNames("namespace", "name", "kind")
                .callback(out -> engine.entries().stream().limit(MOST_CHECKS).forEach(e -> {
                    LatencySketch sketch = engine.series().latency(e.number, SeriesStore.Window.HOUR);
                    if (sketch.count() > 0) {
                        Quantiles.Builder quantiles = Quantiles.builder();
                        for (double quantile : QUANTILES) {
                            quantiles.quantile(quantile, sketch.quantileMicros(quantile) / 1e6);
                        }
                        out.call(NO_COUNT, Double.NaN, quantiles.build(), labels(e));
                    }
                }))
                .build();
    }

    private static GaugeWithCallback states(CheckEngine engine) {
        return GaugeWithCallback.builder()
                .name("coppice_health_checks")
                .help("Checks by state.")
                .labelNames("state")
                .callback(out -> {
                    Map<String, Integer> counts = new HashMap<>();
                    for (String word :
                            List.of("Unknown", "Up", "Degraded", "Down", "Suppressed", "Maintenance", "Paused")) {
                        counts.put(word, 0);
                    }
                    engine.entries().forEach(e -> counts.merge(e.machine.state().word(), 1, Integer::sum));
                    counts.forEach((word, count) -> out.call(count, word));
                })
                .build();
    }

    private static String[] labels(CheckEntry entry) {
        CheckPlan plan = entry.plan;
        return new String[] {plan.key().namespace(), plan.key().name(), plan.type()};
    }

    private void gauge(String name, String help, IntSupplier value) {
        collectors.add(GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .callback(out -> out.call(value.getAsInt()))
                .build());
    }

    private void counter(String name, String help, LongSupplier value) {
        collectors.add(CounterWithCallback.builder()
                .name(name)
                .help(help)
                .callback(out -> out.call(value.getAsLong()))
                .build());
    }

    void register() {
        collectors.forEach(registry::register);
    }

    void unregister() {
        collectors.forEach(registry::unregister);
    }

    void started(long lagNanos) {
        lag.observe(Math.max(0, lagNanos) / 1e9);
    }

    void result(Sample.Outcome outcome) {
        results.labelValues(outcome.name().toLowerCase(Locale.ROOT)).inc();
    }

    void transition(Transition transition) {
        switch (transition) {
            case Transition.StateChanged changed ->
                transitions.labelValues(changed.to().word()).inc();
            case Transition.FlappingStarted ignored ->
                transitions.labelValues("Flapping").inc();
            case Transition.FlappingStopped ignored ->
                transitions.labelValues("Settled").inc();
        }
    }

    void skipped() {
        skipped.inc();
    }

    void retried() {
        retries.inc();
    }

    void broke() {
        broken.inc();
    }
}
