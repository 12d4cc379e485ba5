package dev.coppice.gateway.proxy;

import dev.coppice.gateway.balance.OutlierDetector;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What is known of upstreams that a policy is for. The first {@value #MOST_NAMES} have figures of their own, all others share those named
 * {@value #OTHERS}. Safe for use by many threads.
 */
final class BalanceMetrics implements AutoCloseable {
    private static final int MOST_NAMES = 1000;
    private static final String OTHERS = "others";
    private static final String SPARED = "spared";
    private static final String SUCCESS = "success";
    private static final String FAILURE = "failure";
    private static final String NOT_ASKED = "not-asked";
    private static final String SUBSET = "subset";
    private static final String FALLBACK = "fallback";

    /**
     * How an upstream is.
     *
     * @param inFlight requests that are on their way
     * @param healthy endpoints that may get requests
     * @param unwell endpoints that health checks found unhealthy
     * @param ejected endpoints that are left out as outliers
     */
    record Figures(int inFlight, int healthy, int unwell, int ejected, boolean panic) {
        private Figures plus(Figures other) {
            return new Figures(
                    inFlight + other.inFlight,
                    healthy + other.healthy,
                    unwell + other.unwell,
                    ejected + other.ejected,
                    panic || other.panic);
        }
    }

    private final PrometheusRegistry registry;
    private final Counter ejections;
    private final Counter checks;
    private final Counter subsets;
    private final Counter overflows;
    private final List<Collector> collectors;
    private final Map<String, PerUpstream> upstreams = new HashMap<>();
    /** Those that have figures of their own. */
    private final Set<String> named = new HashSet<>();

    BalanceMetrics(PrometheusRegistry registry) {
        this.registry = registry;
        ejections = Counter.builder()
                .name("coppice_gateway_upstream_ejections")
                .help(
                        "Endpoints left out as outliers: consecutive-5xx, consecutive-gateway-failures, success-rate; spared: not left out, since too many were.")
                .labelNames("upstream", "reason")
                .build();
        checks = Counter.builder()
                .name("coppice_gateway_upstream_health_checks")
                .help("Health checks of endpoints: success, failure; not-asked: requests had taken all connections.")
                .labelNames("upstream", "result")
                .build();
        subsets = Counter.builder()
                .name("coppice_gateway_upstream_subset_choices")
                .help(
                        "Choices of endpoints where there are subsets: subset: among those that the request names; fallback.")
                .labelNames("upstream", "result")
                .build();
        overflows = Counter.builder()
                .name("coppice_gateway_upstream_hash_overflows")
                .help(
                        "Requests that another endpoint got than the one their key belongs to, as that had too much to do.")
                .labelNames("upstream")
                .build();
        collectors = List.of(
                ejections,
                checks,
                subsets,
                overflows,
                GaugeWithCallback.builder()
                        .name("coppice_gateway_upstream_in_flight")
                        .help("Requests on their way to endpoints.")
                        .labelNames("upstream")
                        .callback(callback -> figures().forEach((name, each) -> callback.call(each.inFlight(), name)))
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_upstream_endpoints")
                        .help("Endpoints: healthy; unhealthy by health checks; ejected as outliers.")
                        .labelNames("upstream", "state")
                        .callback(callback -> figures().forEach((name, each) -> {
                            callback.call(each.healthy(), name, "healthy");
                            callback.call(each.unwell(), name, "unhealthy");
                            callback.call(each.ejected(), name, "ejected");
                        }))
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_upstream_panic")
                        .help("1 while unhealthy endpoints get requests, since too few are healthy.")
                        .labelNames("upstream")
                        .callback(callback ->
                                figures().forEach((name, each) -> callback.call(each.panic() ? 1 : 0, name)))
                        .build());
        collectors.forEach(registry::register);
    }

    /** The figures of one upstream. */
    final class PerUpstream {
        private final String name;
        private volatile @Nullable Supplier<Figures> figures;
        // Looked up once: these are counted with requests.
        private volatile @Nullable CounterDataPoint named;
        private volatile @Nullable CounterDataPoint fallback;
        private volatile @Nullable CounterDataPoint overflow;

        private PerUpstream(String name) {
            this.name = name;
        }

        /** Where its figures come from; null: it has none that matter. */
        void show(@Nullable Supplier<Figures> from) {
            figures = from;
        }

        void ejected(OutlierDetector.Reason reason) {
            ejections.labelValues(shown(), reason.word).inc();
        }

        void spared() {
            ejections.labelValues(shown(), SPARED).inc();
        }

        void checked(HealthCheckAttempt.Outcome outcome) {
            String result = switch (outcome) {
                case WELL -> SUCCESS;
                case UNWELL -> FAILURE;
                case NOT_ASKED -> NOT_ASKED;
            };
            checks.labelValues(shown(), result).inc();
        }

        /** @param found whether the request names a subset that has endpoints */
        void subset(boolean found) {
            CounterDataPoint known = found ? named : fallback;
            if (known == null) {
                known = subsets.labelValues(shown(), found ? SUBSET : FALLBACK);
                if (found) {
                    named = known;
                } else {
                    fallback = known;
                }
            }
            known.inc();
        }

        void passedOver() {
            CounterDataPoint known = overflow;
            if (known == null) {
                known = overflows.labelValues(shown());
                overflow = known;
            }
            known.inc();
        }

        private String shown() {
            return named(name) ? name : OTHERS;
        }
    }

    /** The figures of an upstream; to be {@linkplain #keepOnly forgotten} when it is gone. */
    synchronized PerUpstream upstream(String name) {
        return upstreams.computeIfAbsent(name, PerUpstream::new);
    }

    private synchronized boolean named(String name) {
        return named.contains(name) || named.size() < MOST_NAMES && named.add(name);
    }

    private synchronized Map<String, Figures> figures() {
        Map<String, Figures> all = new HashMap<>();
        upstreams.forEach((name, each) -> {
            Supplier<Figures> from = each.figures;
            if (from != null) {
                all.merge(named(name) ? name : OTHERS, from.get(), Figures::plus);
            }
        });
        return all;
    }

    /** Forgets the figures of what is no longer there. */
    synchronized void keepOnly(Set<String> names) {
        upstreams.keySet().retainAll(names);
        for (String each : new HashSet<>(named)) {
            if (!names.contains(each)) {
                named.remove(each);
                for (OutlierDetector.Reason reason : OutlierDetector.Reason.values()) {
                    ejections.remove(each, reason.word);
                }
                ejections.remove(each, SPARED);
                checks.remove(each, SUCCESS);
                checks.remove(each, FAILURE);
                checks.remove(each, NOT_ASKED);
                subsets.remove(each, SUBSET);
                subsets.remove(each, FALLBACK);
                overflows.remove(each);
            }
        }
    }

    /** Takes them out, so that another data plane may have its own. */
    @Override
    public void close() {
        collectors.forEach(registry::unregister);
    }
}
