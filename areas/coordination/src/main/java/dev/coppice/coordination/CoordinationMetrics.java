package dev.coppice.coordination;

import dev.coppice.coordination.contention.Contention;
import dev.coppice.coordination.contention.Queue;
import dev.coppice.coordination.contention.Role;
import dev.coppice.coordination.deadlock.DeadlockWatch;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The metrics of locks and elections, as this node sees them. */
final class CoordinationMetrics implements AutoCloseable {
    private final PrometheusRegistry registry;
    private final List<Collector> collectors = new ArrayList<>();
    private final Histogram waits = Histogram.builder()
            .name("coppice_coordination_wait_seconds")
            .help("How long those who got a lock or came to lead had waited for it.")
            .labelNames("role")
            .classicUpperBounds(0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60, 600, 3600)
            .classicOnly()
            .build();

    CoordinationMetrics(PrometheusRegistry registry) {
        this.registry = registry;
        collectors.add(waits);
    }

    void show(DeadlockWatch watch) {
        collectors.add(standings(watch, "coppice_coordination_holding", "Holders of locks, and leaders.", true));
        collectors.add(
                standings(watch, "coppice_coordination_waiting", "Those who wait for a lock, or to lead.", false));
        collectors.add(GaugeWithCallback.builder()
                .name("coppice_coordination_deadlocked")
                .help("Deadlocks that there are now.")
                .callback(out -> out.call(watch.now().found().deadlocks().size()))
                .build());
        collectors.add(GaugeWithCallback.builder()
                .name("coppice_coordination_left_out")
                .help(
                        "Contenders that are not looked at, by why: too many of them, or too long a wait for the deadlock search.")
                .labelNames("why")
                .callback(out -> {
                    DeadlockWatch.View now = watch.now();
                    out.call(now.contention().leftOut(), "many");
                    out.call(now.found().leftOut(), "long");
                })
                .build());
        collectors.forEach(registry::register);
    }

    private static GaugeWithCallback standings(DeadlockWatch watch, String name, String help, boolean holding) {
        return GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .labelNames("sort")
                .callback(out -> {
                    Contention now = watch.now().contention();
                    Map<Queue.Sort, Integer> counts = new EnumMap<>(Queue.Sort.class);
                    now.queues()
                            .values()
                            .forEach(queue -> counts.merge(
                                    queue.sort(),
                                    (int) queue.standings().stream()
                                            .filter(each -> each.holds() == holding)
                                            .count(),
                                    Integer::sum));
                    for (Queue.Sort sort : Queue.Sort.values()) {
                        out.call(counts.getOrDefault(sort, 0), sort.word());
                    }
                })
                .build();
    }

    void waited(Role role, Duration wait) {
        waits.labelValues(role.name().toLowerCase(Locale.ROOT)).observe(Math.max(0, wait.toNanos() / 1e9));
    }

    @Override
    public void close() {
        collectors.forEach(registry::unregister);
    }
}
