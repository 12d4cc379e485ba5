package dev.coppice.gateway.proxy;

import dev.coppice.gateway.resilience.CircuitBreaker;
import dev.coppice.gateway.resilience.UpstreamReading;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * What is counted of requests that are not sent, and how upstreams are. The first {@value #MOST_NAMES} upstreams have figures of their own, all
 * others have no gauges. Safe for use by many threads.
 */
final class GuardMetrics implements AutoCloseable {
    private static final int MOST_NAMES = 1000;
    private static final double SECOND_NANOS = 1e9;

    /** The figures of one upstream. */
    final class PerUpstream {
        private final String name;

        private PerUpstream(String name) {
            this.name = name;
        }

        void refused(Refusal why) {
            refused.labelValues(name, why.word).inc();
        }

        void turned(CircuitBreaker.State to) {
            transitions.labelValues(name, to.word).inc();
        }

        void fellBack(String to) {
            fallbacks.labelValues(name, to).inc();
        }
    }

    private final PrometheusRegistry registry;
    private final Counter refused;
    private final Counter transitions;
    private final Counter fallbacks;
    private final List<Collector> collectors;
    private final NamedFigures<PerUpstream> upstreams =
            new NamedFigures<>(MOST_NAMES, PerUpstream::new, (name, _) -> forget(name));

    /** @param readings of all upstreams */
    GuardMetrics(PrometheusRegistry registry, Supplier<List<UpstreamReading>> readings) {
        this.registry = registry;
        refused = Counter.builder()
                .name("coppice_gateway_upstream_refused")
                .help("Requests that were not sent to an upstream, and retries that were not made, by reason.")
                .labelNames("upstream", "reason")
                .build();
        transitions = Counter.builder()
                .name("coppice_gateway_breaker_transitions")
                .help("Changes of circuit breakers, by what they came to be: closed, open, half-open.")
                .labelNames("upstream", "state")
                .build();
        fallbacks = Counter.builder()
                .name("coppice_gateway_fallbacks")
                .help("Requests that got what is there for when an upstream is not: a response, or another backend.")
                .labelNames("upstream", "to")
                .build();
        collectors = List.of(
                refused,
                transitions,
                fallbacks,
                GaugeWithCallback.builder()
                        .name("coppice_gateway_breaker_state")
                        .help("1 for the state that the circuit breaker of an upstream is in, 0 for the others.")
                        .labelNames("upstream", "state")
                        .callback(callback -> each(readings, reading -> {
                            CircuitBreaker.Reading breaker = reading.breaker();
                            if (breaker != null) {
                                for (CircuitBreaker.State state : CircuitBreaker.State.values()) {
                                    callback.call(breaker.state() == state ? 1 : 0, reading.upstream(), state.word);
                                }
                            }
                        }))
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_concurrency_limit")
                        .help("Requests that may wait for the answer of an upstream at one time, by its latency.")
                        .labelNames("upstream")
                        .callback(callback -> each(readings, reading -> {
                            if (reading.concurrencyLimit() > 0) {
                                callback.call(reading.concurrencyLimit(), reading.upstream());
                            }
                        }))
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_concurrency_used")
                        .help("Requests that wait for the answer of an upstream.")
                        .labelNames("upstream")
                        .callback(callback -> each(readings, reading -> {
                            if (reading.concurrencyLimit() > 0) {
                                callback.call(reading.waitingForAnswer(), reading.upstream());
                            }
                        }))
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_concurrency_least_latency_seconds")
                        .help("The latency of an upstream with little load, which the limit goes by.")
                        .labelNames("upstream")
                        .callback(callback -> each(readings, reading -> {
                            if (reading.leastLatencyNanos() > 0) {
                                callback.call(reading.leastLatencyNanos() / SECOND_NANOS, reading.upstream());
                            }
                        }))
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_upstream_in_use")
                        .help(
                                "What of the bounds of an upstream is in use: pending-requests, parallel-requests, parallel-retries.")
                        .labelNames("upstream", "bound")
                        .callback(callback -> each(readings, reading -> {
                            if (reading.bounded()) {
                                String name = reading.upstream();
                                callback.call(reading.pendingRequests(), name, "pending-requests");
                                callback.call(reading.parallelRequests(), name, "parallel-requests");
                                callback.call(reading.parallelRetries(), name, "parallel-retries");
                            }
                        }))
                        .build());
        collectors.forEach(registry::register);
    }

    private void each(Supplier<List<UpstreamReading>> readings, Consumer<UpstreamReading> action) {
        for (UpstreamReading reading : readings.get()) {
            if (upstreams.has(reading.upstream())) {
                action.accept(reading);
            }
        }
    }

    private void forget(String name) {
        for (Refusal why : Refusal.values()) {
            refused.remove(name, why.word);
        }
        for (CircuitBreaker.State state : CircuitBreaker.State.values()) {
            transitions.remove(name, state.word);
        }
        fallbacks.remove(name, "response");
        fallbacks.remove(name, "backend");
    }

    PerUpstream upstream(String name) {
        return upstreams.of(name);
    }

    /** Forgets the figures of what is no longer there. */
    void keepOnly(Set<String> names) {
        upstreams.keepOnly(names::contains);
    }

    /** Takes them out, so that another data plane may have its own. */
    @Override
    public void close() {
        collectors.forEach(registry::unregister);
    }
}
