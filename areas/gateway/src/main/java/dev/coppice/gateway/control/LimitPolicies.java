package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.config.LimitConfig;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.kind.ParentReference;
import dev.coppice.gateway.kind.PolicyStatus;
import dev.coppice.gateway.kind.RateLimitSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The RateLimit policies of a snapshot: which limits they come to, and what is said of them. All policies of a target count, as
 * do those of what is above it: a more specific one adds to the others and replaces none. Not safe for use by many threads.
 */
final class LimitPolicies {
    private static final int MOST_ANCESTORS = 16;
    /** Of all policies for one target, so that a request is never asked about without end. */
    private static final int MOST_AT_TARGET = 32;

    private final List<Resource<RateLimitSpec, PolicyStatus>> policies;
    private final LimitReader reader;
    private final Map<Translation.ObjectId, Set<String>> gatewaysByRoute = new HashMap<>();
    private final Map<LimitConfig.Target, Integer> counts = new HashMap<>();
    private final List<LimitConfig> limits = new ArrayList<>();
    private final Map<Key, Draft> drafts = new HashMap<>();

    LimitPolicies(List<Resource<RateLimitSpec, PolicyStatus>> policies, LimitReader reader) {
        this.policies = policies.stream().sorted(Age.OLDEST_FIRST).toList();
        this.reader = reader;
        reader.begin();
    }

    /** A route is attached to a Gateway. */
    void attached(Translation.ObjectId route, Key gateway) {
        if (!policies.isEmpty()) {
            gatewaysByRoute.computeIfAbsent(route, _ -> new TreeSet<>()).add(gateway.toString());
        }
    }

    /** Looks at all policies, after all routes were attached. */
    void resolve(Map<Key, GatewayState> gateways, Function<Translation.ObjectId, @Nullable RouteView> routes) {
        for (Resource<RateLimitSpec, PolicyStatus> policy : policies) {
            resolve(policy, gateways, routes);
        }
    }

    List<LimitConfig> limits() {
        return limits;
    }

    Map<Key, Draft> drafts() {
        return drafts;
    }

    private void resolve(
            Resource<RateLimitSpec, PolicyStatus> policy,
            Map<Key, GatewayState> gateways,
            Function<Translation.ObjectId, @Nullable RouteView> routes) {
        LimitReader.Read read = reader.read(policy);
        Map<ParentReference, Draft.Condition> ancestors = new LinkedHashMap<>();
        List<LimitConfig.Target> targets = new ArrayList<>();
        for (RateLimitSpec.Target target : policy.spec().targetRefs()) {
            Key key = new Key(policy.namespace(), target.name());
            String section = target.sectionName() == null ? "" : target.sectionName();
            Found found = target.kind().equals("Gateway")
                    ? gateway(target, section, key, gateways)
                    : route(target, section, key, routes);
            LimitConfig.Target place = new LimitConfig.Target(target.kind(), key.toString(), section);
            Draft.Condition accepted = accepted(found, read, place);
            if (accepted.holds()) {
                targets.add(place);
            }
            found.ancestors().forEach(each -> ancestors.merge(each, accepted, (a, b) -> a.holds() ? b : a));
        }
        if (!targets.isEmpty()) {
            for (LimitConfig each : read.limits()) {
                limits.add(new LimitConfig(
                        each.name(),
                        targets,
                        each.algorithm(),
                        each.requests(),
                        each.perNanos(),
                        each.burst(),
                        each.key(),
                        each.when(),
                        each.shadow()));
            }
        }
        drafts.put(
                policy.key(),
                new Draft.OfRoute(
                        policy.generation(),
                        ancestors.entrySet().stream()
                                .limit(MOST_ANCESTORS)
                                .map(each -> new Draft.AtParent(each.getKey(), List.of(each.getValue())))
                                .toList()));
    }

    private Draft.Condition accepted(Found found, LimitReader.Read read, LimitConfig.Target place) {
        if (found.missing() != null) {
            return Draft.Condition.no("Accepted", "TargetNotFound", found.missing());
        }
        if (read.problem() != null) {
            return Draft.Condition.no("Accepted", "Invalid", read.problem());
        }
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

    /**
     * What became of a target.
     *
     * @param ancestors where it is told: the Gateways, or the target itself when it is not there
     * @param missing why it is not there
     */
    private record Found(
            List<ParentReference> ancestors, @Nullable String missing) {}

    private static Found missing(RateLimitSpec.Target target, Key key, String why) {
        return new Found(
                List.of(new ParentReference(
                        GatewayKinds.GROUP, target.kind(), key.namespace(), key.name(), target.sectionName(), null)),
                why);
    }

    private static Found gateway(
            RateLimitSpec.Target target, String section, Key key, Map<Key, GatewayState> gateways) {
        GatewayState state = gateways.get(key);
        if (state == null) {
            return missing(target, key, "there is no Gateway " + key.name() + " of this controller in the namespace");
        }
        if (!section.isEmpty()
                && state.own.stream().noneMatch(each -> each.spec.name().equals(section))) {
            return missing(target, key, "Gateway " + key.name() + " has no listener " + section);
        }
        return new Found(
                List.of(new ParentReference(
                        GatewayKinds.GROUP, "Gateway", key.namespace(), key.name(), target.sectionName(), null)),
                null);
    }

    private Found route(
            RateLimitSpec.Target target,
            String section,
            Key key,
            Function<Translation.ObjectId, @Nullable RouteView> routes) {
        Translation.ObjectId id = new Translation.ObjectId(target.kind(), key);
        RouteView view = routes.apply(id);
        String name = target.kind() + " " + key.name();
        if (view == null) {
            return missing(target, key, "there is no " + name + " in the namespace");
        }
        if (!section.isEmpty()
                && view.rules().stream().noneMatch(each -> each.name().equals(section))) {
            return missing(target, key, name + " has no rule " + section);
        }
        Set<String> gateways = gatewaysByRoute.getOrDefault(id, Set.of());
        if (gateways.isEmpty()) {
            return missing(target, key, name + " is attached to no Gateway of this controller");
        }
        List<ParentReference> ancestors = new ArrayList<>();
        for (String gateway : gateways) {
            int slash = gateway.indexOf('/');
            ancestors.add(new ParentReference(
                    GatewayKinds.GROUP,
                    "Gateway",
                    gateway.substring(0, slash),
                    gateway.substring(slash + 1),
                    null,
                    null));
        }
        return new Found(ancestors, null);
    }
}
