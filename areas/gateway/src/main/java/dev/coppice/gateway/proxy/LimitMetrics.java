package dev.coppice.gateway.proxy;

import dev.coppice.gateway.limit.SlotBudget;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * What limits count. The first {@value #MOST_NAMES} have figures of their own. Safe for use by many threads.
 */
final class LimitMetrics implements AutoCloseable {
    private static final int MOST_NAMES = 1000;

    /** The figures of one limit. */
    static final class PerLimit {
        final CounterDataPoint passed;
        final CounterDataPoint refused;
        final CounterDataPoint shadowed;
        final CounterDataPoint failed;

        private PerLimit(String name, Counter requests, Counter failures) {
            passed = requests.labelValues(name, "passed");
            refused = requests.labelValues(name, "refused");
            shadowed = requests.labelValues(name, "shadow-refused");
            failed = failures.labelValues(name);
        }
    }

    private final PrometheusRegistry registry;
    private final Counter requests;
    private final Counter failures;
    private final List<Collector> collectors;
    private final NamedFigures<PerLimit> limits = new NamedFigures<>(MOST_NAMES, this::made, (name, _) -> forget(name));

    /** @param evicted keys that were forgotten for others, by limit */
    LimitMetrics(PrometheusRegistry registry, SlotBudget slots, Supplier<Map<String, Long>> evicted) {
        this.registry = registry;
        requests = Counter.builder()
                .name("coppice_gateway_limit_requests")
                .help("Requests that a rate limit counted: passed, refused, shadow-refused.")
                .labelNames("limit", "outcome")
                .build();
        failures = Counter.builder()
                .name("coppice_gateway_limit_failures")
                .help("Requests for which a CEL expression of a rate limit failed.")
                .labelNames("limit")
                .build();
        collectors = List.of(
                requests,
                failures,
                CounterWithCallback.builder()
                        .name("coppice_gateway_limit_evicted")
                        .help("Keys of a rate limit that were forgotten, or not counted, as there was no memory left.")
                        .labelNames("limit")
                        .callback(callback -> shown(evicted.get()).forEach((name, count) -> callback.call(count, name)))
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_limit_slots")
                        .help("Places for keys of rate limits, of 16 bytes each.")
                        .callback(callback -> callback.call(slots.used()))
                        .build());
        collectors.forEach(registry::register);
    }

    private PerLimit made(String name) {
        return new PerLimit(name, requests, failures);
    }

    private void forget(String name) {
        requests.remove(name, "passed");
        requests.remove(name, "refused");
        requests.remove(name, "shadow-refused");
        failures.remove(name);
    }

    private Map<String, Long> shown(Map<String, Long> counts) {
        Map<String, Long> all = new HashMap<>();
        counts.forEach((name, count) -> all.merge(limits.shown(name), count, Long::sum));
        return all;
    }

    PerLimit limit(String name) {
        return limits.of(name);
    }

    /** Forgets the figures of what is no longer there. */
    void keepOnly(Set<String> names) {
        limits.keepOnly(names::contains);
    }

    /** Takes them out, so that another data plane may have its own. */
    @Override
    public void close() {
        collectors.forEach(registry::unregister);
    }
}
