package dev.coppice.probe;

import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.List;
import java.util.Locale;
import java.util.function.IntSupplier;

/** The prober's own metrics: labels are the type of probe and its outcome, never a target. */
final class ProberMetrics {
    private final PrometheusRegistry registry;
    private final Counter probes;
    private final Counter bytes;
    private final GaugeWithCallback running;
    private final GaugeWithCallback waiting;

    ProberMetrics(PrometheusRegistry registry, IntSupplier running, IntSupplier waiting) {
        this.registry = registry;
        probes = Counter.builder()
                .name("coppice_probe_probes_total")
                .help("Probes done.")
                .labelNames("type", "outcome")
                .register(registry);
        bytes = Counter.builder()
                .name("coppice_probe_read_bytes_total")
                .help("Bytes read from targets.")
                .register(registry);
        this.running = GaugeWithCallback.builder()
                .name("coppice_probe_running")
                .help("Probes that run now.")
                .callback(c -> c.call(running.getAsInt()))
                .register(registry);
        this.waiting = GaugeWithCallback.builder()
                .name("coppice_probe_waiting")
                .help("Probes that wait for a place.")
                .callback(c -> c.call(waiting.getAsInt()))
                .register(registry);
    }

    void unregister() {
        for (Collector collector : List.of(probes, bytes, running, waiting)) {
            registry.unregister(collector);
        }
    }

    void count(String type, ProbeResult result) {
        probes.labelValues(type, result.outcome().name().toLowerCase(Locale.ROOT))
                .inc();
        bytes.inc(result.bytes());
    }
}
