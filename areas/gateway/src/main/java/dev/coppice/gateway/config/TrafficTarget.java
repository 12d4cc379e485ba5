package dev.coppice.gateway.config;

import java.util.ArrayList;
import java.util.List;

/**
 * Whose requests a policy is for. Immutable.
 *
 * @param kind {@code Gateway}, or a kind of routes
 * @param name {@code NAMESPACE/NAME}
 * @param section a listener of the Gateway, or a rule of the route; empty for all
 */
public record TrafficTarget(String kind, String name, String section) {

    /** The targets that have all requests of a listener, the widest first: the Gateway, and the listener. */
    public static List<TrafficTarget> of(ListenerConfig listener) {
        return List.of(
                new TrafficTarget("Gateway", listener.gateway(), ""),
                new TrafficTarget("Gateway", listener.gateway(), listener.name()));
    }

    /** All targets that have a request of a rule, the widest first: the Gateway, its listener, the route, the rule. */
    public static List<TrafficTarget> of(ListenerConfig listener, RouteConfig route, RuleConfig rule) {
        String routeName = route.namespace() + "/" + route.name();
        List<TrafficTarget> all = new ArrayList<>(of(listener));
        all.add(new TrafficTarget(route.kind(), routeName, ""));
        if (!rule.name().isEmpty()) {
            all.add(new TrafficTarget(route.kind(), routeName, rule.name()));
        }
        return all;
    }
}
