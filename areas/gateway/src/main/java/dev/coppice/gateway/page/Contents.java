package dev.coppice.gateway.page;

import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.page.TrafficWatch.Span;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the console's page shows: the last ten seconds of what is served. The busiest come first.
 *
 * @param line requests a second of the last two minutes, as a path in a box of 100 by 28
 * @param left rows that are not shown because there are too many
 */
record Contents(
        List<Stat> stats,
        String line,
        String most,
        TrafficPicture picture,
        List<Listener> listeners,
        List<Route> routes,
        List<Upstream> upstreams,
        List<Policy> policies,
        int left) {
    private static final int MOST_ROWS = 100;
    private static final int LINE_HEIGHT = 28;
    private static final int LINE_WIDTH = 100;

    /** A figure. */
    record Stat(String name, String value, String tone) {}

    record Listener(
            String gateway,
            String name,
            String address,
            String protocol,
            String hostname,
            int routes,
            String connections) {}

    /** A route, with its rates a second. */
    record Route(
            String name,
            String rate,
            String errors,
            String refused,
            String tone,
            String median,
            String slow,
            double order) {}

    /** @param states how many endpoints are in which state, such as {@code 3 healthy, 1 ejected} */
    record Upstream(
            String name,
            String protocol,
            String states,
            String tone,
            String rate,
            String failures,
            String inFlight,
            String connections,
            double order) {}

    /** A rate limit or security policy: what it decided, a second. */
    record Policy(String name, String sort, String decided, double order) {}

    static Contents of(GatewayConfig config, Span span) {
        Map<String, Map<String, Double>> codes = codes(span);
        Map<String, Double> upstreamRates = span.rates("upstream_requests", "upstream");
        List<Route> routes = routes(config, span, codes);
        List<Upstream> upstreams = upstreams(config, span, upstreamRates);
        List<Policy> policies = policies(span);
        Map<String, Double> routeRates = new HashMap<>();
        codes.forEach((route, each) -> routeRates.put(
                route, each.values().stream().mapToDouble(rate -> rate).sum()));
        Map<String, String> tones = new HashMap<>();
        upstreams.forEach(each -> tones.put(each.name(), each.tone().equals("ok") ? "" : each.tone()));
        List<Double> totals = span.requestsPerSecond();
        double most = totals.stream().mapToDouble(each -> each).max().orElse(0);
        return new Contents(
                stats(span, codes),
                line(totals, most),
                number(most),
                TrafficPicture.of(config, routeRates, upstreamRates, tones),
                listeners(config, span),
                first(routes),
                first(upstreams),
                first(policies),
                left(routes) + left(upstreams) + left(policies));
    }

    private static <T> List<T> first(List<T> of) {
        return of.stream().limit(MOST_ROWS).toList();
    }

    private static int left(List<?> of) {
        return Math.max(0, of.size() - MOST_ROWS);
    }

    /** Requests a second, by route and code. */
    private static Map<String, Map<String, Double>> codes(Span span) {
        Map<String, Map<String, Double>> before = span.before().by("requests", "route", "code");
        Map<String, Map<String, Double>> now = span.now().by("requests", "route", "code");
        now.forEach((route, codes) -> {
            Map<String, Double> then = before.getOrDefault(route, Map.of());
            codes.replaceAll((code, value) -> span.rate(then.getOrDefault(code, 0.0), value));
        });
        return now;
    }

    private static double sum(Map<String, Double> codes, char first) {
        return codes.entrySet().stream()
                .filter(each -> each.getKey().charAt(0) == first)
                .mapToDouble(Map.Entry::getValue)
                .sum();
    }

    private static List<Stat> stats(Span span, Map<String, Map<String, Double>> codes) {
        double rate = 0;
        double errors = 0;
        for (Map<String, Double> each : codes.values()) {
            rate += each.values().stream().mapToDouble(value -> value).sum();
            errors += sum(each, '5');
        }
        Counts.@Nullable Buckets all = null;
        for (Map.Entry<String, Counts.Buckets> each : span.now().latencies().entrySet()) {
            Counts.Buckets own = each.getValue().since(span.before().latencies().get(each.getKey()));
            all = all == null ? own : all.plus(own);
        }
        return List.of(
                new Stat("Requests a second", number(rate), ""),
                new Stat("Errors (5xx) a second", number(errors), errors > 0 ? "bad" : ""),
                new Stat("Median", all == null ? "–" : time(all.quantile(0.5)), ""),
                new Stat("99th percentile", all == null ? "–" : time(all.quantile(0.99)), ""),
                new Stat("Clients", number(span.now().sum("connections")), ""),
                new Stat("Retries a second", number(span.rate("retries")), ""),
                new Stat(
                        "Faults of the gateway",
                        number(span.now().sum("faults")),
                        span.now().sum("faults") > 0 ? "bad" : ""));
    }

    private static List<Listener> listeners(GatewayConfig config, Span span) {
        Map<String, Double> connections = span.now().by("connections", "listener");
        return config.listeners().stream()
                .limit(MOST_ROWS)
                .map(each -> {
                    String address = each.address() + ":" + each.port();
                    return new Listener(
                            each.gateway(),
                            each.title(),
                            address,
                            each.protocol() + (each.tls() == null ? "" : " in TLS"),
                            each.hostname().isEmpty() ? "any" : each.hostname(),
                            each.routes().size(),
                            number(connections.getOrDefault(address, 0.0)));
                })
                .toList();
    }

    private static List<Route> routes(GatewayConfig config, Span span, Map<String, Map<String, Double>> codes) {
        Map<String, String> kinds = new LinkedHashMap<>();
        for (ListenerConfig listener : config.listeners()) {
            for (RouteConfig each : listener.routes()) {
                kinds.putIfAbsent(each.namespace() + "/" + each.name(), each.kind());
            }
        }
        if (codes.containsKey("")) {
            kinds.put("", "");
        }
        List<Route> all = new ArrayList<>();
        kinds.forEach((name, kind) -> {
            Map<String, Double> own = codes.getOrDefault(name, Map.of());
            double rate = own.values().stream().mapToDouble(each -> each).sum();
            double errors = sum(own, '5');
            Counts.@Nullable Buckets now = span.now().latencies().get(name);
            Counts.@Nullable Buckets latency =
                    now == null ? null : now.since(span.before().latencies().get(name));
            all.add(new Route(
                    name.isEmpty() ? "requests that no route wanted" : kind + " " + name,
                    number(rate),
                    number(errors),
                    number(sum(own, '4')),
                    errors > 0 ? "bad" : "",
                    latency == null ? "–" : time(latency.quantile(0.5)),
                    latency == null ? "–" : time(latency.quantile(0.99)),
                    rate));
        });
        all.sort(Comparator.comparingDouble((Route each) -> -each.order()).thenComparing(Route::name));
        return all;
    }

    private static List<Upstream> upstreams(GatewayConfig config, Span span, Map<String, Double> rates) {
        Map<String, Map<String, Double>> states = span.now().by("upstream_endpoints", "upstream", "state");
        Map<String, Double> failures = span.rates("upstream_failures", "upstream");
        Map<String, Double> inFlight = span.now().by("upstream_in_flight", "upstream");
        Map<String, Double> connections = span.now().by("upstream_connections", "upstream");
        Map<String, Map<String, Double>> breakers = span.now().by("breaker_state", "upstream", "state");
        List<Upstream> all = new ArrayList<>();
        for (UpstreamConfig each : config.upstreams()) {
            String name = each.name();
            List<String> words = new ArrayList<>();
            boolean bad = each.endpoints().isEmpty();
            boolean warn = false;
            Map<String, Double> own = new TreeMap<>(states.getOrDefault(name, Map.of()));
            if (own.isEmpty()) {
                words.add(each.endpoints().size() + (each.endpoints().size() == 1 ? " endpoint" : " endpoints"));
            }
            for (Map.Entry<String, Double> state : own.entrySet()) {
                if (state.getValue() > 0) {
                    words.add(number(state.getValue()) + " " + state.getKey());
                    warn |= !state.getKey().equals("healthy");
                }
            }
            for (Map.Entry<String, Double> state :
                    breakers.getOrDefault(name, Map.of()).entrySet()) {
                if (state.getValue() > 0 && !state.getKey().equals("closed")) {
                    words.add("breaker " + state.getKey());
                    bad |= state.getKey().equals("open");
                    warn = true;
                }
            }
            double rate = rates.getOrDefault(name, 0.0);
            all.add(new Upstream(
                    name,
                    each.protocol() + (each.tls() == null ? "" : " in TLS"),
                    String.join(", ", words),
                    bad ? "bad" : warn ? "warn" : "ok",
                    number(rate),
                    number(failures.getOrDefault(name, 0.0)),
                    number(inFlight.getOrDefault(name, 0.0)),
                    number(connections.getOrDefault(name, 0.0)),
                    rate));
        }
        all.sort(Comparator.comparingDouble((Upstream each) -> -each.order()).thenComparing(Upstream::name));
        return all;
    }

    private static List<Policy> policies(Span span) {
        List<Policy> all = new ArrayList<>();
        all.addAll(policies(span, "RateLimit", "limit_requests", "limit"));
        all.addAll(policies(span, "SecurityPolicy", "access_requests", "policy"));
        all.sort(Comparator.comparingDouble((Policy each) -> -each.order()).thenComparing(Policy::name));
        return all;
    }

    private static List<Policy> policies(Span span, String sort, String metric, String label) {
        Map<String, Map<String, Double>> before = span.before().by(metric, label, "outcome");
        List<Policy> all = new ArrayList<>();
        span.now().by(metric, label, "outcome").forEach((name, outcomes) -> {
            Map<String, Double> then = before.getOrDefault(name, Map.of());
            double sum = 0;
            List<String> words = new ArrayList<>();
            for (Map.Entry<String, Double> each : new TreeMap<>(outcomes).entrySet()) {
                double rate = span.rate(then.getOrDefault(each.getKey(), 0.0), each.getValue());
                words.add(number(rate) + " " + each.getKey());
                sum += rate;
            }
            all.add(new Policy(name, sort, String.join(", ", words), sum));
        });
        return all;
    }

    private static String line(List<Double> values, double most) {
        StringBuilder path = new StringBuilder();
        for (int i = 0; i < values.size(); i++) {
            double x = (double) LINE_WIDTH * i / Math.max(1, values.size() - 1);
            double y = most == 0 ? LINE_HEIGHT - 1 : LINE_HEIGHT - 1 - (LINE_HEIGHT - 2) * values.get(i) / most;
            path.append(i == 0 ? "M" : "L").append(String.format(Locale.ROOT, "%.1f %.1f", x, y));
        }
        return path.toString();
    }

    /** Three digits are enough for people. */
    static String number(double value) {
        if (value == Math.rint(value) && value < 100_000) {
            return String.format(Locale.ROOT, "%,d", (long) value);
        }
        return value < 10
                ? String.format(Locale.ROOT, "%.2f", value)
                : value < 1000 ? String.format(Locale.ROOT, "%.1f", value) : String.format(Locale.ROOT, "%,.0f", value);
    }

    private static String time(double seconds) {
        if (Double.isNaN(seconds)) {
            return "–";
        }
        return seconds < 0.001
                ? String.format(Locale.ROOT, "%.2f ms", seconds * 1000)
                : seconds < 1
                        ? String.format(Locale.ROOT, "%.1f ms", seconds * 1000)
                        : String.format(Locale.ROOT, "%.1f s", seconds);
    }
}
