package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.GrpcConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.RetryConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.config.TranscodingConfig;
import dev.coppice.gateway.kind.GrpcPolicySpec;
import dev.coppice.gateway.kind.PolicyStatus;
import dev.coppice.gateway.kind.TrafficTargetReference;
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
    private final List<Resource<GrpcPolicySpec, PolicyStatus>> policies;
    private final Map<TrafficTarget, Key> owners = new HashMap<>();
    private final Set<String> routes = new HashSet<>();
    private final Map<Key, GrpcReader.Read> reads = new HashMap<>();

    GrpcPolicies(List<Resource<GrpcPolicySpec, PolicyStatus>> policies, GrpcReader reader, References references) {
        this.policies = policies.stream().sorted(Age.OLDEST_FIRST).toList();
        reader.begin();
        for (Resource<GrpcPolicySpec, PolicyStatus> policy : this.policies) {
            reads.put(policy.key(), reader.read(policy, references));
            for (TrafficTargetReference target : policy.spec().targetRefs()) {
                TrafficTarget place = PolicyTargets.place(policy.namespace(), target);
                owners.putIfAbsent(place, policy.key());
                routes.add(place.kind() + "/" + place.name());
            }
        }
    }

    /** The listeners with what their routes come to. */
    List<ListenerConfig> applied(List<ListenerConfig> listeners) {
        if (owners.isEmpty()) {
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
        Key owner = rule.name().isEmpty() ? null : owners.get(new TrafficTarget(route.kind(), name, rule.name()));
        if (owner == null) {
            owner = owners.get(new TrafficTarget(route.kind(), name, ""));
        }
        GrpcReader.Read read = owner == null ? null : reads.get(owner);
        if (read == null) {
            return rule;
        }
        if (read.invalid() != null) {
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
        Map<Key, Draft> drafts = new HashMap<>();
        for (Resource<GrpcPolicySpec, PolicyStatus> policy : policies) {
            PolicyTargets.Ancestors ancestors = new PolicyTargets.Ancestors();
            for (TrafficTargetReference target : policy.spec().targetRefs()) {
                PolicyTargets.Found found = all.find(policy.namespace(), target);
                Draft.Condition refusal = found.refusal();
                ancestors.add(found, refusal == null ? accepted(policy.key(), found.place()) : refusal);
            }
            drafts.put(policy.key(), ancestors.draft(policy.generation(), resolved(policy.key())));
        }
        return drafts;
    }

    private Draft.Condition accepted(Key policy, TrafficTarget place) {
        Key owner = owners.get(place);
        if (owner != null && !owner.equals(policy)) {
            return Draft.Condition.no(
                    "Accepted",
                    "Conflicted",
                    "the older policy " + owner.name() + " is for " + place.kind() + " " + place.name()
                            + (place.section().isEmpty() ? "" : ", rule " + place.section()) + " too");
        }
        GrpcReader.Read read = reads.get(policy);
        return read == null || read.invalid() == null
                ? Draft.Condition.yes("Accepted", "Accepted")
                : Draft.Condition.no(
                        "Accepted",
                        "Invalid",
                        read.invalid() + "; until that is mended, its routes do as if there were no policy");
    }

    private Draft.Condition resolved(Key policy) {
        GrpcReader.Read read = reads.get(policy);
        References.Problem problem = read == null ? null : read.unresolved();
        return problem == null
                ? Draft.Condition.yes("ResolvedRefs", "ResolvedRefs")
                : Draft.Condition.no(
                        "ResolvedRefs",
                        problem.reason(),
                        "transcoding.descriptors: " + problem.message()
                                + "; until that is mended, calls in JSON are passed on as they are");
    }
}
