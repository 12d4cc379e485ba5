package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.config.UpstreamTlsConfig;
import dev.coppice.gateway.config.UpstreamTlsConfig.Name;
import dev.coppice.gateway.kind.BackendTlsPolicySpec;
import dev.coppice.gateway.kind.BackendTlsPolicySpec.SubjectAltName;
import dev.coppice.gateway.kind.BackendTlsPolicySpec.Validation;
import dev.coppice.gateway.kind.LocalReference;
import dev.coppice.gateway.kind.PolicyStatus;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The BackendTLSPolicies as they are at one moment: which of those that are for the same port of the same Service counts, and what
 * it asks of backends. Not safe for use by many threads.
 */
final class BackendPolicies {
    private static final Pattern ADDRESS = Pattern.compile("[0-9.]+");

    /**
     * A policy, looked at.
     *
     * @param tls null: nothing may be sent to its backends
     * @param refused why nothing may; null where something may
     * @param unresolved why some reference leads nowhere; null when all lead somewhere
     */
    private record Policy(
            @Nullable UpstreamTlsConfig tls,
            References.@Nullable Problem refused,
            References.@Nullable Problem unresolved) {}

    private final ServicePolicies<BackendTlsPolicySpec> policies;
    private final Map<Key, Policy> examined = new HashMap<>();

    BackendPolicies(List<Resource<BackendTlsPolicySpec, PolicyStatus>> policies, References references) {
        this.policies = new ServicePolicies<>(policies, BackendTlsPolicySpec::targetRefs);
        policies.forEach(each -> examined.put(each.key(), examine(each, references)));
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
        return new Policy(tls, refused, unresolved);
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
        return policies.owner(service, port) != null;
    }

    /** How a port is spoken to; null where nothing may be sent to it: there is no policy, or not a valid one. */
    @Nullable
    UpstreamTlsConfig tls(Key service, String port) {
        Resource<BackendTlsPolicySpec, PolicyStatus> owner = policies.owner(service, port);
        return owner == null ? null : of(owner).tls;
    }

    private Policy of(Resource<BackendTlsPolicySpec, PolicyStatus> policy) {
        return Objects.requireNonNull(examined.get(policy.key()));
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
        return policies.drafts(each -> List.of(accepted(each), resolved(of(each))));
    }

    private static Draft.Condition resolved(Policy policy) {
        References.Problem problem = policy.unresolved;
        return problem == null
                ? Draft.Condition.yes("ResolvedRefs", "ResolvedRefs")
                : Draft.Condition.no("ResolvedRefs", problem.reason(), problem.message());
    }

    private Draft.Condition accepted(Resource<BackendTlsPolicySpec, PolicyStatus> policy) {
        Draft.Condition conflict = policies.conflict(policy);
        if (conflict != null) {
            return conflict;
        }
        References.Problem problem = of(policy).refused;
        return problem == null
                ? Draft.Condition.yes("Accepted", "Accepted")
                : Draft.Condition.no(
                        "Accepted",
                        problem.reason(),
                        problem.message() + "; until that is mended, requests for the Service are answered with 503");
    }
}
