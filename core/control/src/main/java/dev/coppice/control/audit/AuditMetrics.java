package dev.coppice.control.audit;

import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.List;

/** What the audit log counts; one per registry. The first three have kube-apiserver's names. */
final class AuditMetrics {
    final Counter events;
    final Counter errors;
    final Counter levels;
    final Counter dropped;

    AuditMetrics(PrometheusRegistry registry) {
        events = Counter.builder()
                .name("apiserver_audit_event_total")
                .help("Audit events that were recorded.")
                .register(registry);
        errors = Counter.builder()
                .name("apiserver_audit_error_total")
                .help("Audit events that a sink (log or webhook) did not get.")
                .labelNames("plugin")
                .register(registry);
        levels = Counter.builder()
                .name("apiserver_audit_level_total")
                .help("Requests by the level at which the audit policy records them.")
                .labelNames("level")
                .register(registry);
        dropped = Counter.builder()
                .name("coppice_control_audit_events_dropped_total")
                .help(
                        "Audit events that were dropped: the sink's buffer was full (full), it did not take them (failed),"
                                + " or the node stopped first (stopped).")
                .labelNames("plugin", "reason")
                .register(registry);
    }

    /** A sink is there: its counters are, too, before anything goes wrong. */
    void sink(String plugin) {
        errors.initLabelValues(plugin);
        List.of("full", "failed", "stopped").forEach(reason -> dropped.initLabelValues(plugin, reason));
    }

    void dropped(String plugin, String reason, int count) {
        errors.labelValues(plugin).inc(count);
        dropped.labelValues(plugin, reason).inc(count);
    }

    static void waiting(PrometheusRegistry registry, List<AuditBuffer> buffers) {
        GaugeWithCallback.builder()
                .name("coppice_control_audit_events_waiting")
                .help("Audit events in a sink's buffer.")
                .labelNames("plugin")
                .callback(callback -> buffers.forEach(b -> callback.call(b.size(), b.plugin())))
                .register(registry);
    }
}
