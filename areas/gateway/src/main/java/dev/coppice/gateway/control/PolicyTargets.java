package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.kind.ParentReference;
import dev.coppice.gateway.kind.TrafficTargetReference;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Looks up what policies are attached to directly, and where it is told what became of them. Not safe for use by many threads. */
final class PolicyTargets {
    /** That the status of a policy holds, as the Gateway API bounds it. */
    static final int MOST_ANCESTORS = 16;

    private static final Comparator<Key> BY_NAME =
            Comparator.comparing(Key::namespace).thenComparing(Key::name);

    /**
     * What became of a target.
     *
     * @param ancestors where it is told: the Gateways and Services, or the target itself when it is not there
     * @param missing why it is not there; null when it is
     */
    record Found(
            TrafficTarget place,
            List<ParentReference> ancestors,
            @Nullable String missing) {
        /** That it is not there; null when it is. */
        Draft.@Nullable Condition refusal() {
            return missing == null ? null : Draft.Condition.no("Accepted", "TargetNotFound", missing);
        }
    }

    /** What is said of one policy, at each of its ancestors. */
    static final class Ancestors {
        private final Map<ParentReference, Draft.Condition> accepted = new LinkedHashMap<>();

        /** At an ancestor of several targets a refusal goes before what is good. */
        void add(Found found, Draft.Condition condition) {
            found.ancestors.forEach(each -> accepted.merge(each, condition, (a, b) -> a.holds() ? b : a));
        }

        /** @param further conditions that are the same at all of them */
        Draft draft(long generation, Draft.Condition... further) {
            return new Draft.OfRoute(
                    generation,
                    accepted.entrySet().stream()
                            .limit(MOST_ANCESTORS)
                            .map(each -> {
                                List<Draft.Condition> all = new ArrayList<>();
                                all.add(each.getValue());
                                all.addAll(List.of(further));
                                return new Draft.AtParent(each.getKey(), List.copyOf(all));
                            })
                            .toList());
        }
    }

    private final boolean wanted;
    private final Map<Translation.ObjectId, Set<Key>> gatewaysByRoute = new HashMap<>();
    private final Map<Translation.ObjectId, Set<Key>> servicesByRoute = new HashMap<>();
    private Map<Key, GatewayState> gateways = Map.of();
    private Function<Translation.ObjectId, @Nullable RouteView> routes = _ -> null;

    /** @param wanted whether there is any policy that will ask */
    PolicyTargets(boolean wanted) {
        this.wanted = wanted;
    }

    /** A route is attached to a Gateway. */
    void attached(Translation.ObjectId route, Key gateway) {
        if (wanted) {
            gatewaysByRoute.computeIfAbsent(route, _ -> new TreeSet<>(BY_NAME)).add(gateway);
        }
    }

    /** A route is bound to a Service. */
    void attachedToService(Translation.ObjectId route, Key service) {
        if (wanted) {
            servicesByRoute.computeIfAbsent(route, _ -> new TreeSet<>(BY_NAME)).add(service);
        }
    }

    /** All routes were attached. */
    void complete(Map<Key, GatewayState> all, Function<Translation.ObjectId, @Nullable RouteView> views) {
        gateways = all;
        routes = views;
    }

    /** What a policy of a namespace is for. */
    static TrafficTarget place(String namespace, TrafficTargetReference target) {
        return new TrafficTarget(target.kind(), new Key(namespace, target.name()).toString(), target.sectionOrAll());
    }

    Found find(String namespace, TrafficTargetReference target) {
        Key key = new Key(namespace, target.name());
        TrafficTarget place = place(namespace, target);
        return target.kind().equals("Gateway") ? gateway(target, place, key) : route(target, place, key);
    }

    private static Found missing(TrafficTargetReference target, TrafficTarget place, Key key, String why) {
        return new Found(place, List.of(ancestor(target.kind(), key, target.sectionName())), why);
    }

    private static ParentReference ancestor(String kind, Key key, @Nullable String section) {
        return new ParentReference(GatewayKinds.GROUP, kind, key.namespace(), key.name(), section, null);
    }

    /** A Gateway as an ancestor. */
    static ParentReference gateway(Key key) {
        return ancestor("Gateway", key, null);
    }

    /** A Service as an ancestor. */
    static ParentReference service(Key key) {
        return new ParentReference("", "Service", key.namespace(), key.name(), null, null);
    }

    private Found gateway(TrafficTargetReference target, TrafficTarget place, Key key) {
        GatewayState state = gateways.get(key);
        if (state == null) {
            return missing(
                    target, place, key, "there is no Gateway " + key.name() + " of this controller in the namespace");
        }
        if (!place.section().isEmpty()
                && state.own.stream().noneMatch(each -> each.spec.name().equals(place.section()))) {
            return missing(target, place, key, "Gateway " + key.name() + " has no listener " + place.section());
        }
        return new Found(place, List.of(ancestor("Gateway", key, target.sectionName())), null);
    }

    private Found route(TrafficTargetReference target, TrafficTarget place, Key key) {
        Translation.ObjectId id = new Translation.ObjectId(target.kind(), key);
        RouteView view = routes.apply(id);
        String name = target.kind() + " " + key.name();
        if (view == null) {
            return missing(target, place, key, "there is no " + name + " in the namespace");
        }
        if (!place.section().isEmpty()
                && view.rules().stream().noneMatch(each -> each.name().equals(place.section()))) {
            return missing(target, place, key, name + " has no rule " + place.section());
        }
        List<ParentReference> attachedTo = new ArrayList<>();
        gatewaysByRoute.getOrDefault(id, Set.of()).forEach(each -> attachedTo.add(gateway(each)));
        servicesByRoute.getOrDefault(id, Set.of()).forEach(each -> attachedTo.add(service(each)));
        if (attachedTo.isEmpty()) {
            return missing(target, place, key, name + " is attached to no Gateway or Service of this controller");
        }
        return new Found(place, List.copyOf(attachedTo), null);
    }
}
