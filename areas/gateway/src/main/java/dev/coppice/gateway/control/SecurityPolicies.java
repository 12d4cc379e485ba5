package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.config.SecurityConfig;
import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.kind.PolicyStatus;
import dev.coppice.gateway.kind.SecurityPolicySpec;
import dev.coppice.gateway.kind.TrafficTargetReference;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The SecurityPolicies of a snapshot: what is asked of requests, and what is said of the policies. All policies of a target count, as do those of
 * what is above it: whoever has a route cannot lift what the Gateway's owner asks. One that cannot be asked lets nobody in. Not safe for use by
 * many threads.
 */
final class SecurityPolicies {
    /** For one target, so that a request is never asked about without end. */
    private static final int MOST_AT_TARGET = 16;

    private static final String CLOSED = "; until that is mended, requests of its targets are answered with 500";

    private final List<Resource<SecurityPolicySpec, PolicyStatus>> policies;
    private final SecurityReader reader;
    private final References references;
    private final Services services;
    private final Map<TrafficTarget, Integer> counts = new HashMap<>();
    private final List<SecurityConfig> configs = new ArrayList<>();
    private final Map<Key, Draft> drafts = new HashMap<>();

    /** Looks up Services that are asked about requests. */
    interface Services {
        /**
         * A port of a Service, for which there is an upstream from now on.
         *
         * @param kind of route, as whose backend it is spoken to
         */
        Backends.Found find(String kind, String namespace, SecurityPolicySpec.ServicePort port);
    }

    SecurityPolicies(
            List<Resource<SecurityPolicySpec, PolicyStatus>> policies,
            SecurityReader reader,
            References references,
            Services services) {
        this.policies = policies.stream().sorted(Age.OLDEST_FIRST).toList();
        this.reader = reader;
        this.references = references;
        this.services = services;
        reader.begin();
    }

    /** Looks at all policies, after all routes were attached. */
    void resolve(PolicyTargets all) {
        for (Resource<SecurityPolicySpec, PolicyStatus> policy : policies) {
            resolve(policy, all);
        }
    }

    List<SecurityConfig> configs() {
        return configs;
    }

    Map<Key, Draft> drafts() {
        return drafts;
    }

    private void resolve(Resource<SecurityPolicySpec, PolicyStatus> policy, PolicyTargets all) {
        SecurityReader.Read read = reached(policy, reader.read(policy, references));
        PolicyTargets.Ancestors ancestors = new PolicyTargets.Ancestors();
        List<TrafficTarget> targets = new ArrayList<>();
        for (TrafficTargetReference target : policy.spec().targetRefs()) {
            PolicyTargets.Found found = all.find(policy.namespace(), target);
            Draft.Condition refusal = found.refusal();
            if (refusal == null && counts.merge(found.place(), 1, Integer::sum) > MOST_AT_TARGET) {
                refusal = tooMany(found.place());
                configs.add(SecurityConfig.invalid(policy.key().toString(), refusal.message())
                        .at(List.of(found.place())));
            } else if (refusal == null) {
                targets.add(found.place());
                refusal = invalid(read);
            }
            ancestors.add(found, refusal == null ? Draft.Condition.yes("Accepted", "Accepted") : refusal);
        }
        if (!targets.isEmpty()) {
            configs.add(read.config().at(targets));
        }
        drafts.put(policy.key(), ancestors.draft(policy.generation(), resolved(read)));
    }

    /** With the upstreams of services that are asked. */
    private SecurityReader.Read reached(Resource<SecurityPolicySpec, PolicyStatus> policy, SecurityReader.Read read) {
        SecurityPolicySpec.Authentication authentication = policy.spec().authentication();
        List<Method> methods = read.config().methods();
        if (authentication == null || methods.stream().noneMatch(Method.External.class::isInstance)) {
            return read;
        }
        List<Method> all = new ArrayList<>();
        for (Method each : methods) {
            SecurityPolicySpec.Method spec = authentication.methods().get(all.size());
            if (!(each instanceof Method.External external) || spec.external() == null) {
                all.add(each);
                continue;
            }
            Backends.Found found = services.find(
                    (external.grpc() ? GatewayKinds.GRPC_ROUTE : GatewayKinds.HTTP_ROUTE).kind(),
                    policy.namespace(),
                    spec.external().service());
            Backends.Backend backend = found.backend();
            References.Problem problem = found.problem();
            if (backend != null && external.grpc() && backend.protocol() != UpstreamConfig.Protocol.H2C) {
                problem = new References.Problem(
                        "UnsupportedProtocol",
                        "the protocol GRPC needs a port that speaks HTTP/2; leave out its appProtocol, or set kubernetes.io/h2c");
            }
            if (backend == null || problem != null) {
                References.Problem told = new References.Problem(
                        problem == null ? "BackendNotFound" : problem.reason(),
                        "authentication.methods[" + all.size() + "] (" + each.name() + ").external.service: "
                                + (problem == null ? "it leads nowhere" : problem.message()));
                return new SecurityReader.Read(
                        SecurityConfig.invalid(policy.key().toString(), told.message()), null, told);
            }
            all.add(external.asking(backend.upstream(Egress.DIRECT)));
        }
        return new SecurityReader.Read(read.config().with(all), null, null);
    }

    private static Draft.Condition tooMany(TrafficTarget place) {
        return Draft.Condition.no(
                "Accepted",
                "TooManyPolicies",
                place.kind() + " " + place.name() + " has more than " + MOST_AT_TARGET + " policies" + CLOSED);
    }

    private static Draft.@Nullable Condition invalid(SecurityReader.Read read) {
        return read.invalid() == null ? null : Draft.Condition.no("Accepted", "Invalid", read.invalid() + CLOSED);
    }

    private static Draft.Condition resolved(SecurityReader.Read read) {
        References.Problem problem = read.unresolved();
        return problem == null
                ? Draft.Condition.yes("ResolvedRefs", "ResolvedRefs")
                : Draft.Condition.no("ResolvedRefs", problem.reason(), problem.message() + CLOSED);
    }
}
