package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.kind.BackendTlsPolicySpec;
import dev.coppice.gateway.kind.BackendTlsPolicySpec.Target;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.kind.LocalReference;
import dev.coppice.gateway.kind.ParentReference;
import dev.coppice.gateway.kind.PolicyStatus;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The BackendTLSPolicies, and which of those that are for the same port of the same Service counts. */
final class BackendPolicies {
    private static final int MOST_ANCESTORS = 16;

    private record Place(Key service, String section) {}

    private final List<Resource<BackendTlsPolicySpec, PolicyStatus>> policies;
    private final Map<Place, Key> owners = new HashMap<>();
    private final Map<Key, Set<String>> gatewaysByService = new TreeMap<>(BackendPolicies::compare);

    BackendPolicies(List<Resource<BackendTlsPolicySpec, PolicyStatus>> policies) {
        this.policies = policies.stream().sorted(Age.OLDEST_FIRST).toList();
        for (var policy : this.policies) {
            for (Target target : policy.spec().targetRefs()) {
                if (isService(target)) {
                    owners.putIfAbsent(place(policy, target), policy.key());
                }
            }
        }
    }

    private static int compare(Key a, Key b) {
        return a.toString().compareTo(b.toString());
    }

    private static boolean isService(Target target) {
        return target.group().isEmpty() && target.kind().equals("Service");
    }

    private static Place place(Resource<?, ?> policy, Target target) {
        return new Place(
                new Key(policy.namespace(), target.name()), target.sectionName() == null ? "" : target.sectionName());
    }

    boolean isEmpty() {
        return policies.isEmpty();
    }

    /** Whether there is a policy for the port, or for the whole Service. */
    boolean covers(Key service, String port) {
        return !owners.isEmpty()
                && (owners.containsKey(new Place(service, port)) || owners.containsKey(new Place(service, "")));
    }

    /** A Gateway sends to a Service. */
    void used(Key service, Key gateway) {
        gatewaysByService
                .computeIfAbsent(service, _ -> new TreeSet<>())
                .add(gateway.namespace() + "/" + gateway.name());
    }

    Map<Key, Draft> drafts(References references, Capabilities capabilities) {
        Map<Key, Draft> all = new HashMap<>();
        for (var policy : policies) {
            Set<String> gateways = new TreeSet<>();
            for (Target target : policy.spec().targetRefs()) {
                if (isService(target)) {
                    gateways.addAll(
                            gatewaysByService.getOrDefault(new Key(policy.namespace(), target.name()), Set.of()));
                }
            }
            List<Draft.Condition> conditions = conditions(policy, references, capabilities);
            List<Draft.AtParent> parents = new ArrayList<>();
            for (String gateway : gateways) {
                if (parents.size() < MOST_ANCESTORS) {
                    int slash = gateway.indexOf('/');
                    parents.add(new Draft.AtParent(
                            new ParentReference(
                                    GatewayKinds.GROUP,
                                    "Gateway",
                                    gateway.substring(0, slash),
                                    gateway.substring(slash + 1),
                                    null,
                                    null),
                            conditions));
                }
            }
            all.put(policy.key(), new Draft.OfRoute(policy.generation(), parents));
        }
        return all;
    }

    private List<Draft.Condition> conditions(
            Resource<BackendTlsPolicySpec, PolicyStatus> policy, References references, Capabilities capabilities) {
        int good = 0;
        References.@Nullable Problem first = null;
        List<LocalReference> authorities = policy.spec().validation().caCertificateRefs();
        for (LocalReference reference : authorities) {
            References.@Nullable Problem problem =
                    !reference.group().isEmpty() || !reference.kind().equals("ConfigMap")
                            ? new References.Problem(
                                    "InvalidKind",
                                    "certificates of authorities come from ConfigMaps of the core group; "
                                            + reference.kind() + " " + reference.name() + " is not supported")
                            : references.authorities(new Key(policy.namespace(), reference.name()));
            if (problem == null) {
                good++;
            } else if (first == null) {
                first = problem;
            }
        }
        Draft.Condition resolved = first == null
                ? Draft.Condition.yes("ResolvedRefs", "ResolvedRefs")
                : Draft.Condition.no("ResolvedRefs", first.reason(), first.message());
        return List.of(accepted(policy, authorities, good, first, capabilities), resolved);
    }

    private Draft.Condition accepted(
            Resource<BackendTlsPolicySpec, PolicyStatus> policy,
            List<LocalReference> authorities,
            int good,
            References.@Nullable Problem first,
            Capabilities capabilities) {
        for (Target target : policy.spec().targetRefs()) {
            Key owner = owners.get(place(policy, target));
            if (owner != null && !owner.equals(policy.key())) {
                return Draft.Condition.no(
                        "Accepted",
                        "Conflicted",
                        "the older policy " + owner.name() + " is for Service " + target.name() + " too");
            }
        }
        if (first != null && good == 0 && !authorities.isEmpty()) {
            return Draft.Condition.no("Accepted", "NoValidCACertificate", first.message());
        }
        if (!capabilities.backendTls()) {
            return Draft.Condition.no(
                    "Accepted",
                    "Pending",
                    "this version cannot speak TLS to backends yet; requests for the Service are answered with 500");
        }
        return Draft.Condition.yes("Accepted", "Accepted");
    }
}
