package dev.coppice.gateway.proxy;

import dev.coppice.gateway.cache.AnswerStore;
import dev.coppice.gateway.cache.CacheKey;
import dev.coppice.gateway.cache.CacheRegion;
import dev.coppice.gateway.cache.FieldValues;
import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.ContentConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RouteFilterConfig;
import dev.coppice.gateway.config.RuleConfig;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** The answers that a data plane keeps, with those that are on their way to be kept. Safe for use by many threads. */
final class AnswerCache implements AutoCloseable {
    /** Answers of which not all has come yet may take this share of what those that are kept may. */
    private static final int COMING_SHARE = 4;

    private static final int MOST_REFRESHES = 1_024;
    private static final int STRIPES = 1 << 12;

    /**
     * The cache of a rule and one of its backends.
     *
     * @param region what it keeps
     * @param figures of its route
     */
    record Place(CacheRegion region, CacheMetrics.PerRoute figures) {}

    final AnswerStore store;
    final CacheFlights flights = new CacheFlights();
    final CacheMetrics metrics;
    private final AtomicLong coming = new AtomicLong();
    private final AtomicInteger refreshes = new AtomicInteger();
    /** How often keys were made useless, for some keys together. */
    private final AtomicIntegerArray changes = new AtomicIntegerArray(STRIPES);
    /** That were asked for since somebody took them. */
    private final Set<CacheRegion> asked = new HashSet<>();

    AnswerCache(long maxBytes, PrometheusRegistry registry) {
        store = new AnswerStore(maxBytes);
        metrics = new CacheMetrics(registry, store, flights::size);
    }

    /**
     * The cache of a rule and one of its backends.
     *
     * @param settings null: nothing is kept
     * @param named HTTPRouteFilters of both
     * @param upstream of the backend; null: it has none
     */
    synchronized @Nullable Place of(
            ContentConfig.@Nullable Cache settings,
            RouteConfig route,
            RuleConfig rule,
            BackendConfig backend,
            List<RouteFilterConfig> named,
            @Nullable Upstream upstream) {
        if (settings == null || !settings.enabled()) {
            return null;
        }
        String name = route.namespace() + "/" + route.name();
        CacheRegion region = store.region(new CacheRegion.Place(
                route.kind() + "/" + name,
                backend.upstream(),
                List.of(rule.filters(), backend.filters()),
                named,
                upstream == null ? List.of() : upstream.subsets(),
                settings));
        asked.add(region);
        return new Place(region, metrics.route(name));
    }

    /** The regions that were asked for since the last time, for what serves them to know. */
    synchronized Set<CacheRegion> taken() {
        Set<CacheRegion> all = Set.copyOf(asked);
        asked.clear();
        return all;
    }

    /** What is served has changed: these regions are, and no others. */
    synchronized void changed(Set<String> routes, Collection<CacheRegion> served) {
        store.keepOnly(served);
        metrics.keepOnly(routes);
    }

    /** Makes room for bytes of an answer that comes; false: there is none. */
    boolean reserve(int bytes) {
        if (coming.addAndGet(bytes) > store.maxBytes() / COMING_SHARE) {
            coming.addAndGet(-bytes);
            return false;
        }
        return true;
    }

    void giveBack(long bytes) {
        coming.addAndGet(-bytes);
    }

    /** Bytes of answers of which not all has come. */
    long coming() {
        return coming.get();
    }

    /** Another request of the gateway's own may begin. */
    boolean beginRefresh() {
        if (refreshes.incrementAndGet() > MOST_REFRESHES) {
            refreshes.decrementAndGet();
            return false;
        }
        metrics.refreshes.inc();
        return true;
    }

    void endRefresh() {
        refreshes.decrementAndGet();
    }

    private static int stripe(CacheKey key) {
        int hash = key.hashCode();
        return (hash ^ hash >>> 16) & STRIPES - 1;
    }

    /** A number that is another one once what a key tells of has changed. */
    int changes(CacheKey key) {
        return changes.get(stripe(key));
    }

    /** What a URI tells of has changed (RFC 9111, 4.4). */
    void invalidate(String route, String origin, String target, FieldValues request) {
        for (CacheKey each : store.keys(route, origin, target, request)) {
            changes.incrementAndGet(stripe(each));
            if (store.invalidate(each)) {
                metrics.invalidated.inc();
            }
        }
    }

    @Override
    public void close() {
        metrics.close();
    }
}
