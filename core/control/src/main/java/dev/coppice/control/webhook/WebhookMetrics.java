package dev.coppice.control.webhook;

import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;

/** What calls of webhooks count; one per registry. */
final class WebhookMetrics {
    final Histogram seconds;
    final Counter failures;
    final Counter refused;
    final Gauge running;

    WebhookMetrics(PrometheusRegistry registry) {
        seconds = Histogram.builder()
                .name("coppice_control_webhook_duration_seconds")
                .help("How long webhooks took to answer.")
                .classicOnly()
                .classicUpperBounds(0.005, 0.02, 0.1, 0.5, 1, 2.5, 10, 30)
                .labelNames("use")
                .register(registry);
        failures = Counter.builder()
                .name("coppice_control_webhook_failures_total")
                .help("Calls of webhooks that brought no usable answer.")
                .labelNames("use")
                .register(registry);
        refused = Counter.builder()
                .name("coppice_control_webhook_refused_total")
                .help("Calls of webhooks that were not made because as many as allowed were under way.")
                .register(registry);
        running = Gauge.builder()
                .name("coppice_control_webhook_running")
                .help("Calls of webhooks under way.")
                .register(registry);
    }
}
