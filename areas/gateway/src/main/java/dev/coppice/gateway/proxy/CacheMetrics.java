package dev.coppice.gateway.proxy;

import dev.coppice.gateway.cache.AnswerStore;
import dev.coppice.gateway.cache.Storing;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.IntSupplier;

/** What is counted of caches. The first {@value #MOST_NAMES} routes have figures of their own. Safe for use by many threads. */
final class CacheMetrics implements AutoCloseable {
    private static final int MOST_NAMES = 1000;

    /** What a cache did with a request. */
    enum Outcome {
        /** Answered with what is kept and fresh. */
        HIT,
        /** The same, once another request had brought it. */
        COLLAPSED,
        /** Answered with what is kept and stale. */
        STALE,
        /** Answered with what is kept, which the endpoint has confirmed. */
        REVALIDATED,
        /** Answered by the endpoint. */
        MISS,
        /** Sent on without a look at what is kept, or as what is kept is of no use for it. */
        BYPASS,
        /** Refused, as its client wanted no answer but one that is kept. */
        REFUSED;

        private final String word = name().toLowerCase(Locale.ROOT);

        /** In metrics and logs. */
        String word() {
            return word;
        }
    }

    /** The figures of one route. */
    final class PerRoute {
        private final Map<Outcome, CounterDataPoint> outcomes = new EnumMap<>(Outcome.class);

        private PerRoute(String name) {
            for (Outcome each : Outcome.values()) {
                outcomes.put(each, requests.labelValues(name, each.word));
            }
        }

        void counted(Outcome outcome) {
            CounterDataPoint counter = outcomes.get(outcome);
            if (counter != null) {
                counter.inc();
            }
        }
    }

    private final PrometheusRegistry registry;
    private final Counter requests;
    private final Counter refused;
    final Counter kept;
    final Counter refreshes;
    final Counter invalidated;
    private final List<Collector> collectors;
    private final NamedFigures<PerRoute> routes =
            new NamedFigures<>(MOST_NAMES, PerRoute::new, (name, _) -> forget(name));

    /** @param flights requests that fetch answers which others wait for */
    CacheMetrics(PrometheusRegistry registry, AnswerStore store, IntSupplier flights) {
        this.registry = registry;
        requests = Counter.builder()
                .name("coppice_gateway_cache_requests")
                .help("Requests of routes with a cache: hit, collapsed, stale, revalidated, miss, bypass, refused.")
                .labelNames("route", "outcome")
                .build();
        kept = Counter.builder()
                .name("coppice_gateway_cache_kept")
                .help("Answers that were kept.")
                .build();
        refused = Counter.builder()
                .name("coppice_gateway_cache_not_kept")
                .help("Answers to requests that nothing was kept for, which were not kept either, by reason.")
                .labelNames("reason")
                .build();
        refreshes = Counter.builder()
                .name("coppice_gateway_cache_refreshes")
                .help("Requests of the gateway's own for answers that were served stale meanwhile.")
                .build();
        invalidated = Counter.builder()
                .name("coppice_gateway_cache_invalidated")
                .help("Keys whose answers were dropped as a request has changed what they tell of.")
                .build();
        collectors = List.of(
                requests,
                kept,
                refused,
                refreshes,
                invalidated,
                CounterWithCallback.builder()
                        .name("coppice_gateway_cache_evicted")
                        .help("Keys whose answers were dropped as there was no memory left.")
                        .callback(callback -> callback.call(store.evicted()))
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_cache_bytes")
                        .help("Memory of answers that are kept, about.")
                        .callback(callback -> callback.call(store.bytes()))
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_cache_max_bytes")
                        .help("The most memory that answers may take.")
                        .callback(callback -> callback.call(store.maxBytes()))
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_cache_keys")
                        .help("Keys for which answers are kept.")
                        .callback(callback -> callback.call(store.size()))
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_cache_fetches")
                        .help("Requests on their way to endpoints whose answers others may wait for.")
                        .callback(callback -> callback.call(flights.getAsInt()))
                        .build());
        collectors.forEach(registry::register);
    }

    PerRoute route(String name) {
        return routes.of(name);
    }

    void refused(Storing.Refusal why) {
        refused.labelValues(why.word()).inc();
    }

    private void forget(String route) {
        for (Outcome each : Outcome.values()) {
            requests.remove(route, each.word);
        }
    }

    void keepOnly(Set<String> names) {
        routes.keepOnly(names::contains);
    }

    @Override
    public void close() {
        collectors.forEach(registry::unregister);
    }
}
