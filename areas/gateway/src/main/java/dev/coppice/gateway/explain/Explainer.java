package dev.coppice.gateway.explain;

import dev.coppice.gateway.DataPlane;
import dev.coppice.gateway.DataPlane.Binding;
import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.RouteFilterConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.explain.Explanation.Backend;
import dev.coppice.gateway.explain.Explanation.Chosen;
import dev.coppice.gateway.explain.Explanation.Other;
import dev.coppice.gateway.explain.Precedence.Placed;
import dev.coppice.gateway.route.Candidate;
import dev.coppice.gateway.route.Misfit;
import dev.coppice.gateway.route.RoutingTable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Says what becomes of requests, by what is served: the rule is found by the same {@link RoutingTable} as the data plane's, the reasons by a
 * plain reading of every rule. Immutable.
 */
public final class Explainer {
    /** Of a list of routes; whoever has more asks for one Gateway's. */
    public static final int MOST_LINES = 10_000;

    private static final int MOST_OTHERS = 20;
    private static final int MOST_ADDRESSES = 20;
    private static final int MOST_ENDPOINTS = 20;

    private final GatewayConfig config;
    private final DataPlane plane;
    private final Map<String, UpstreamConfig> upstreams;
    private final Map<String, RouteFilterConfig> filters;

    /**
     * Explains what is served.
     *
     * @param plane says how upstreams are now
     */
    public Explainer(GatewayConfig config, DataPlane plane) {
        this.config = config;
        this.plane = plane;
        this.upstreams = config.upstreams().stream()
                .collect(Collectors.toMap(UpstreamConfig::name, Function.identity(), (a, _) -> a));
        this.filters = config.filters().stream()
                .collect(Collectors.toMap(RouteFilterConfig::name, Function.identity(), (a, _) -> a));
    }

    /**
     * What becomes of a request at each address where it may come in, and for clients of each namespace that has routes of its own there.
     *
     * @param gateway {@code NAMESPACE/NAME}, or {@code Service NAMESPACE/NAME}: only there; empty: at all Gateways, and at the Service that the URL
     *     names
     * @throws IllegalArgumentException when nothing of that sort listens on its port
     */
    public List<Explanation> explain(Question question, String gateway) {
        Map<Place, List<ListenerConfig>> places = new LinkedHashMap<>();
        for (ListenerConfig each : config.listeners()) {
            if (each.protocol() == ListenerConfig.Protocol.HTTP
                    && each.port() == question.port()
                    && (each.tls() != null) == question.secure()
                    && (gateway.isEmpty()
                            ? meant(each, question)
                            : each.gateway().equals(gateway))) {
                places.computeIfAbsent(new Place(Binding.of(each), each.consumers()), _ -> new ArrayList<>())
                        .add(each);
            }
        }
        if (places.isEmpty()) {
            throw new IllegalArgumentException("url: there is no listener of " + (question.secure() ? "HTTPS" : "HTTP")
                    + " on port " + question.port() + (gateway.isEmpty() ? "" : " of Gateway " + gateway)
                    + "; there are: " + listeners());
        }
        return places.entrySet().stream()
                .limit(MOST_ADDRESSES)
                .map(each -> at(each.getKey().binding(), each.getValue(), question))
                .toList();
    }

    /** @param consumers the namespace of the clients that have it for themselves; empty: all others */
    private record Place(Binding binding, String consumers) {}

    /** Services have addresses of their own, so that only those are meant that the URL names. */
    private static boolean meant(ListenerConfig listener, Question question) {
        return !listener.ofService() || listener.address().equals(question.host()) || listener.named(question.host());
    }

    private String listeners() {
        List<String> all = config.listeners().stream()
                .filter(each -> each.protocol() == ListenerConfig.Protocol.HTTP)
                .map(each -> (each.tls() == null ? "http://" : "https://") + each.address() + ":" + each.port() + " ("
                        + each.gateway() + ")")
                .distinct()
                .limit(MOST_ADDRESSES)
                .toList();
        return all.isEmpty() ? "none" : String.join(", ", all);
    }

    private Explanation at(Binding binding, List<ListenerConfig> listeners, Question question) {
        RoutingTable.Found<RuleConfig> found =
                new RoutingTable<>(listeners, (_, _, rule) -> rule).find(question.host(), question);
        if (found == null) {
            String hostnames = listeners.stream()
                    .map(ListenerConfig::hostname)
                    .limit(MOST_OTHERS)
                    .collect(Collectors.joining(", "));
            return new Explanation(
                    binding.address(),
                    binding.port(),
                    "",
                    null,
                    "answered with 404: no listener is for the host name " + question.host() + "; they are for "
                            + hostnames,
                    List.of());
        }
        ListenerConfig listener = found.listener();
        List<Placed> all = Precedence.all(listener.routes());
        Candidate<RuleConfig> candidate = found.candidate();
        Placed first = candidate == null ? null : first(all, candidate, question);
        return new Explanation(
                binding.address(),
                binding.port(),
                listener.gateway() + ", listener " + listener.title(),
                first == null ? null : chosen(listener, first, question),
                first == null
                        ? "answered with 404: no route matches this host name, path and method"
                        : outcome(first.config(), question),
                others(all, first, question));
    }

    /** Of the matches of a rule the one that counts. */
    private static @Nullable Placed first(List<Placed> all, Candidate<?> rule, Question question) {
        return all.stream()
                .filter(each -> each.rule() == rule.rule() && each.route().equals(rule.route()))
                .filter(each -> each.covers(question.host()) && Misfit.of(each.match(), question) == null)
                .min(Precedence.ORDER)
                .orElse(null);
    }

    private Chosen chosen(ListenerConfig listener, Placed first, Question question) {
        RuleConfig rule = first.config();
        List<String> steps = new ArrayList<>();
        rule.filters().stream()
                .filter(FilterConfig.Cors.class::isInstance)
                .map(Words::filter)
                .forEach(steps::add);
        if (rule.grpc() != null || first.route().kind().equals("GRPCRoute")) {
            steps.add(Words.calls(rule.grpc()));
        }
        List<TrafficTarget> targets = TrafficTarget.of(listener, first.route(), rule);
        config.security().stream()
                .filter(each -> each.targets().stream().anyMatch(targets::contains))
                .map(Words::security)
                .forEach(steps::add);
        config.limits().stream()
                .filter(each -> each.targets().stream().anyMatch(targets::contains))
                .map(Words::limit)
                .forEach(steps::add);
        rule.filters().stream()
                .filter(each -> !(each instanceof FilterConfig.Cors))
                .map(this::words)
                .forEach(steps::add);
        if (rule.requestTimeoutMillis() > 0) {
            steps.add(Words.timeout("of the request", rule.requestTimeoutMillis()));
        }
        if (rule.backendTimeoutMillis() > 0) {
            steps.add(Words.timeout("of each try", rule.backendTimeoutMillis()));
        }
        if (rule.retry() != null) {
            steps.add(Words.retry(rule.retry()));
        }
        steps.addAll(Words.content(targets, config.contents()));
        long sum = rule.backends().stream().mapToLong(BackendConfig::weight).sum();
        return new Chosen(
                first.name(),
                first.ruleName(),
                first.words(),
                steps,
                rule.backends().stream()
                        .map(each -> backend(each, sum, rule, question))
                        .toList());
    }

    private Backend backend(BackendConfig backend, long sum, RuleConfig rule, Question question) {
        UpstreamConfig upstream = upstreams.get(backend.upstream());
        String name = upstream == null ? "nowhere: requests are answered with 500" : upstream.name();
        String protocol = upstream == null
                ? ""
                : upstream.protocol().name()
                        + (upstream.tls() == null
                                ? ""
                                : " in TLS, as " + upstream.tls().serverName());
        Map<String, String> troubles = plane.troubles(backend.upstream());
        List<String> endpoints = upstream == null
                ? List.of()
                : upstream.endpoints().stream()
                        .limit(MOST_ENDPOINTS)
                        .map(each -> endpoint(each, troubles))
                        .toList();
        List<String> steps =
                new ArrayList<>(backend.filters().stream().map(this::words).toList());
        if (upstream != null && upstream.traffic() != null) {
            steps.addAll(Words.traffic(upstream.traffic()));
            String subset = SubsetChoice.of(upstream, question, List.of(rule.filters(), backend.filters()))
                    .words();
            if (!subset.isEmpty()) {
                steps.add(subset);
            }
        }
        return new Backend(
                name,
                sum == 0 ? 0 : Math.toIntExact(Math.round(100.0 * backend.weight() / sum)),
                protocol,
                endpoints,
                steps,
                plane.upstreams().stream()
                        .filter(each -> each.upstream().equals(backend.upstream()))
                        .findFirst()
                        .map(Words::present)
                        .orElse(List.of()));
    }

    private static String endpoint(UpstreamConfig.Endpoint endpoint, Map<String, String> troubles) {
        String name = endpoint.address() + ":" + endpoint.port();
        String said = Stream.of(endpoint.subset(), troubles.getOrDefault(name, ""))
                .filter(each -> !each.isEmpty())
                .collect(Collectors.joining(", "));
        return said.isEmpty() ? name : name + " (" + said + ")";
    }

    private String words(FilterConfig filter) {
        RouteFilterConfig named = filter instanceof FilterConfig.Named name ? filters.get(name.name()) : null;
        return named == null ? Words.filter(filter) : Words.filter(named);
    }

    /** The answer of the first filter that always has one; null when there is none. */
    private @Nullable String filtered(RuleConfig rule) {
        for (FilterConfig each : rule.filters()) {
            RouteFilterConfig named = each instanceof FilterConfig.Named name ? filters.get(name.name()) : null;
            if (named != null && named.answers() && named.always()) {
                return "answered by the filter " + named.name();
            }
        }
        return null;
    }

    /** The answers of filters that have one under a condition; empty when there are none. */
    private String answeringSometimes(RuleConfig rule) {
        return rule.filters().stream()
                .map(each -> each instanceof FilterConfig.Named name ? filters.get(name.name()) : null)
                .filter(each -> each != null && each.answers() && !each.always())
                .map(each -> "answered by the filter " + each.name() + " where that applies")
                .collect(Collectors.joining(", "));
    }

    /** @param question null: of any request */
    private String outcome(RuleConfig rule, @Nullable Question question) {
        if (rule.invalid() != null) {
            return "answered with 500: " + rule.invalid();
        }
        String filtered = filtered(rule);
        if (filtered != null) {
            return filtered;
        }
        for (FilterConfig each : rule.filters()) {
            if (each instanceof FilterConfig.Redirect to) {
                return "answered with " + to.status() + ", a redirect";
            }
        }
        List<BackendConfig> backends =
                rule.backends().stream().filter(each -> each.weight() > 0).toList();
        if (backends.isEmpty()) {
            String sometimes = answeringSometimes(rule);
            return (sometimes.isEmpty() ? "" : sometimes + ", else ") + "answered with 500: the rule leads nowhere";
        }
        int endpoints = backends.stream()
                .mapToInt(each -> endpoints(each, rule, question))
                .sum();
        return endpoints == 0
                ? "answered with 503: no endpoint is ready"
                : "sent to one of " + endpoints + (endpoints == 1 ? " endpoint" : " endpoints");
    }

    private int endpoints(BackendConfig backend, RuleConfig rule, @Nullable Question question) {
        UpstreamConfig upstream = upstreams.get(backend.upstream());
        if (upstream == null || question == null) {
            return upstream == null ? 0 : upstream.endpoints().size();
        }
        return SubsetChoice.of(upstream, question, List.of(rule.filters(), backend.filters()))
                .endpoints();
    }

    /**
     * All rules, by address, listener, and within a listener in the order in which their routes were made.
     *
     * @param gateway {@code NAMESPACE/NAME}: only its; empty: all
     */
    public List<RouteLine> routes(String gateway) {
        List<RouteLine> all = new ArrayList<>();
        for (ListenerConfig listener : config.listeners()) {
            if (!gateway.isEmpty() && !listener.gateway().equals(gateway)) {
                continue;
            }
            for (Placed each : Precedence.all(listener.routes())) {
                if (all.size() == MOST_LINES) {
                    return all;
                }
                all.add(RouteLine.of(listener, each, outcome(each.config(), null)));
            }
        }
        return all;
    }

    /** Those that match, too, before those that do not; of other host names only when there is nothing else to tell. */
    private static List<Other> others(List<Placed> all, @Nullable Placed first, Question question) {
        List<Other> losers = new ArrayList<>();
        List<Other> misfits = new ArrayList<>();
        List<Other> strangers = new ArrayList<>();
        for (Placed each : all) {
            String misfit = Misfit.of(each.match(), question);
            if (each.equals(first)) {
                continue;
            }
            if (!each.covers(question.host())) {
                add(strangers, each, "it is for the host name " + each.hostname());
            } else if (misfit != null) {
                add(misfits, each, misfit);
            } else if (first != null) {
                add(losers, each, "it matches, too, but " + Precedence.lost(first, each));
            }
        }
        losers.addAll(misfits);
        return losers.isEmpty() ? strangers : losers.stream().limit(MOST_OTHERS).toList();
    }

    private static void add(List<Other> to, Placed placed, String reason) {
        if (to.size() < MOST_OTHERS) {
            to.add(new Other(placed.name(), placed.ruleName(), placed.words(), reason));
        }
    }
}
