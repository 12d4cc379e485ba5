package dev.coppice.serving;

import io.prometheus.metrics.config.EscapingScheme;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.OpenMetricsTextFormatWriter;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;

/**
 * Answers with all metrics of a registry, in Prometheus' text format or, when the Accept header asks for it, in OpenMetrics'.
 * {@code name[]} parameters choose metrics by name.
 */
public final class MetricsHandler implements Handler {
    private final PrometheusRegistry registry;
    private final ExpositionFormatWriter prometheus = PrometheusTextFormatWriter.create();
    private final ExpositionFormatWriter openMetrics = OpenMetricsTextFormatWriter.create();

    public MetricsHandler(PrometheusRegistry registry) {
        this.registry = registry;
    }

    @Override
    public void handle(Exchange exchange) throws Exception {
        if (!exchange.method().equals("GET") && !exchange.method().equals("HEAD")) {
            exchange.status(405).setHeader("Allow", "GET, HEAD").send("text/plain", "405 method not allowed\n");
            return;
        }
        String accept = exchange.header("Accept").orElse("");
        ExpositionFormatWriter writer = accept.contains("application/openmetrics-text") ? openMetrics : prometheus;
        var names = exchange.queries().getOrDefault("name[]", java.util.List.of());
        ByteArrayOutputStream out = new ByteArrayOutputStream(65_536);
        writer.write(
                out,
                names.isEmpty() ? registry.scrape() : registry.scrape(names::contains),
                EscapingScheme.UNDERSCORE_ESCAPING);
        exchange.setHeader("Content-Type", writer.getContentType()).send(out.toByteArray());
    }
}
