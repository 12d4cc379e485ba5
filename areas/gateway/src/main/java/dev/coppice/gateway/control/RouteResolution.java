package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.control.RuleDraft.Step;
import dev.coppice.gateway.kind.BackendReference;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The rules of a route with everything looked up that they refer to, and what is to be said about that. Kept from one
 * translation to the next for as long as neither the route nor what it refers to changes. Not safe for use by many threads.
 */
final class RouteResolution {
    final RouteView view;
    private final List<RuleConfig> rules = new ArrayList<>();
    /** ResolvedRefs, and PartiallyInvalid where it holds. */
    final List<Draft.Condition> conditions = new ArrayList<>();

    /** Why none of its rules can be served. */
    References.@Nullable Problem refused;

    private final Object epoch;
    private final Map<Key, @Nullable ObjectNode> services = new LinkedHashMap<>();
    private final Map<Key, RouteFilters.Found> filters = new LinkedHashMap<>();
    /** Where each filter is referred to first, and how often it is. */
    private final Map<Key, String> places = new HashMap<>();

    private final Map<Key, Integer> counts = new HashMap<>();
    private final Set<Backends.Backend> backends = new LinkedHashSet<>();
    private final Map<Egress, Map<String, Backends.Backend>> upstreams = new HashMap<>();
    private final Map<Place, RouteConfig> configs = new HashMap<>();
    private References.@Nullable Problem unresolved;
    private int problems;
    private boolean secured;

    /** Where it is looked up. */
    record Sources(
            ClusterView cluster, Grants grants, BackendPolicies policies, Backends backends, RouteFilters filters) {
        /** The same with other grants. */
        Sources with(Grants others) {
            return new Sources(cluster, others, policies, backends, filters);
        }
    }

    private record Place(List<String> hostnames, Egress egress) {}

    private RouteResolution(RouteView view, Object epoch) {
        this.view = view;
        this.epoch = epoch;
    }

    /** Whether all that it rests on is as it was. */
    boolean holds(RouteView current, Object currentEpoch, Sources sources) {
        if (view != current || epoch != currentEpoch) {
            return false;
        }
        for (Map.Entry<Key, @Nullable ObjectNode> each : services.entrySet()) {
            if (sources.cluster.service(each.getKey()).orElse(null) != each.getValue()) {
                return false;
            }
        }
        return filters.entrySet().stream()
                .allMatch(each -> sources.filters.find(each.getKey()).equals(each.getValue()));
    }

    /** The Services that it refers to, be they there or not. */
    Set<Key> services() {
        return services.keySet();
    }

    /** Says that its upstreams are needed for what comes in by a listener. */
    void want(Backends all, Egress egress) {
        Egress way = way(egress);
        upstreams.computeIfAbsent(way, this::upstreams).forEach((name, backend) -> all.want(name, backend, way));
    }

    /** The route as it is attached to a listener with these host names in common. */
    RouteConfig config(List<String> hostnames, Egress egress) {
        return configs.computeIfAbsent(
                new Place(hostnames, way(egress)),
                each -> new RouteConfig(
                        view.kind(),
                        view.namespace(),
                        view.id().key().name(),
                        view.created(),
                        each.hostnames,
                        rules(each.egress)));
    }

    /** By their names, which are made once, as this is asked for with each translation. */
    private Map<String, Backends.Backend> upstreams(Egress way) {
        Map<String, Backends.Backend> all = new LinkedHashMap<>();
        backends.forEach(each -> all.put(each.upstream(way), each));
        return all;
    }

    /** Without a backend that speaks TLS all ways are one. */
    private Egress way(Egress egress) {
        return secured ? egress : Egress.DIRECT;
    }

    /** The rules were made for the direct way. */
    private List<RuleConfig> rules(Egress egress) {
        if (egress.equals(Egress.DIRECT)) {
            return rules;
        }
        Map<String, String> names = new HashMap<>();
        backends.forEach(each -> names.put(each.upstream(Egress.DIRECT), each.upstream(egress)));
        return rules.stream()
                .map(each -> each.withUpstreams(name -> names.getOrDefault(name, name)))
                .toList();
    }

    static RouteResolution of(RouteView view, Object epoch, Sources sources) {
        RouteResolution made = new RouteResolution(view, epoch);
        List<String> dropped = new ArrayList<>();
        for (int i = 0; i < view.rules().size(); i++) {
            RuleDraft draft = view.rules().get(i);
            String place = draft.name().isEmpty() ? "rules[" + i + "]" : "rules[" + i + "] (" + draft.name() + ")";
            RuleConfig rule = made.rule(draft, place, sources);
            if (draft.refused() != null) {
                dropped.add(place + ": " + draft.refused());
                if (made.refused == null) {
                    made.refused = new References.Problem(draft.refusal(), place + ": " + draft.refused());
                }
            }
            // Without a match that could be read there is nothing to answer: no matches would mean all requests.
            if (draft.refused() == null || !draft.matches().isEmpty()) {
                made.rules.add(rule);
            }
        }
        made.conclude(dropped);
        return made;
    }

    private void conclude(List<String> dropped) {
        secured = backends.stream().anyMatch(Backends.Backend::secured);
        conditions.add(resolved(unresolved, problems));
        if (!dropped.isEmpty() && dropped.size() < view.rules().size()) {
            refused = null;
            conditions.add(new Draft.Condition(
                    "PartiallyInvalid", true, "UnsupportedValue", "Dropped Rule " + String.join("; ", dropped)));
        }
    }

    private static Draft.Condition resolved(References.@Nullable Problem first, int problems) {
        return first == null
                ? Draft.Condition.yes("ResolvedRefs", "ResolvedRefs")
                : Draft.Condition.no(
                        "ResolvedRefs",
                        first.reason(),
                        first.message() + (problems > 1 ? "; and " + (problems - 1) + " further problems" : ""));
    }

    /**
     * What is to be said of what it refers to.
     *
     * @param broken filters that could be read, and yet cannot be run
     * @return null when that is what stands in {@link #conditions}
     */
    Draft.@Nullable Condition resolved(Map<Key, References.Problem> broken) {
        References.Problem first = unresolved;
        int all = problems;
        for (Key each : filters.keySet()) {
            References.Problem why = broken.get(each);
            if (why != null) {
                all += counts.getOrDefault(each, 1);
                if (first == null) {
                    References.Problem invalid = RouteFilters.invalid(each, why.message());
                    first = new References.Problem(invalid.reason(), places.get(each) + ": " + invalid.message());
                }
            }
        }
        return all == problems ? null : resolved(first, all);
    }

    private RuleConfig rule(RuleDraft draft, String place, Sources sources) {
        List<String> invalid = new ArrayList<>();
        if (draft.refused() != null) {
            invalid.add(draft.refused());
        }
        List<FilterConfig> all = filters(draft.filters(), place, invalid, sources);
        incompatible(all, List.of(), place, invalid);
        List<BackendConfig> targets = new ArrayList<>();
        for (int i = 0; i < draft.backends().size(); i++) {
            RuleDraft.Backend backend = draft.backends().get(i);
            String at = place + ".backendRefs[" + i + "]";
            String upstream = find(backend.reference(), at, sources);
            List<String> bad = new ArrayList<>();
            List<FilterConfig> own = filters(backend.filters(), at, bad, sources);
            incompatible(own, all, at, bad);
            targets.add(new BackendConfig(bad.isEmpty() ? upstream : "", backend.weight(), own));
        }
        return new RuleConfig(
                draft.name(),
                draft.matches(),
                all,
                targets,
                draft.requestTimeoutMillis(),
                draft.backendTimeoutMillis(),
                draft.retry(),
                invalid.isEmpty() ? null : String.join("; ", invalid));
    }

    /** A path is changed either by a part of the rule's match or by a filter that sees all of it. */
    private void incompatible(List<FilterConfig> own, List<FilterConfig> ofRule, String place, List<String> invalid) {
        List<FilterConfig> all = new ArrayList<>(ofRule);
        all.addAll(own);
        boolean rewrites =
                all.stream().anyMatch(each -> each instanceof FilterConfig.Rewrite rewrite && rewrite.path() != null);
        if (rewrites && !own.isEmpty() && all.stream().anyMatch(this::rewritesPath)) {
            String why = "URLRewrite and an HTTPRouteFilter cannot both change the path";
            invalid.add(why);
            problem(place, new References.Problem("IncompatibleFilters", why));
        }
    }

    private boolean rewritesPath(FilterConfig filter) {
        return filter instanceof FilterConfig.Named named
                && filters.entrySet().stream()
                        .anyMatch(each -> each.getKey().toString().equals(named.name())
                                && each.getValue().rewritesPath());
    }

    private List<FilterConfig> filters(List<Step> steps, String place, List<String> invalid, Sources sources) {
        List<FilterConfig> all = new ArrayList<>(steps.size());
        for (Step step : steps) {
            switch (step) {
                case Step.Plain plain -> all.add(plain.filter());
                case Step.MirrorTo mirror ->
                    all.add(new FilterConfig.Mirror(
                            find(mirror.backend(), place + " (mirror)", sources),
                            mirror.numerator(),
                            mirror.denominator()));
                case Step.Named named -> {
                    Key key = new Key(view.namespace(), named.name());
                    RouteFilters.Found found = sources.filters.find(key);
                    this.filters.put(key, found);
                    places.putIfAbsent(key, place);
                    counts.merge(key, 1, Integer::sum);
                    all.add(new FilterConfig.Named(key.toString()));
                    if (found.problem() != null) {
                        invalid.add(found.problem().message());
                        problem(place, found.problem());
                    }
                }
                case Step.Unresolved missing -> {
                    // A filter that cannot be run must not be skipped: the requests are answered with an error.
                    invalid.add(missing.what());
                    problem(place, new References.Problem("InvalidKind", missing.what()));
                }
            }
        }
        return all;
    }

    private String find(BackendReference reference, String place, Sources sources) {
        String namespace = view.namespace();
        Key key = new Key(reference.namespace() == null ? namespace : reference.namespace(), reference.name());
        services.put(key, sources.cluster.service(key).orElse(null));
        Backends.Found found = sources.backends.find(
                view.kind(), namespace, reference, sources.cluster, sources.grants, sources.policies);
        if (found.problem() != null) {
            problem(place, found.problem());
        }
        if (found.backend() == null) {
            return "";
        }
        this.backends.add(found.backend());
        return found.backend().upstream(Egress.DIRECT);
    }

    private void problem(String place, References.Problem problem) {
        problems++;
        if (unresolved == null) {
            unresolved = new References.Problem(problem.reason(), place + ": " + problem.message());
        }
    }
}
