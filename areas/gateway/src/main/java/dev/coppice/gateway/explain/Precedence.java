package dev.coppice.gateway.explain;

import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.MatchConfig.PathMatch;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToLongFunction;

/** Why of two matches that both match one goes first, in words (the Gateway API's order). */
final class Precedence {

    private Precedence() {}

    /**
     * A match, with all that decides between it and another.
     *
     * @param hostname empty: any
     * @param rule counted from 0
     */
    record Placed(RouteConfig route, int rule, String hostname, MatchConfig match) {
        boolean covers(String host) {
            return hostname.isEmpty()
                    || (hostname.startsWith("*.") ? host.endsWith(hostname.substring(1)) : host.equals(hostname));
        }

        RuleConfig config() {
            return route.rules().get(rule);
        }

        String name() {
            return route.kind() + " " + route.namespace() + "/" + route.name();
        }

        String ruleName() {
            String given = config().name();
            return (rule + 1) + (given.isEmpty() ? "" : " (" + given + ")");
        }

        String words() {
            return Words.match(hostname, match);
        }
    }

    /** One step of the order; the larger value goes first. */
    private record Step(ToLongFunction<Placed> value, String lost) {}

    private static final List<Step> STEPS = List.of(
            new Step(each -> hostRank(each.hostname()), "its host name is less specific"),
            new Step(
                    each -> switch (each.match().path().type()) {
                        case EXACT -> 2;
                        case REGEX -> 1;
                        case PREFIX -> 0;
                    },
                    "its path is less specific"),
            new Step(each -> length(each.match().path()), "its path is shorter"),
            new Step(each -> each.match().method().isEmpty() ? 0 : 1, "it asks for no method"),
            new Step(each -> each.match().headers().size(), "it asks for fewer headers"),
            new Step(each -> each.match().queryParams().size(), "it asks for fewer query parameters"),
            new Step(each -> -each.route().createdMillis(), "its route is younger"));

    /** The one that goes first is the least. */
    static final Comparator<Placed> ORDER = (a, b) -> {
        for (Step each : STEPS) {
            int order = Long.compare(each.value().applyAsLong(b), each.value().applyAsLong(a));
            if (order != 0) {
                return order;
            }
        }
        return 0;
    };

    private static long hostRank(String hostname) {
        return hostname.isEmpty() ? 0 : hostname.startsWith("*.") ? hostname.length() : 1_000_000;
    }

    private static long length(PathMatch path) {
        String value = path.value();
        return path.type() == PathMatch.Type.PREFIX
                ? value.replaceAll("/+$", "").length()
                : value.length();
    }

    /** Why {@code other} does not go before {@code first}. */
    static String lost(Placed first, Placed other) {
        for (Step each : STEPS) {
            if (each.value().applyAsLong(first) != each.value().applyAsLong(other)) {
                return each.lost();
            }
        }
        return first.route().equals(other.route())
                ? "it stands after the one that was chosen"
                : "the name of its route comes later";
    }

    /** All matches of a listener's routes. */
    static List<Placed> all(List<RouteConfig> routes) {
        List<Placed> all = new ArrayList<>();
        for (RouteConfig route : routes) {
            List<String> hostnames = route.hostnames().isEmpty() ? List.of("") : route.hostnames();
            for (int rule = 0; rule < route.rules().size(); rule++) {
                List<MatchConfig> matches = route.rules().get(rule).matches();
                for (MatchConfig match : matches.isEmpty() ? List.of(MatchConfig.ANY) : matches) {
                    for (String hostname : hostnames) {
                        all.add(new Placed(route, rule, hostname.equals("*") ? "" : hostname, match));
                    }
                }
            }
        }
        return all;
    }
}
