package dev.coppice.operator;

import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Map;
import java.util.WeakHashMap;

/** What is counted of the requests to a cluster; the first two have the names of Kubernetes' client-go. One per registry. */
final class ConnectionMetrics {
    private static final Map<PrometheusRegistry, ConnectionMetrics> BY_REGISTRY = new WeakHashMap<>();
    private static final double[] SECONDS = {0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60};

    final Counter requests;
    final Histogram seconds;
    final Gauge inFlight;
    final Gauge watches;
    final Counter watchEnds;
    final Counter fenced;

    private ConnectionMetrics(PrometheusRegistry registry) {
        requests = Counter.builder()
                .name("rest_client_requests_total")
                .help("Requests to the cluster, by method and status code; <error> where there was no answer.")
                .labelNames("method", "code")
                .register(registry);
        seconds = Histogram.builder()
                .name("rest_client_request_duration_seconds")
                .help("How long requests to the cluster took.")
                .labelNames("verb")
                .classicOnly()
                .classicUpperBounds(SECONDS)
                .register(registry);
        inFlight = Gauge.builder()
                .name("coppice_operator_requests_in_flight")
                .help("Requests to the cluster that wait for their answer.")
                .register(registry);
        watches = Gauge.builder()
                .name("coppice_operator_watches")
                .help("Watches open at the cluster.")
                .register(registry);
        watchEnds = Counter.builder()
                .name("coppice_operator_watch_ends_total")
                .help(
                        "Watches that ended, by why: the server ended it, an error, silent beyond its time, or closed here.")
                .labelNames("why")
                .register(registry);
        fenced = Counter.builder()
                .name("coppice_operator_fenced_writes_total")
                .help("Writes that were not sent because this process no longer held its lease.")
                .register(registry);
    }

    static ConnectionMetrics of(PrometheusRegistry registry) {
        synchronized (BY_REGISTRY) {
            return BY_REGISTRY.computeIfAbsent(registry, ConnectionMetrics::new);
        }
    }
}
