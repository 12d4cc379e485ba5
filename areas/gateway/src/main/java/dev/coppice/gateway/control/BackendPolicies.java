package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.config.UpstreamTlsConfig;
import dev.coppice.gateway.config.UpstreamTlsConfig.Name;
import dev.coppice.gateway.kind.BackendTlsPolicySpec;
import dev.coppice.gateway.kind.BackendTlsPolicySpec.SubjectAltName;
import dev.coppice.gateway.kind.BackendTlsPolicySpec.Target;
import dev.coppice.gateway.kind.BackendTlsPolicySpec.Validation;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.kind.LocalReference;
import dev.coppice.gateway.kind.ParentReference;
import dev.coppice.gateway.kind.PolicyStatus;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The BackendTLSPolicies as they are at one moment: which of those that are for the same port of the same Service counts, and what
 * it asks of backends. Not safe for use by many threads.
 */
final class BackendPolicies {
    private static final int MOST_ANCESTORS = 16;
    private static final Comparator<Key> BY_NAME =
            Comparator.comparing(Key::namespace).thenComparing(Key::name);
    private static final Pattern ADDRESS = Pattern.compile("[0-9.]+");

    /** @param section name of a port; empty for those without a policy of their own */
    private record Place(Key service, String section) {}

    /**
     * A policy, looked at.
     *
     * @param tls null: nothing may be sent to its backends
     * @param refused why nothing may; null where something may
     * @param unresolved why some reference leads nowhere; null when all lead somewhere
     */
    private record Policy(
            Resource<BackendTlsPolicySpec, PolicyStatus> resource,
            @Nullable UpstreamTlsConfig tls,
            References.@Nullable Problem refused,
            References.@Nullable Problem unresolved) {}

    private final List<Policy> policies;
    private final Map<Place, Policy> owners = new HashMap<>();
    private final Map<Key, Set<Key>> gatewaysByService = new HashMap<>();

    BackendPolicies(List<Resource<BackendTlsPolicySpec, PolicyStatus>> policies, References references) {
        this.policies = policies.stream()
                .sorted(Age.OLDEST_FIRST)
                .map(each -> examine(each, references))
                .toList();
        for (Policy policy : this.policies) {
            for (Target target : policy.resource.spec().targetRefs()) {
                if (isService(target)) {
                    owners.putIfAbsent(place(policy.resource, target), policy);
                }
            }
        }
    }

    private static boolean isService(Target target) {
        return target.group().isEmpty() && target.kind().equals("Service");
    }

    private static Place place(Resource<?, ?> policy, Target target) {
        return new Place(
                new Key(policy.namespace(), target.name()), target.sectionName() == null ? "" : target.sectionName());
    }

    private static Policy examine(Resource<BackendTlsPolicySpec, PolicyStatus> policy, References references) {
        Validation validation = policy.spec().validation();
        StringBuilder authorities = new StringBuilder();
        References.@Nullable Problem unresolved = null;
        for (LocalReference reference : validation.caCertificateRefs()) {
            References.Looked<String> looked = references.authorities(policy.namespace(), reference);
            if (looked.value() != null) {
                authorities.append(looked.value());
            } else if (unresolved == null) {
                unresolved = looked.problem();
            }
        }
        boolean ofMachine = validation.caCertificateRefs().isEmpty();
        References.@Nullable Problem refused = addresses(validation);
        if (refused == null && !ofMachine && authorities.isEmpty()) {
            refused = new References.Problem(
                    "NoValidCACertificate", unresolved == null ? "there is no certificate" : unresolved.message());
        }
        UpstreamTlsConfig tls = refused != null
                ? null
                : new UpstreamTlsConfig(
                        validation.hostname(), names(validation), ofMachine ? null : authorities.toString(), null);
        return new Policy(policy, tls, refused, unresolved);
    }

    /** Server names are no IP addresses (RFC 6066, 3), and the API says the same of host names; its pattern lets them through. */
    private static References.@Nullable Problem addresses(Validation validation) {
        if (ADDRESS.matcher(validation.hostname()).matches()) {
            return new References.Problem(
                    "Invalid",
                    "validation.hostname: \"" + validation.hostname()
                            + "\" is an IP address; expected the DNS name that the backend's certificate is for");
        }
        return null;
    }

    private static List<Name> names(Validation validation) {
        List<Name> names = new ArrayList<>();
        for (SubjectAltName each : validation.subjectAltNames()) {
            if (each.hostname() != null && each.type().equals("Hostname")) {
                names.add(new Name(Name.Type.DNS, each.hostname()));
            } else if (each.uri() != null) {
                names.add(new Name(Name.Type.URI, each.uri()));
            }
        }
        // Where there are others, the host name is only asked for.
        return names.isEmpty() ? List.of(new Name(Name.Type.DNS, validation.hostname())) : names;
    }

    /** Whether there is a policy for the port, or for the whole Service. */
    boolean covers(Key service, String port) {
        return owner(service, port) != null;
    }

    private @Nullable Policy owner(Key service, String port) {
        Policy own = owners.get(new Place(service, port));
        return own == null ? owners.get(new Place(service, "")) : own;
    }

    /** How a port is spoken to; null where nothing may be sent to it: there is no policy, or not a valid one. */
    @Nullable
    UpstreamTlsConfig tls(Key service, String port) {
        Policy owner = owner(service, port);
        return owner == null ? null : owner.tls;
    }

    /** A Gateway sends to a Service. */
    void used(Key service, Key gateway) {
        if (!policies.isEmpty()) {
            gatewaysByService
                    .computeIfAbsent(service, _ -> new TreeSet<>(BY_NAME))
                    .add(gateway);
        }
    }

    Map<Key, Draft> drafts() {
        Map<Key, Draft> all = new HashMap<>();
        for (Policy policy : policies) {
            Set<Key> gateways = new TreeSet<>(BY_NAME);
            for (Target target : policy.resource.spec().targetRefs()) {
                if (isService(target)) {
                    gateways.addAll(gatewaysByService.getOrDefault(
                            new Key(policy.resource.namespace(), target.name()), Set.of()));
                }
            }
            List<Draft.Condition> conditions = List.of(accepted(policy), resolved(policy));
            List<Draft.AtParent> parents = gateways.stream()
                    .limit(MOST_ANCESTORS)
                    .map(each -> new Draft.AtParent(
                            new ParentReference(
                                    GatewayKinds.GROUP, "Gateway", each.namespace(), each.name(), null, null),
                            conditions))
                    .toList();
            all.put(policy.resource.key(), new Draft.OfRoute(policy.resource.generation(), parents));
        }
        return all;
    }

    private static Draft.Condition resolved(Policy policy) {
        References.Problem problem = policy.unresolved;
        return problem == null
                ? Draft.Condition.yes("ResolvedRefs", "ResolvedRefs")
                : Draft.Condition.no("ResolvedRefs", problem.reason(), problem.message());
    }

    private Draft.Condition accepted(Policy policy) {
        for (Target target : policy.resource.spec().targetRefs()) {
            Policy owner = owners.get(place(policy.resource, target));
            if (owner != null && owner != policy) {
                return Draft.Condition.no(
                        "Accepted",
                        "Conflicted",
                        "the older policy " + owner.resource.name() + " is for Service " + target.name() + " too");
            }
        }
        References.Problem problem = policy.refused;
        return problem == null
                ? Draft.Condition.yes("Accepted", "Accepted")
                : Draft.Condition.no(
                        "Accepted",
                        problem.reason(),
                        problem.message() + "; until that is mended, requests for the Service are answered with 503");
    }
}
