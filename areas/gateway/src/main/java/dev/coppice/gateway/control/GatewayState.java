package dev.coppice.gateway.control;

import dev.coppice.control.Resource;
import dev.coppice.gateway.DataPlane.Binding;
import dev.coppice.gateway.config.TlsConfig;
import dev.coppice.gateway.kind.GatewaySpec;
import dev.coppice.gateway.kind.GatewayStatus;
import dev.coppice.gateway.kind.ListenerSetSpec;
import dev.coppice.gateway.kind.ListenerSetStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A Gateway with its ListenerSets while it is looked at, and what its status says. Not safe for use by many threads. */
final class GatewayState {
    /** A ListenerSet of a Gateway. */
    static final class SetState {
        final Resource<ListenerSetSpec, ListenerSetStatus> set;
        final boolean allowed;
        final List<ListenerState> listeners = new ArrayList<>();

        SetState(Resource<ListenerSetSpec, ListenerSetStatus> set, boolean allowed) {
            this.set = set;
            this.allowed = allowed;
        }

        boolean accepted() {
            return allowed && listeners.stream().anyMatch(ListenerState::usable);
        }
    }

    final Resource<GatewaySpec, GatewayStatus> gateway;
    final List<ListenerState> own = new ArrayList<>();
    final List<SetState> sets = new ArrayList<>();
    final List<String> addresses = new ArrayList<>();

    /** Why the Gateway as a whole is not accepted. */
    References.@Nullable Problem refused;

    /** Why it does not have the addresses that it asks for. */
    References.@Nullable Problem unaddressed;

    References.@Nullable Problem unresolved;

    /** What backends are shown that ask for a certificate; null where the Gateway names none. */
    References.@Nullable Looked<TlsConfig.Certificate> shown;

    boolean insecure;

    GatewayState(Resource<GatewaySpec, GatewayStatus> gateway) {
        this.gateway = gateway;
    }

    /** Its own listeners and those of sets that are allowed. */
    List<ListenerState> listeners() {
        List<ListenerState> all = new ArrayList<>(own);
        for (SetState set : sets) {
            if (set.allowed) {
                all.addAll(set.listeners);
            }
        }
        return all;
    }

    /** How what comes in by a listener goes out. */
    Egress egress(ListenerState listener) {
        return new Egress(listener.passes(), shown == null ? null : gateway.key());
    }

    boolean accepted() {
        return refused == null && own.stream().anyMatch(ListenerState::accepted);
    }

    /** Whether the data plane is to serve a listener. */
    boolean serves(ListenerState listener, Capabilities capabilities) {
        return accepted() && listener.usable() && capabilities.protocols().contains(listener.protocol);
    }

    Draft.OfGateway draft(Map<Binding, String> failures, Capabilities capabilities) {
        List<Draft.Condition> conditions = new ArrayList<>();
        conditions.add(acceptance());
        conditions.add(programming(failures, capabilities));
        conditions.add(resolution());
        if (insecure) {
            conditions.add(new Draft.Condition(
                    "InsecureFrontendValidationMode",
                    true,
                    "ConfigurationChanged",
                    "clients without a valid certificate are let in: a mode is AllowInsecureFallback"));
        }
        int attached =
                (int) sets.stream().filter(set -> accepted() && set.accepted()).count();
        return new Draft.OfGateway(
                gateway.generation(),
                conditions,
                drafts(own, failures, capabilities),
                List.copyOf(addresses),
                attached);
    }

    private Draft.Condition acceptance() {
        if (refused != null) {
            return Draft.Condition.no("Accepted", refused.reason(), refused.message());
        }
        List<ListenerState> bad = own.stream().filter(each -> !each.accepted()).toList();
        if (bad.isEmpty()) {
            return Draft.Condition.yes("Accepted", "Accepted");
        }
        return new Draft.Condition("Accepted", accepted(), "ListenersNotValid", notValid(own));
    }

    private static String notValid(List<ListenerState> listeners) {
        return "listeners that are not accepted: "
                + listeners.stream()
                        .filter(each -> !each.usable())
                        .map(each -> each.spec.name())
                        .collect(Collectors.joining(", "))
                + "; accepted: "
                + listeners.stream()
                        .filter(ListenerState::usable)
                        .map(each -> each.spec.name())
                        .collect(Collectors.joining(", "));
    }

    private Draft.Condition programming(Map<Binding, String> failures, Capabilities capabilities) {
        if (!accepted()) {
            return Draft.Condition.no("Programmed", "Invalid", "the Gateway is not accepted");
        }
        if (unaddressed != null) {
            return Draft.Condition.no("Programmed", unaddressed.reason(), unaddressed.message());
        }
        boolean any = false;
        boolean waits = false;
        for (ListenerState listener : listeners()) {
            boolean served = serves(listener, capabilities);
            any |= served;
            waits |= listener.usable() && !served;
            String failure = served ? failure(listener, failures) : null;
            if (failure != null) {
                return Draft.Condition.no("Programmed", "AddressNotUsable", failure);
            }
        }
        if (any) {
            return Draft.Condition.yes("Programmed", "Programmed");
        }
        return waits
                ? Draft.Condition.no("Programmed", "Pending", "valid; this version does not serve its protocols yet")
                : Draft.Condition.no("Programmed", "Invalid", "no listener can be served");
    }

    private Draft.Condition resolution() {
        if (unresolved != null) {
            return Draft.Condition.no("ResolvedRefs", unresolved.reason(), unresolved.message());
        }
        List<String> bad = own.stream()
                .filter(each -> each.unresolved != null)
                .map(each -> each.spec.name())
                .toList();
        return bad.isEmpty()
                ? Draft.Condition.yes("ResolvedRefs", "ResolvedRefs")
                : Draft.Condition.no(
                        "ResolvedRefs",
                        "ListenersNotResolved",
                        "references of these listeners lead nowhere: " + String.join(", ", bad));
    }

    private @Nullable String failure(ListenerState listener, Map<Binding, String> failures) {
        for (String address : addresses) {
            String failure = failures.get(new Binding(address, listener.port, listener.protocol.equals("UDP")));
            if (failure != null) {
                return "port " + listener.port + " of " + address + " cannot be opened: " + failure;
            }
        }
        return null;
    }

    private List<Draft.OfListener> drafts(
            List<ListenerState> listeners, Map<Binding, String> failures, Capabilities capabilities) {
        List<Draft.OfListener> all = new ArrayList<>();
        for (ListenerState each : listeners) {
            List<Draft.Condition> conditions = new ArrayList<>();
            References.@Nullable Problem no = each.refused;
            conditions.add(
                    no == null
                            ? Draft.Condition.yes("Accepted", "Accepted")
                            : Draft.Condition.no("Accepted", no.reason(), no.message()));
            conditions.add(programming(each, failures, capabilities));
            References.@Nullable Problem lost = each.unresolved;
            conditions.add(
                    lost == null
                            ? Draft.Condition.yes("ResolvedRefs", "ResolvedRefs")
                            : Draft.Condition.no("ResolvedRefs", lost.reason(), lost.message()));
            conditions.add(
                    each.conflict == null
                            ? new Draft.Condition("Conflicted", false, "NoConflicts", "")
                            : new Draft.Condition("Conflicted", true, each.conflict, no == null ? "" : no.message()));
            if (each.overlaps) {
                conditions.add(new Draft.Condition(
                        "OverlappingTLSConfig",
                        true,
                        "OverlappingHostnames",
                        "host names of other listeners with TLS on port " + each.port + " overlap with its own"));
            }
            all.add(new Draft.OfListener(each.spec.name(), List.copyOf(each.kinds), each.attached, conditions));
        }
        return all;
    }

    private Draft.Condition programming(
            ListenerState listener, Map<Binding, String> failures, Capabilities capabilities) {
        if (listener.conflict != null && listener.refused != null) {
            return Draft.Condition.no("Programmed", listener.conflict, listener.refused.message());
        }
        if (!listener.usable()) {
            References.@Nullable Problem why = listener.refused == null ? listener.unresolved : listener.refused;
            return Draft.Condition.no("Programmed", "Invalid", why == null ? "it is not valid" : why.message());
        }
        if (!accepted()) {
            return Draft.Condition.no("Programmed", "Invalid", "the Gateway is not accepted");
        }
        if (addresses.isEmpty()) {
            return Draft.Condition.no(
                    "Programmed", "Pending", unaddressed == null ? "it has no address" : unaddressed.message());
        }
        if (!serves(listener, capabilities)) {
            return Draft.Condition.no(
                    "Programmed",
                    "Pending",
                    "valid; this version does not serve the protocol " + listener.protocol + " yet");
        }
        String failure = failure(listener, failures);
        return failure == null
                ? Draft.Condition.yes("Programmed", "Programmed")
                : Draft.Condition.no("Programmed", "Invalid", failure);
    }

    /** What the status of one of its sets says. */
    Draft.OfGateway draft(SetState set, Map<Binding, String> failures, Capabilities capabilities) {
        List<Draft.Condition> conditions = new ArrayList<>();
        long generation = set.set.generation();
        if (!set.allowed) {
            String why = "Gateway " + gateway.key() + " does not allow it; see its spec.allowedListeners";
            conditions.add(Draft.Condition.no("Accepted", "NotAllowed", why));
            conditions.add(Draft.Condition.no("Programmed", "NotAllowed", why));
            return new Draft.OfGateway(generation, conditions, List.of(), null, null);
        }
        List<Draft.OfListener> listeners = drafts(set.listeners, failures, capabilities);
        if (!accepted()) {
            String why = "Gateway " + gateway.key() + " is not accepted";
            conditions.add(Draft.Condition.no("Accepted", "ParentNotAccepted", why));
            conditions.add(Draft.Condition.no("Programmed", "ParentNotProgrammed", why));
        } else if (!set.accepted()) {
            conditions.add(Draft.Condition.no("Accepted", "ListenersNotValid", notValid(set.listeners)));
            conditions.add(Draft.Condition.no("Programmed", "ListenersNotValid", notValid(set.listeners)));
        } else {
            boolean all = set.listeners.stream().allMatch(ListenerState::usable);
            conditions.add(
                    all
                            ? Draft.Condition.yes("Accepted", "Accepted")
                            : new Draft.Condition("Accepted", true, "ListenersNotValid", notValid(set.listeners)));
            conditions.add(summary(listeners));
        }
        return new Draft.OfGateway(generation, conditions, listeners, null, null);
    }

    private static Draft.Condition summary(List<Draft.OfListener> listeners) {
        Draft.@Nullable Condition pending = null;
        for (Draft.OfListener listener : listeners) {
            for (Draft.Condition condition : listener.conditions()) {
                if (condition.type().equals("Programmed")) {
                    if (condition.holds()) {
                        return Draft.Condition.yes("Programmed", "Programmed");
                    }
                    if (pending == null || condition.reason().equals("Pending")) {
                        pending = condition;
                    }
                }
            }
        }
        return pending == null ? Draft.Condition.no("Programmed", "Invalid", "it has no listener") : pending;
    }
}
