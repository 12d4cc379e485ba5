package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.kind.PolicyStatus;
import dev.coppice.gateway.kind.TrafficTargetReference;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Policies of one kind, of which the oldest counts for a target, and what is said of them. Not safe for use by many threads. */
final class OldestPolicies<S extends Record> {
    private final List<Resource<S, PolicyStatus>> policies;
    private final Function<S, List<TrafficTargetReference>> targets;
    private final Map<TrafficTarget, Key> owners = new HashMap<>();

    OldestPolicies(List<Resource<S, PolicyStatus>> policies, Function<S, List<TrafficTargetReference>> targets) {
        this.policies = policies.stream().sorted(Age.OLDEST_FIRST).toList();
        this.targets = targets;
        for (Resource<S, PolicyStatus> policy : this.policies) {
            for (TrafficTargetReference target : targets.apply(policy.spec())) {
                owners.putIfAbsent(PolicyTargets.place(policy.namespace(), target), policy.key());
            }
        }
    }

    /** The oldest first. */
    List<Resource<S, PolicyStatus>> policies() {
        return policies;
    }

    /** What they are for. */
    Iterable<TrafficTarget> places() {
        return owners.keySet();
    }

    /** The targets that a policy counts for. */
    List<TrafficTarget> places(Resource<S, PolicyStatus> policy) {
        return targets.apply(policy.spec()).stream()
                .map(target -> PolicyTargets.place(policy.namespace(), target))
                .filter(place -> policy.key().equals(owners.get(place)))
                .toList();
    }

    /** The policy that counts for a section of a target: its own, or that of the whole; null when there is none. */
    @Nullable
    Key owner(String kind, String name, String section) {
        Key own = section.isEmpty() ? null : owners.get(new TrafficTarget(kind, name, section));
        return own != null ? own : owners.get(new TrafficTarget(kind, name, ""));
    }

    /**
     * What is said, after all routes were attached.
     *
     * @param accepted of a policy that counts for a target
     * @param further conditions, the same for all targets
     */
    Map<Key, Draft> drafts(
            PolicyTargets all, Function<Key, Draft.Condition> accepted, Function<Key, Draft.Condition[]> further) {
        Map<Key, Draft> drafts = new HashMap<>();
        for (Resource<S, PolicyStatus> policy : policies) {
            PolicyTargets.Ancestors ancestors = new PolicyTargets.Ancestors();
            for (TrafficTargetReference target : targets.apply(policy.spec())) {
                PolicyTargets.Found found = all.find(policy.namespace(), target);
                Draft.Condition refusal =
                        found.refusal() != null ? found.refusal() : conflict(policy.key(), found.place());
                ancestors.add(found, refusal == null ? accepted.apply(policy.key()) : refusal);
            }
            drafts.put(policy.key(), ancestors.draft(policy.generation(), further.apply(policy.key())));
        }
        return drafts;
    }

    private Draft.@Nullable Condition conflict(Key policy, TrafficTarget place) {
        Key owner = owners.get(place);
        if (owner == null || owner.equals(policy)) {
            return null;
        }
        String section = place.section().isEmpty()
                ? ""
                : (place.kind().equals("Gateway") ? ", listener " : ", rule ") + place.section();
        return Draft.Condition.no(
                "Accepted",
                "Conflicted",
                "the older policy " + owner.name() + " is for " + place.kind() + " " + place.name() + section + " too");
    }
}
