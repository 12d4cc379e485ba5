package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.GrpcConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.RetryConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.TranscodingConfig;
import dev.coppice.gateway.kind.GrpcPolicySpec;
import dev.coppice.gateway.kind.PolicyStatus;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * The GRPCPolicies of a snapshot: which of them counts for a rule, what it makes of the rule, and what is said of them. The oldest for a target counts; one for a rule
 * counts before one for its whole route. Not safe for use by many threads.
 */
final class GrpcPolicies {
    private final OldestPolicies<GrpcPolicySpec> policies;
    private final Set<String> routes = new HashSet<>();
    private final Map<Key, GrpcReader.Read> reads = new HashMap<>();

    GrpcPolicies(List<Resource<GrpcPolicySpec, PolicyStatus>> policies, GrpcReader reader, References references) {
        this.policies = new OldestPolicies<>(policies, GrpcPolicySpec::targetRefs);
        reader.begin();
        this.policies.policies().forEach(each -> reads.put(each.key(), reader.read(each, references)));
        this.policies.places().forEach(each -> routes.add(each.kind() + "/" + each.name()));
    }

    /** The listeners with what their routes come to. */
    List<ListenerConfig> applied(List<ListenerConfig> listeners) {
        if (reads.isEmpty()) {
            return listeners;
        }
        Map<RouteConfig, RouteConfig> made = new IdentityHashMap<>();
        return listeners.stream()
                .map(listener -> listener.with(listener.routes().stream()
                        .map(route -> made.computeIfAbsent(route, this::applied))
                        .toList()))
                .toList();
    }

    private RouteConfig applied(RouteConfig route) {
        String name = route.namespace() + "/" + route.name();
        if (!routes.contains(route.kind() + "/" + name)) {
            return route;
        }
        return route.with(
                route.rules().stream().map(rule -> applied(route, name, rule)).toList());
    }

    private RuleConfig applied(RouteConfig route, String name, RuleConfig rule) {
        Key owner = policies.owner(route.kind(), name, rule.name());
        GrpcReader.Read read = owner == null ? null : reads.get(owner);
        if (read == null || read.invalid() != null) {
            return rule;
        }
        List<FilterConfig> filters = new ArrayList<>(rule.filters());
        if (read.cors() != null && filters.stream().noneMatch(FilterConfig.Cors.class::isInstance)) {
            filters.add(read.cors());
        }
        RetryConfig given = rule.retry();
        RetryConfig wanted = read.retry();
        RetryConfig retry = wanted == null || given == null
                ? wanted == null ? given : wanted
                : new RetryConfig(given.codes(), wanted.attempts(), wanted.backoffMillis(), wanted.grpcStatuses());
        return rule.with(
                filters,
                retry,
                new GrpcConfig(
                        read.transcoding() == null ? null : read.transcoding().name()));
    }

    /** What rules point to. */
    List<TranscodingConfig> transcodings() {
        return reads.values().stream()
                .map(GrpcReader.Read::transcoding)
                .filter(Objects::nonNull)
                .toList();
    }

    /** What is said, after all routes were attached. */
    Map<Key, Draft> drafts(PolicyTargets all) {
        return policies.drafts(all, this::accepted, policy -> new Draft.Condition[] {resolved(policy)});
    }

    private Draft.Condition accepted(Key policy) {
        String invalid = Objects.requireNonNull(reads.get(policy)).invalid();
        return invalid == null
                ? Draft.Condition.yes("Accepted", "Accepted")
                : Draft.Condition.no(
                        "Accepted",
                        "Invalid",
                        invalid + "; until that is mended, its routes do as if there were no policy");
    }

    private Draft.Condition resolved(Key policy) {
        References.Problem problem = Objects.requireNonNull(reads.get(policy)).unresolved();
        return problem == null
                ? Draft.Condition.yes("ResolvedRefs", "ResolvedRefs")
                : Draft.Condition.no(
                        "ResolvedRefs",
                        problem.reason(),
                        "transcoding.descriptors: " + problem.message()
                                + "; until that is mended, calls in JSON are passed on as they are");
    }
}
