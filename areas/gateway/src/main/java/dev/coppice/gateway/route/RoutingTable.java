package dev.coppice.gateway.route;

import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Finds what is to become of a request that came to an address and port. The most specific matching listener has it for itself;
 * of its routes' matches the one with the most specific host name wins, then by path, method, headers, query parameters, age
 * (the Gateway API's order). Built once, then read by any thread.
 *
 * @param <A> what a rule does
 */
public final class RoutingTable<A> {

    /** Makes what a rule does. */
    @FunctionalInterface
    public interface Compiler<A> {
        A compile(ListenerConfig listener, RouteConfig route, RuleConfig rule);
    }

    private static final class ListenerTable<A> {
        private final ListenerConfig listener;
        private final HostTable<PathTable<A>> hosts = new HostTable<>();

        ListenerTable(ListenerConfig listener) {
            this.listener = listener;
        }
    }

    /**
     * Where a request belongs.
     *
     * @param candidate null: no rule of the listener matches
     */
    public record Found<A>(
            ListenerConfig listener, @Nullable Candidate<A> candidate) {}

    private final HostTable<ListenerTable<A>> listeners = new HostTable<>();

    /**
     * A table.
     *
     * @param sharing listeners with one address and port
     */
    public RoutingTable(List<ListenerConfig> sharing, Compiler<A> compiler) {
        List<PathTable<A>> made = new ArrayList<>();
        for (ListenerConfig each : sharing) {
            ListenerTable<A> table = listeners.at(each.hostname(), _ -> new ListenerTable<>(each));
            each.routes()
                    .forEach(route -> candidates(
                            each,
                            route,
                            compiler,
                            (hostname, candidate) -> table.hosts
                                    .at(hostname, _ -> {
                                        PathTable<A> paths = new PathTable<>();
                                        made.add(paths);
                                        return paths;
                                    })
                                    .add(candidate)));
        }
        made.forEach(PathTable::seal);
    }

    private static <A> void candidates(
            ListenerConfig listener, RouteConfig route, Compiler<A> compiler, BiConsumer<String, Candidate<A>> taker) {
        List<String> hostnames = route.hostnames().isEmpty() ? List.of("") : route.hostnames();
        for (int rule = 0; rule < route.rules().size(); rule++) {
            RuleConfig config = route.rules().get(rule);
            A action = compiler.compile(listener, route, config);
            List<MatchConfig> matches = config.matches().isEmpty() ? List.of(MatchConfig.ANY) : config.matches();
            for (MatchConfig match : matches) {
                Candidate<A> candidate = Candidate.of(action, match, route, rule);
                hostnames.forEach(hostname -> taker.accept(hostname, candidate));
            }
        }
    }

    /** The listener for a host name; null when there is none. */
    public @Nullable ListenerConfig listener(String host) {
        ListenerTable<A> table = listeners.find(host);
        return table == null ? null : table.listener;
    }

    /**
     * Where a request belongs.
     *
     * @param host in lower case, without port
     * @return null: no listener wants such a host name
     */
    public @Nullable Found<A> find(String host, RequestHead request) {
        ListenerTable<A> table = listeners.find(host);
        if (table == null) {
            return null;
        }
        return new Found<>(table.listener, table.hosts.find(host, request, PathTable::find));
    }
}
