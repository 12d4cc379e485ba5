package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.config.ObservationConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.kind.ObservabilityPolicySpec;
import dev.coppice.gateway.kind.PolicyStatus;
import dev.coppice.gateway.kind.TrafficTargetReference;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The ObservabilityPolicies of a snapshot: what is told of requests, and what is said of the policies. A target has one; older ones go first.
 * Not safe for use by many threads.
 */
final class ObservabilityPolicies {
    private final List<Resource<ObservabilityPolicySpec, PolicyStatus>> policies;
    private final ObservationReader reader;
    private final SecurityPolicies.Services services;
    private final Map<TrafficTarget, Key> taken = new HashMap<>();
    private final List<ObservationConfig> configs = new ArrayList<>();
    private final Map<Key, Draft> drafts = new HashMap<>();

    ObservabilityPolicies(
            List<Resource<ObservabilityPolicySpec, PolicyStatus>> policies,
            ObservationReader reader,
            SecurityPolicies.Services services) {
        this.policies = policies.stream().sorted(Age.OLDEST_FIRST).toList();
        this.reader = reader;
        this.services = services;
        reader.begin();
    }

    /** Looks at all policies, after all routes were attached. */
    void resolve(PolicyTargets all) {
        for (Resource<ObservabilityPolicySpec, PolicyStatus> policy : policies) {
            resolve(policy, all);
        }
    }

    List<ObservationConfig> configs() {
        return configs;
    }

    Map<Key, Draft> drafts() {
        return drafts;
    }

    private void resolve(Resource<ObservabilityPolicySpec, PolicyStatus> policy, PolicyTargets all) {
        ObservationReader.Read read = reader.read(policy);
        PolicyTargets.Ancestors ancestors = new PolicyTargets.Ancestors();
        List<TrafficTarget> targets = new ArrayList<>();
        for (TrafficTargetReference target : policy.spec().targetRefs()) {
            PolicyTargets.Found found = all.find(policy.namespace(), target);
            Draft.Condition accepted = accepted(policy.key(), found, read);
            if (accepted.holds()) {
                targets.add(found.place());
            }
            ancestors.add(found, accepted);
        }
        ObservationConfig config = read.config();
        Draft.Condition resolved = Draft.Condition.yes("ResolvedRefs", "ResolvedRefs");
        ObservabilityPolicySpec.Tracing spec = policy.spec().tracing();
        if (spec != null && config.tracing() != null) {
            Backends.Found found = services.find(GatewayKinds.HTTP_ROUTE.kind(), policy.namespace(), spec.service());
            Backends.Backend backend = found.backend();
            References.Problem problem = found.problem();
            if (backend != null) {
                config = config.traced(config.tracing().to(backend.upstream(Egress.DIRECT)));
            } else {
                resolved = Draft.Condition.no(
                        "ResolvedRefs",
                        problem == null ? "BackendNotFound" : problem.reason(),
                        "tracing.service: " + (problem == null ? "it leads nowhere" : problem.message())
                                + "; until that is mended, requests of its targets are not traced");
            }
        }
        if (!targets.isEmpty()) {
            configs.add(config.at(targets));
        }
        drafts.put(policy.key(), ancestors.draft(policy.generation(), resolved));
    }

    private Draft.Condition accepted(Key policy, PolicyTargets.Found found, ObservationReader.Read read) {
        Draft.Condition refusal = found.refusal();
        if (refusal != null) {
            return refusal;
        }
        if (read.problem() != null) {
            return Draft.Condition.no("Accepted", "Invalid", read.problem());
        }
        Key older = taken.putIfAbsent(found.place(), policy);
        return older == null
                ? Draft.Condition.yes("Accepted", "Accepted")
                : Draft.Condition.no(
                        "Accepted",
                        "Conflicted",
                        found.place().kind() + " " + found.place().name() + " has an older ObservabilityPolicy, "
                                + older.name() + ", which counts");
    }
}
