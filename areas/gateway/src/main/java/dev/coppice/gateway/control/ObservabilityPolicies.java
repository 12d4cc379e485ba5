package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.config.ObservationConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.kind.ObservabilityPolicySpec;
import dev.coppice.gateway.kind.PolicyStatus;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The ObservabilityPolicies of a snapshot: what is told of requests, and what is said of the policies. Not safe for use by many threads.
 */
final class ObservabilityPolicies {
    private final OldestPolicies<ObservabilityPolicySpec> policies;
    private final SecurityPolicies.Services services;
    private final Map<Key, ObservationReader.Read> reads = new HashMap<>();
    /** Why the collectors of policies lead nowhere. */
    private final Map<Key, References.Problem> missing = new HashMap<>();

    private final List<ObservationConfig> configs = new ArrayList<>();

    ObservabilityPolicies(
            List<Resource<ObservabilityPolicySpec, PolicyStatus>> policies,
            ObservationReader reader,
            SecurityPolicies.Services services) {
        this.policies = new OldestPolicies<>(policies, ObservabilityPolicySpec::targetRefs);
        this.services = services;
        reader.begin();
        policies.forEach(each -> reads.put(each.key(), reader.read(each)));
    }

    /** Looks at all policies: collectors are wanted from now on. */
    void resolve() {
        for (Resource<ObservabilityPolicySpec, PolicyStatus> policy : policies.policies()) {
            List<TrafficTarget> targets = policies.places(policy);
            ObservationConfig config = traced(policy, read(policy.key()).config());
            if (!targets.isEmpty() && read(policy.key()).problem() == null) {
                configs.add(config.at(targets));
            }
        }
    }

    /** What counts, the older first. */
    List<ObservationConfig> configs() {
        return configs;
    }

    /** What is said, after all routes were attached. */
    Map<Key, Draft> drafts(PolicyTargets all) {
        return policies.drafts(all, this::accepted, key -> new Draft.Condition[] {resolved(key)});
    }

    private ObservationReader.Read read(Key policy) {
        return Objects.requireNonNull(reads.get(policy));
    }

    private ObservationConfig traced(Resource<ObservabilityPolicySpec, PolicyStatus> policy, ObservationConfig config) {
        ObservabilityPolicySpec.Tracing spec = policy.spec().tracing();
        if (spec == null || config.tracing() == null) {
            return config;
        }
        Backends.Found found = services.find(GatewayKinds.HTTP_ROUTE.kind(), policy.namespace(), spec.service());
        Backends.Backend backend = found.backend();
        if (backend != null) {
            return config.traced(config.tracing().to(backend.upstream(Egress.DIRECT)));
        }
        missing.put(policy.key(), Objects.requireNonNull(found.problem()));
        return config;
    }

    private Draft.Condition accepted(Key policy) {
        String problem = read(policy).problem();
        return problem == null
                ? Draft.Condition.yes("Accepted", "Accepted")
                : Draft.Condition.no("Accepted", "Invalid", problem);
    }

    private Draft.Condition resolved(Key policy) {
        References.Problem problem = missing.get(policy);
        return problem == null
                ? Draft.Condition.yes("ResolvedRefs", "ResolvedRefs")
                : Draft.Condition.no(
                        "ResolvedRefs",
                        problem.reason(),
                        "tracing.service: " + problem.message()
                                + "; until that is mended, requests of its targets are not traced");
    }
}
