package dev.coppice.gateway.config;

import java.util.List;

/**
 * Whose requests a policy is for. Immutable.
 *
 * @param kind {@code Gateway}, or a kind of routes
 * @param name {@code NAMESPACE/NAME}
 * @param section a listener of the Gateway, or a rule of the route; empty for all
 */
public record TrafficTarget(String kind, String name, String section) {

    /** All targets that have a request of a rule, the widest first: the Gateway, its listener, the route, the rule. */
    public static List<TrafficTarget> of(ListenerConfig listener, RouteConfig route, RuleConfig rule) {
        String routeName = route.namespace() + "/" + route.name();
        TrafficTarget gateway = new TrafficTarget("Gateway", listener.gateway(), "");
        TrafficTarget ofListener = new TrafficTarget("Gateway", listener.gateway(), listener.name());
        TrafficTarget ofRoute = new TrafficTarget(route.kind(), routeName, "");
        return rule.name().isEmpty()
                ? List.of(gateway, ofListener, ofRoute)
                : List.of(gateway, ofListener, ofRoute, new TrafficTarget(route.kind(), routeName, rule.name()));
    }
}
