package dev.coppice.gateway.control;

import dev.coppice.gateway.kind.AllowedRoutes.RouteKind;
import dev.coppice.gateway.kind.ParentReference;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is to be said in the status of an object, without times. Immutable; equal drafts say the same. */
public sealed interface Draft {

    /** The generation of the object that was looked at. */
    long generation();

    /**
     * A condition.
     *
     * @param known whether it is known already if it holds
     */
    record Condition(String type, boolean known, boolean holds, String reason, String message) {
        Condition(String type, boolean holds, String reason, String message) {
            this(type, true, holds, reason, message);
        }

        static Condition yes(String type, String reason) {
            return new Condition(type, true, reason, "");
        }

        static Condition no(String type, String reason, String message) {
            return new Condition(type, false, reason, message);
        }

        static Condition unknown(String type, String reason, String message) {
            return new Condition(type, false, false, reason, message);
        }

        /** As it stands in a status. */
        String status() {
            return !known ? "Unknown" : holds ? "True" : "False";
        }
    }

    /** Of a GatewayClass. */
    record OfClass(long generation, List<Condition> conditions, List<String> features) implements Draft {}

    /** Of a filter. */
    record OfFilter(long generation, List<Condition> conditions) implements Draft {}

    /** Of a listener. */
    record OfListener(String name, List<RouteKind> kinds, int routes, List<Condition> conditions) {}

    /**
     * Of a Gateway or ListenerSet.
     *
     * @param addresses null for a ListenerSet
     * @param sets null for a ListenerSet
     */
    record OfGateway(
            long generation,
            List<Condition> conditions,
            List<OfListener> listeners,
            @Nullable List<String> addresses,
            @Nullable Integer sets)
            implements Draft {}

    /** Of a route at a parent, or of a policy at an ancestor. */
    record AtParent(ParentReference parent, List<Condition> conditions) {
        /** With another condition in place of that of its type. */
        AtParent with(Condition other) {
            return new AtParent(
                    parent,
                    conditions.stream()
                            .map(each -> each.type().equals(other.type()) ? other : each)
                            .toList());
        }
    }

    /** Of a route or policy. */
    record OfRoute(long generation, List<AtParent> parents) implements Draft {}
}
