package dev.coppice.gateway.route;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.re2j.Pattern;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.MatchConfig.PathMatch;
import dev.coppice.gateway.config.MatchConfig.ValueMatch;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The table beside a plain reading of the Gateway API's rules, which looks at every match of every route. */
class RoutingModelTest {
    private static final int TABLES = 300;
    private static final int REQUESTS = 200;
    private static final List<String> SEGMENTS = List.of("a", "b", "ab", "Aa", "BB", "");
    private static final List<String> LISTENER_HOSTS = List.of("", "*.x.org", "*.y.x.org", "a.x.org", "z.org");
    private static final List<String> ROUTE_HOSTS =
            List.of("", "*.x.org", "*.y.x.org", "a.x.org", "b.y.x.org", "z.org", "*.org");
    private static final List<String> HOSTS =
            List.of("a.x.org", "b.x.org", "b.y.x.org", "c.b.y.x.org", "x.org", "z.org", "q.com", "");

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);

    private record Request(String method, String path, Map<String, String> headers, Map<String, String> params)
            implements RequestHead {
        @Override
        public @Nullable String header(String name) {
            return headers.get(name);
        }

        @Override
        public @Nullable String queryParam(String name) {
            return params.get(name);
        }
    }

    /** A match with all that decides between matches. */
    private record Flat(RouteConfig route, int rule, int match, String host, MatchConfig config) {
        String name() {
            return route.name() + "/" + rule;
        }
    }

    private <T> T any(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    private String path() {
        StringBuilder path = new StringBuilder();
        for (int i = random.nextInt(4); i >= 0; i--) {
            path.append('/').append(any(SEGMENTS));
        }
        return path.toString();
    }

    private MatchConfig match() {
        PathMatch path = switch (random.nextInt(8)) {
            case 0, 1, 2 -> new PathMatch(PathMatch.Type.EXACT, path());
            case 3 -> new PathMatch(PathMatch.Type.REGEX, any(List.of("/a.*", "/(a|b)/.*", "/.*b", "/[ab]+/?")));
            default -> new PathMatch(PathMatch.Type.PREFIX, path());
        };
        List<ValueMatch> headers = new ArrayList<>();
        List<ValueMatch> params = new ArrayList<>();
        for (String name : List.of("one", "two")) {
            if (random.nextInt(4) == 0) {
                headers.add(new ValueMatch(ValueMatch.Type.EXACT, name, any(List.of("1", "2"))));
            }
            if (random.nextInt(6) == 0) {
                params.add(new ValueMatch(ValueMatch.Type.REGEX, name, any(List.of("1", "[12]"))));
            }
        }
        return new MatchConfig(path, any(List.of("", "", "GET", "PUT")), headers, params);
    }

    private ListenerConfig listener(String host, int number) {
        List<RouteConfig> routes = new ArrayList<>();
        for (int i = random.nextInt(6); i > 0; i--) {
            List<RuleConfig> rules = new ArrayList<>();
            for (int j = random.nextInt(3); j >= 0; j--) {
                List<MatchConfig> matches = new ArrayList<>();
                for (int k = random.nextInt(4); k > 0; k--) {
                    matches.add(match());
                }
                rules.add(new RuleConfig(matches, List.of(), List.of()));
            }
            List<String> hosts = random.nextInt(3) == 0
                    ? List.of()
                    : List.copyOf(new java.util.LinkedHashSet<>(List.of(any(ROUTE_HOSTS), any(ROUTE_HOSTS))));
            routes.add(new RouteConfig(
                    "HTTPRoute", "ns" + random.nextInt(2), "r" + number + "-" + i, random.nextInt(3), hosts, rules));
        }
        return new ListenerConfig(
                "ns/g", "l" + number, "127.0.0.1", 80, ListenerConfig.Protocol.HTTP, host, null, routes);
    }

    private static int specific(String pattern, String host) {
        if (pattern.isEmpty()) {
            return 0;
        }
        if (pattern.startsWith("*.")) {
            return host.endsWith(pattern.substring(1)) && host.length() > pattern.length() - 1 ? pattern.length() : -1;
        }
        return pattern.equals(host) ? 1000 : -1;
    }

    private static boolean matches(MatchConfig match, Request request) {
        String value = match.path().value();
        boolean path = switch (match.path().type()) {
            case EXACT -> request.path.equals(value);
            case REGEX -> Pattern.matches(value, request.path);
            case PREFIX -> {
                String bare = value.replaceAll("/+$", "");
                yield request.path.equals(bare) || request.path.startsWith(bare + "/");
            }
        };
        return path
                && (match.method().isEmpty() || match.method().equals(request.method))
                && match.headers().stream().allMatch(each -> each.value().equals(request.headers.get(each.name())))
                && match.queryParams().stream().allMatch(each -> {
                    String given = request.params.get(each.name());
                    return given != null && Pattern.matches(each.value(), given);
                });
    }

    private static final Comparator<Flat> ORDER = Comparator.<Flat>comparingInt(
                    each -> List.of(PathMatch.Type.EXACT, PathMatch.Type.REGEX, PathMatch.Type.PREFIX)
                            .indexOf(each.config.path().type()))
            .thenComparingInt(each -> each.config.path().type() == PathMatch.Type.PREFIX
                    ? -each.config.path().value().replaceAll("/+$", "").length()
                    : -each.config.path().value().length())
            .thenComparingInt(each -> each.config.method().isEmpty() ? 1 : 0)
            .thenComparingInt(each -> -each.config.headers().size())
            .thenComparingInt(each -> -each.config.queryParams().size())
            .thenComparingLong(each -> each.route.createdMillis())
            .thenComparing(each -> each.route.namespace() + "/" + each.route.name())
            .thenComparingInt(each -> each.rule);

    private static String expected(List<ListenerConfig> listeners, String host, Request request) {
        ListenerConfig chosen = listeners.stream()
                .filter(each -> specific(each.hostname(), host) >= 0)
                .max(Comparator.comparingInt(each -> specific(each.hostname(), host)))
                .orElse(null);
        if (chosen == null) {
            return "no listener";
        }
        List<Flat> all = new ArrayList<>();
        for (RouteConfig route : chosen.routes()) {
            for (String each : route.hostnames().isEmpty() ? List.of("") : route.hostnames()) {
                for (int rule = 0; rule < route.rules().size(); rule++) {
                    List<MatchConfig> matches = route.rules().get(rule).matches();
                    int number = 0;
                    for (MatchConfig match : matches.isEmpty() ? List.of(MatchConfig.ANY) : matches) {
                        all.add(new Flat(route, rule, number++, each, match));
                    }
                }
            }
        }
        return chosen.name() + " "
                + all.stream()
                        .filter(each -> specific(each.host, host) >= 0)
                        .filter(each -> {
                            boolean matches = matches(each.config, request);
                            assertThat(Misfit.of(each.config, request) == null)
                                    .as("%s: %s", each.config, request)
                                    .isEqualTo(matches);
                            return matches;
                        })
                        .min(Comparator.<Flat>comparingInt(each -> -specific(each.host, host))
                                .thenComparing(ORDER))
                        .map(Flat::name)
                        .orElse("no route");
    }

    @Test
    void findsWhatThePlainReadingFinds() {
        for (int table = 0; table < TABLES; table++) {
            List<ListenerConfig> listeners = new ArrayList<>();
            for (String host : LISTENER_HOSTS) {
                if (random.nextBoolean()) {
                    listeners.add(listener(host, listeners.size()));
                }
            }
            RoutingTable<String> routing = new RoutingTable<>(
                    listeners,
                    (_, route, rule) -> route.name() + "/" + route.rules().indexOf(rule));
            for (int i = 0; i < REQUESTS; i++) {
                String host = any(HOSTS);
                Request request = new Request(
                        any(List.of("GET", "PUT", "POST")),
                        path(),
                        random.nextBoolean() ? Map.of("one", "1") : Map.of("one", "2", "two", "1"),
                        random.nextBoolean() ? Map.of() : Map.of("one", "1", "two", "2"));
                RoutingTable.Found<String> found = routing.find(host, request);
                String got = found == null
                        ? "no listener"
                        : found.listener().name() + " "
                                + (found.candidate() == null
                                        ? "no route"
                                        : found.candidate().route().name() + "/"
                                                + found.candidate().rule());
                assertThat(got)
                        .as("seed %d: %s %s of %s", seed, host, request, listeners)
                        .isEqualTo(expected(listeners, host, request));
            }
        }
    }
}
