package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.config.LimitConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.kind.PolicyStatus;
import dev.coppice.gateway.kind.RateLimitSpec;
import dev.coppice.gateway.kind.TrafficTargetReference;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The RateLimit policies of a snapshot: which limits they come to, and what is said of them. All policies of a target count, as
 * do those of what is above it: a more specific one adds to the others and replaces none. Not safe for use by many threads.
 */
final class LimitPolicies {
    /** Of all policies for one target, so that a request is never asked about without end. */
    private static final int MOST_AT_TARGET = 32;

    private final List<Resource<RateLimitSpec, PolicyStatus>> policies;
    private final LimitReader reader;
    private final boolean shares;
    private final Map<TrafficTarget, Integer> counts = new HashMap<>();
    private final List<LimitConfig> limits = new ArrayList<>();
    private final Map<Key, Draft> drafts = new HashMap<>();

    /** @param shares whether this gateway counts together with others where it should */
    LimitPolicies(List<Resource<RateLimitSpec, PolicyStatus>> policies, LimitReader reader, boolean shares) {
        this.policies = policies.stream().sorted(Age.OLDEST_FIRST).toList();
        this.reader = reader;
        this.shares = shares;
        reader.begin();
    }

    /** Looks at all policies, after all routes were attached. */
    void resolve(PolicyTargets all) {
        for (Resource<RateLimitSpec, PolicyStatus> policy : policies) {
            resolve(policy, all);
        }
    }

    List<LimitConfig> limits() {
        return limits;
    }

    Map<Key, Draft> drafts() {
        return drafts;
    }

    private void resolve(Resource<RateLimitSpec, PolicyStatus> policy, PolicyTargets all) {
        LimitReader.Read read = reader.read(policy);
        PolicyTargets.Ancestors ancestors = new PolicyTargets.Ancestors();
        List<TrafficTarget> targets = new ArrayList<>();
        for (TrafficTargetReference target : policy.spec().targetRefs()) {
            PolicyTargets.Found found = all.find(policy.namespace(), target);
            Draft.Condition accepted = accepted(found, read);
            if (accepted.holds()) {
                targets.add(found.place());
            }
            ancestors.add(found, accepted);
        }
        if (!targets.isEmpty()) {
            for (LimitConfig each : read.limits()) {
                limits.add(each.withTargets(targets));
            }
        }
        drafts.put(policy.key(), ancestors.draft(policy.generation(), shared(read)));
    }

    /** Said of policies that ask for it only. */
    private Draft.Condition[] shared(LimitReader.Read read) {
        if (read.limits().stream().noneMatch(LimitConfig::shared)) {
            return new Draft.Condition[0];
        }
        return new Draft.Condition[] {
            shares
                    ? Draft.Condition.yes("Shared", "Shared")
                    : Draft.Condition.no(
                            "Shared",
                            "NotConnected",
                            "this gateway is not connected with others: each counts for itself, up to the whole limit")
        };
    }

    private Draft.Condition accepted(PolicyTargets.Found found, LimitReader.Read read) {
        Draft.Condition refusal = found.refusal();
        if (refusal != null) {
            return refusal;
        }
        if (read.problem() != null) {
            return Draft.Condition.no("Accepted", "Invalid", read.problem());
        }
        TrafficTarget place = found.place();
        int count = counts.getOrDefault(place, 0) + read.limits().size();
        if (count > MOST_AT_TARGET) {
            return Draft.Condition.no(
                    "Accepted",
                    "TooManyLimits",
                    "with this policy there would be " + count + " limits for " + place.kind() + " " + place.name()
                            + "; there may be " + MOST_AT_TARGET + ", and those of older policies count first");
        }
        counts.put(place, count);
        return Draft.Condition.yes("Accepted", "Accepted");
    }
}
