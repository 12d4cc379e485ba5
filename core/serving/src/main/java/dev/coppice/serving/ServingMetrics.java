package dev.coppice.serving;

import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;

/** The metrics of all listeners of one kernel. Labels are bounded: listener names, mounted prefixes, known methods, status codes. */
final class ServingMetrics {
    private static final Map<PrometheusRegistry, ServingMetrics> BY_REGISTRY = new WeakHashMap<>();
    private static final Set<String> METHODS =
            Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE");

    final Gauge connections;
    final Counter accepted;
    final Counter refused;
    final Counter handshakeFailures;
    final Gauge inFlight;
    final Counter requests;
    final Histogram durations;
    final Counter slowClients;
    final Counter accessLogDropped;
    final Counter grpcCalls;
    final Histogram grpcDurations;

    private ServingMetrics(PrometheusRegistry registry) {
        connections = Gauge.builder()
                .name("coppice_serving_connections")
                .help("Open connections.")
                .labelNames("listener")
                .register(registry);
        accepted = Counter.builder()
                .name("coppice_serving_connections_accepted_total")
                .help("Connections accepted.")
                .labelNames("listener")
                .register(registry);
        refused = Counter.builder()
                .name("coppice_serving_connections_refused_total")
                .help("Connections refused because the listener had its limit of them.")
                .labelNames("listener")
                .register(registry);
        handshakeFailures = Counter.builder()
                .name("coppice_serving_tls_handshake_failures_total")
                .help("TLS handshakes that failed.")
                .labelNames("listener")
                .register(registry);
        inFlight = Gauge.builder()
                .name("coppice_serving_requests_in_flight")
                .help("Requests being handled, streams included.")
                .labelNames("listener")
                .register(registry);
        requests = Counter.builder()
                .name("coppice_serving_requests_total")
                .help("Requests answered; code 0 means that the client went before its answer began.")
                .labelNames("listener", "mount", "method", "code")
                .register(registry);
        durations = Histogram.builder()
                .name("coppice_serving_request_duration_seconds")
                .help("From the head of a request to the end of its answer; streamed answers are left out.")
                .labelNames("listener", "mount")
                .classicOnly()
                .classicUpperBounds(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
                .register(registry);
        slowClients = Counter.builder()
                .name("coppice_serving_slow_clients_total")
                .help("Connections closed because the client sent or read too slowly.")
                .labelNames("listener", "phase")
                .register(registry);
        grpcCalls = Counter.builder()
                .name("coppice_serving_grpc_calls_total")
                .help("gRPC calls ended, by status code.")
                .labelNames("listener", "method", "code")
                .register(registry);
        grpcDurations = Histogram.builder()
                .name("coppice_serving_grpc_call_duration_seconds")
                .help("From the start to the end of unary gRPC calls.")
                .labelNames("listener", "method")
                .classicOnly()
                .classicUpperBounds(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
                .register(registry);
        accessLogDropped = Counter.builder()
                .name("coppice_serving_access_log_dropped_total")
                .help("Access log lines dropped because its queue was full.")
                .register(registry);
    }

    static ServingMetrics of(PrometheusRegistry registry) {
        synchronized (BY_REGISTRY) {
            return BY_REGISTRY.computeIfAbsent(registry, ServingMetrics::new);
        }
    }

    static String method(String method) {
        return METHODS.contains(method) ? method : "other";
    }
}
