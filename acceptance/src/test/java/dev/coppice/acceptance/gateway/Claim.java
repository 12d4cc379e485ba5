package dev.coppice.acceptance.gateway;

import java.util.List;
import java.util.Map;

/** Something that must hold of objects once a test's manifest is applied. Objects are named {@code NAMESPACE/NAME}. */
public sealed interface Claim {

    /** A claim with the step of the test that makes it (empty for none) and its text. */
    record Told(Claim claim, String step, String text) {}

    /** A condition; an empty reason stands for any. */
    record Condition(String type, String status, String reason) {
        @Override
        public String toString() {
            return type + "=" + status + (reason.isEmpty() ? "" : " (reason " + reason + ")");
        }
    }

    /**
     * A Gateway that has an address.
     *
     * @param listeners those that the test uses; empty for any
     * @param accepted whether it must be accepted, too
     * @param routes that must be accepted by it
     */
    record GatewayServes(
            String gateway, List<String> listeners, boolean accepted, String routeKind, List<String> routes)
            implements Claim {
        public GatewayServes {
            listeners = List.copyOf(listeners);
            routes = List.copyOf(routes);
        }
    }

    /** A parent other than a Gateway that is accepted and accepts routes. */
    record ParentServes(String parent, List<String> routes) implements Claim {
        public ParentServes {
            routes = List.copyOf(routes);
        }
    }

    /** A condition of routes for a parent. */
    record RouteCondition(String kind, List<String> routes, String parent, Condition condition) implements Claim {
        public RouteCondition {
            routes = List.copyOf(routes);
        }
    }

    /** A route that nobody accepts. */
    record NoParentAccepted(String kind, String route) implements Claim {}

    /** How many routes the listeners of a Gateway have, together. */
    record AttachedRoutes(String gateway, int count) implements Claim {}

    /** How many ListenerSets a Gateway has. */
    record AttachedListenerSets(String gateway, int count) implements Claim {}

    /** The only parent in a route's status. An empty name stands for whichever it is. */
    record OnlyParent(String kind, String route, String parent, List<Condition> conditions) implements Claim {
        public OnlyParent {
            conditions = List.copyOf(conditions);
        }
    }

    /**
     * A listener in a status.
     *
     * @param attachedRoutes -1 for any number
     * @param supportedKinds null for any
     */
    record ListenerStatus(
            String name,
            int attachedRoutes,
            @org.jspecify.annotations.Nullable List<String> supportedKinds,
            List<Condition> conditions) {
        public ListenerStatus {
            supportedKinds = supportedKinds == null ? null : List.copyOf(supportedKinds);
            conditions = List.copyOf(conditions);
        }
    }

    /** Listeners in the status of a Gateway or ListenerSet; whether there may be no others. */
    record Listeners(String kind, String object, boolean exactly, List<ListenerStatus> listeners) implements Claim {
        public Listeners {
            listeners = List.copyOf(listeners);
        }
    }

    /** All conditions are of the object's generation. */
    record LatestConditions(String kind, String object) implements Claim {}

    /** A condition of an object. An empty status stands for any. */
    record ObjectCondition(String kind, String object, Condition condition) implements Claim {}

    /** A condition of a policy for an ancestor. */
    record AncestorCondition(String kind, String policy, String ancestor, Condition condition) implements Claim {}

    /**
     * How requests are spread over backends.
     *
     * @param weights share of each backend, 1 together
     * @param tolerance greatest distance from the share
     */
    record Distribution(int requests, Map<String, Double> weights, double tolerance, int attempts) implements Claim {
        public Distribution {
            weights = Map.copyOf(weights);
        }
    }

    /** A TLS handshake with the host name of the route fails. */
    record HandshakeRefused() implements Claim {}

    /** Says only that the requests of its step are made; the table has them. */
    record Announcement() implements Claim {}

    /** The test changes or examines something that the data do not say mechanically. */
    record Unmechanical() implements Claim {}

    /** Text that no rule of the parser knows. */
    record NotUnderstood() implements Claim {}
}
