package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.FilterConfig.HeaderChanges;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.RetryConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RouteFilterConfig;
import dev.coppice.gateway.config.RuleConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What a rule does to its requests, ready to be done. Immutable. */
final class RuleAction {

    /** The filters of a rule or of one of its backends. */
    static final class Filters {
        final HeaderEdits request;
        final HeaderEdits response;
        final FilterConfig.@Nullable Redirect redirect;
        final FilterConfig.@Nullable Rewrite rewrite;
        final List<MirrorTarget> mirrors;
        final @Nullable CrossOriginPolicy cors;
        /** HTTPRouteFilters in their order; null when there is none. One that is null cannot be run. */
        final @Nullable RouteFilter @Nullable [] named;

        Filters(
                List<FilterConfig> filters,
                Function<String, @Nullable Upstream> upstreams,
                @Nullable RouteFilter @Nullable [] named) {
            this.named = named;
            List<HeaderChanges> requests = new ArrayList<>();
            List<HeaderChanges> responses = new ArrayList<>();
            List<MirrorTarget> copies = new ArrayList<>();
            FilterConfig.Redirect away = null;
            FilterConfig.Rewrite changed = null;
            CrossOriginPolicy policy = null;
            for (FilterConfig each : filters) {
                switch (each) {
                    case FilterConfig.RequestHeaders headers -> requests.add(headers.changes());
                    case FilterConfig.ResponseHeaders headers -> responses.add(headers.changes());
                    case FilterConfig.Redirect redirected -> away = redirected;
                    case FilterConfig.Rewrite rewritten -> changed = rewritten;
                    case FilterConfig.Named _ -> {}
                    case FilterConfig.Cors allowed -> policy = new CrossOriginPolicy(allowed);
                    case FilterConfig.Mirror mirror -> {
                        Upstream to = upstreams.apply(mirror.upstream());
                        if (to != null) {
                            copies.add(new MirrorTarget(to, mirror.numerator(), mirror.denominator()));
                        }
                    }
                }
            }
            request = requests.isEmpty() ? HeaderEdits.NONE : new HeaderEdits(requests);
            response = responses.isEmpty() ? HeaderEdits.NONE : new HeaderEdits(responses);
            redirect = away;
            rewrite = changed;
            mirrors = List.copyOf(copies);
            cors = policy;
        }
    }

    /** Where copies of so many among so many requests go. */
    record MirrorTarget(Upstream upstream, int numerator, int denominator) {
        boolean chosen(SplittableRandom random) {
            return numerator >= denominator || random.nextInt(denominator) < numerator;
        }
    }

    /**
     * Where a share of the requests goes.
     *
     * @param upstream null: nowhere
     * @param upTo its weight and those before it
     * @param cache null: no answer is kept
     */
    record Backend(@Nullable Upstream upstream, long upTo, Filters filters, AnswerCache.@Nullable Place cache) {}

    final ListenerConfig listener;
    final String route;
    final ProxyMetrics.PerRoute metrics;
    final Filters filters;
    final long requestTimeoutNanos;
    final long backendTimeoutNanos;
    final @Nullable RetryConfig retry;
    final @Nullable String invalid;
    final RateLimit[] limits;
    final RuleAccess access;
    /** Whether its requests are calls of gRPC, which may come in other forms. */
    final boolean grpc;

    final Transcoders.@Nullable Made transcoding;
    final Observation observation;
    final Contents.Content content;
    final WebSockets.PerListener webSockets;
    /** Its route by kind, namespace and name. */
    final String routeKey;

    private final Backend[] backends;

    RuleAction(
            ListenerConfig listener,
            RouteConfig route,
            RuleConfig rule,
            Function<String, @Nullable Upstream> upstreams,
            ProxyDataPlane plane) {
        this.listener = listener;
        this.route = route.namespace() + "/" + route.name();
        this.metrics = plane.metrics.route(this.route);
        this.filters = new Filters(rule.filters(), upstreams, plane.filters.of(rule.filters()));
        this.requestTimeoutNanos = rule.requestTimeoutMillis() * 1_000_000;
        this.backendTimeoutNanos = rule.backendTimeoutMillis() * 1_000_000;
        this.retry = rule.retry();
        this.invalid = rule.invalid();
        this.limits = plane.limits.of(listener, route, rule);
        this.access = plane.access.of(listener, route, rule);
        this.observation = plane.observations.of(listener, route, rule);
        this.content = plane.contents.of(listener, route, rule);
        this.webSockets = plane.webSockets.of(listener);
        this.grpc = rule.grpc() != null || route.kind().equals("GRPCRoute");
        this.transcoding = plane.transcoders.of(rule.grpc());
        this.routeKey = route.kind() + "/" + this.route;
        List<Backend> all = new ArrayList<>();
        long sum = 0;
        for (BackendConfig each : rule.backends()) {
            if (each.weight() > 0) {
                sum += each.weight();
                Upstream upstream = each.upstream().isEmpty() ? null : upstreams.apply(each.upstream());
                Filters own = new Filters(each.filters(), upstreams, plane.filters.of(each.filters()));
                // Calls of gRPC are no business of caches.
                AnswerCache.Place cache =
                        plane.cache.of(grpc ? null : content.cache(), route, rule, each, named(filters, own), upstream);
                all.add(new Backend(upstream, sum, own, cache));
            }
        }
        this.backends = all.toArray(Backend[]::new);
    }

    /** Filters that have names, as they are configured. */
    private static List<RouteFilterConfig> named(Filters... all) {
        List<RouteFilterConfig> configs = new ArrayList<>(0);
        for (Filters each : all) {
            if (each.named != null) {
                for (RouteFilter filter : each.named) {
                    if (filter != null) {
                        configs.add(filter.config);
                    }
                }
            }
        }
        return configs;
    }

    /** A backend by weight; null when there is none. */
    @Nullable
    Backend choose(SplittableRandom random) {
        if (backends.length <= 1) {
            return backends.length == 0 ? null : backends[0];
        }
        long point = random.nextLong(backends[backends.length - 1].upTo);
        int index = 0;
        while (backends[index].upTo <= point) {
            index++;
        }
        return backends[index];
    }
}
