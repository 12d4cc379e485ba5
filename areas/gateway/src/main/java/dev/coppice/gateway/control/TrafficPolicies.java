package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.config.TrafficConfig;
import dev.coppice.gateway.kind.BackendTrafficPolicySpec;
import dev.coppice.gateway.kind.FallbackSpec;
import dev.coppice.gateway.kind.PolicyStatus;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The BackendTrafficPolicies as they are at one moment: which of those that are for the same port of the same Service counts, and what it
 * comes to. One that cannot be read counts as if it said nothing, unless it has credentials, without which nothing is sent. Not safe for use by many threads.
 */
final class TrafficPolicies {
    private final ServicePolicies<BackendTrafficPolicySpec> policies;
    private final Map<Key, TrafficReader.Read> read = new HashMap<>();
    /** Why the fallbacks of policies lead nowhere. */
    private final Map<Key, References.Problem> missing = new HashMap<>();

    TrafficPolicies(List<Resource<BackendTrafficPolicySpec, PolicyStatus>> policies, References references) {
        this.policies = new ServicePolicies<>(policies, BackendTrafficPolicySpec::targetRefs);
        policies.forEach(each -> read.put(each.key(), TrafficReader.read(each, references)));
    }

    /** How requests are sent to a port; null: as is usual. */
    @Nullable
    TrafficConfig config(Key service, String port) {
        Resource<BackendTrafficPolicySpec, PolicyStatus> owner = policies.owner(service, port);
        return owner == null ? null : of(owner).config();
    }

    /** The Service that a port's requests go to when it is not there; null: none. */
    FallbackSpec.@Nullable Backend fallback(Key service, String port) {
        Resource<BackendTrafficPolicySpec, PolicyStatus> owner = policies.owner(service, port);
        FallbackSpec fallback = owner == null || of(owner).config() == null
                ? null
                : owner.spec().fallback();
        return fallback == null ? null : fallback.backend();
    }

    /** The fallback of a port leads nowhere. */
    void fallbackMissing(Key service, String port, References.Problem why) {
        Resource<BackendTrafficPolicySpec, PolicyStatus> owner = policies.owner(service, port);
        if (owner != null) {
            missing.putIfAbsent(owner.key(), why);
        }
    }

    private TrafficReader.Read of(Resource<BackendTrafficPolicySpec, PolicyStatus> policy) {
        return Objects.requireNonNull(read.get(policy.key()));
    }

    /** A Gateway sends to a Service. */
    void usedByGateway(Key service, Key gateway) {
        policies.usedByGateway(service, gateway);
    }

    /** What comes to one Service by its own address is sent to another one, or to the same. */
    void usedByService(Key service, Key parent) {
        policies.usedByService(service, parent);
    }

    Map<Key, Draft> drafts() {
        return policies.drafts(each -> {
            FallbackSpec fallback = each.spec().fallback();
            return (fallback == null || fallback.backend() == null)
                            && each.spec().credentials() == null
                    ? List.of(accepted(each))
                    : List.of(accepted(each), resolved(each));
        });
    }

    private Draft.Condition resolved(Resource<BackendTrafficPolicySpec, PolicyStatus> policy) {
        References.Problem credentials = of(policy).unresolved();
        if (credentials != null) {
            return Draft.Condition.no(
                    "ResolvedRefs",
                    credentials.reason(),
                    credentials.message() + "; until that is mended, requests are answered with 503");
        }
        References.Problem problem = missing.get(policy.key());
        return problem == null
                ? Draft.Condition.yes("ResolvedRefs", "ResolvedRefs")
                : Draft.Condition.no(
                        "ResolvedRefs",
                        problem.reason(),
                        "fallback.backend: " + problem.message() + "; until that is mended there is no fallback");
    }

    private Draft.Condition accepted(Resource<BackendTrafficPolicySpec, PolicyStatus> policy) {
        Draft.Condition conflict = policies.conflict(policy);
        if (conflict != null) {
            return conflict;
        }
        String problem = of(policy).problem();
        return problem == null
                ? Draft.Condition.yes("Accepted", "Accepted")
                : Draft.Condition.no(
                        "Accepted",
                        "Invalid",
                        problem
                                + (policy.spec().credentials() == null
                                        ? "; until that is mended, requests are sent as if there were no policy"
                                        : "; until that is mended, requests are answered with 503, as it has credentials"));
    }
}
