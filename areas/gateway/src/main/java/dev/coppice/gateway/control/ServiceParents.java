package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.gateway.DataPlane.Binding;
import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.ClientNamespace;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.kind.ParentReference;
import dev.coppice.gateway.mesh.AddressRange;
import dev.coppice.gateway.mesh.ServiceAddresses;
import dev.coppice.gateway.mesh.ServicePort;
import dev.coppice.gateway.mesh.ServicePort.Speaks;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Services as parents of routes (GEP-1294): each port of a Service that has an address is a listener there. Routes of the Service's own namespace
 * (producer routes) are for all clients, those of another one (consumer routes) for the clients in that namespace, who have them instead. A port
 * without routes leads to the Service's own endpoints. Not safe for use by many threads.
 */
final class ServiceParents {
    /** Each port takes a socket. */
    static final int MOST_PORTS = 10_000;
    /** Of clients that are told apart. */
    private static final int MOST_CLIENTS = 100_000;

    /** Of routes of several kinds at one port, the first in this order count (GEP-1294). */
    static final List<String> KINDS = List.of("GRPCRoute", "HTTPRoute", "TLSRoute", "TCPRoute", "UDPRoute");

    /** What clients send in streams goes as it comes, TLS, too. */
    private static final Egress AS_IT_COMES = new Egress(true, null);

    private static final ServiceAddresses.Refused TOO_MANY = new ServiceAddresses.Refused(
            "TooManyPorts", "older Services have the " + MOST_PORTS + " ports that a gateway serves at most");

    /** The routes of one kind that clients of a port have. */
    private record Bound(String kind, List<RouteConfig> routes) {}

    /** @param bound by the namespace of the consumers; those of producers are at the empty one */
    private record Port(ServicePort port, Map<String, Bound> bound) {}

    /** @param unfit why it cannot be a parent; null when it can */
    private record State(Key key, ObjectNode service, List<Port> ports, References.@Nullable Problem unfit) {
        String uid() {
            return service.path("metadata").path("uid").asText("");
        }
    }

    private final ServiceAddresses addresses;
    private final Map<Key, State> services = new LinkedHashMap<>();
    private final Map<Key, ServiceAddresses.Outcome> outcomes = new HashMap<>();

    ServiceParents(AddressRange range) {
        this.addresses = new ServiceAddresses(range);
    }

    /** Begins anew, with the Services as they are now. */
    void begin(ClusterView cluster) {
        services.clear();
        outcomes.clear();
        cluster.services().stream()
                .sorted(Comparator.comparing(ServiceParents::created)
                        .thenComparing(each -> key(each).toString()))
                .forEach(each -> services.put(key(each), state(each)));
        List<State> fit =
                services.values().stream().filter(each -> each.unfit() == null).toList();
        Map<String, ServiceAddresses.Outcome> byUid = addresses.assign(fit.stream()
                .map(each -> new ServiceAddresses.Wanting(
                        each.uid(),
                        each.key().toString(),
                        each.service().path("spec").path("clusterIP").asText("")))
                .toList());
        int ports = 0;
        for (State each : fit) {
            ServiceAddresses.Outcome outcome = Objects.requireNonNull(byUid.get(each.uid()));
            int more = outcome instanceof ServiceAddresses.Refused
                    ? 0
                    : each.ports().size();
            boolean room = ports + more <= MOST_PORTS;
            ports += room ? more : 0;
            outcomes.put(each.key(), room ? outcome : TOO_MANY);
        }
    }

    private static String created(ObjectNode service) {
        return service.path("metadata").path("creationTimestamp").asText("");
    }

    private static Key key(ObjectNode service) {
        JsonNode metadata = service.path("metadata");
        return new Key(
                metadata.path("namespace").asText(""), metadata.path("name").asText(""));
    }

    /** The Service that a listener is of. */
    static Key key(ListenerConfig listener) {
        return new Key(listener.serviceNamespace(), listener.serviceName());
    }

    private static State state(ObjectNode service) {
        List<Port> ports = new ArrayList<>();
        service.path("spec").path("ports").forEach(each -> ports.add(new Port(ServicePort.of(each), new TreeMap<>())));
        return new State(key(service), service, ports, unfit(service));
    }

    private static References.@Nullable Problem unfit(ObjectNode service) {
        JsonNode spec = service.path("spec");
        if (spec.path("type").asText("").equals("ExternalName")) {
            return new References.Problem("UnsupportedValue", "it is of type ExternalName, which has no address");
        }
        if (spec.path("clusterIP").asText("").equals("None")) {
            return new References.Problem("UnsupportedValue", "it is headless (clusterIP: None), and has no address");
        }
        for (JsonNode owner : service.path("metadata").path("ownerReferences")) {
            if (owner.path("kind").asText("").equals("Gateway")
                    && owner.path("apiVersion").asText("").startsWith(GatewayKinds.GROUP + "/")) {
                return new References.Problem(
                        "UnsupportedValue", "it stands for a Gateway; name that as the parent of the route");
            }
        }
        return null;
    }

    /** What becomes of the addresses of Services, by key; those that need none are left out. */
    Map<Key, ServiceAddresses.Outcome> outcomes() {
        return Map.copyOf(outcomes);
    }

    /** The Service that a reference of a route names, be it there or not; null: it names something else. */
    static @Nullable Key named(String namespace, ParentReference reference) {
        return reference.groupOrDefault().isEmpty() && reference.kindOrDefault().equals("Service")
                ? new Key(reference.namespace() == null ? namespace : reference.namespace(), reference.name())
                : null;
    }

    /** Binds a route to the ports of a Service that it is for; why to none, if so. Routes whose kind goes first come first. */
    References.@Nullable Problem bind(
            RouteView view, ParentReference reference, Key service, RouteResolution resolution, Backends backends) {
        if (resolution.refused != null) {
            return resolution.refused;
        }
        State state = services.get(service);
        String what = "Service " + service;
        if (state == null) {
            return new References.Problem("NoMatchingParent", what + " does not exist");
        }
        if (state.unfit() != null) {
            return new References.Problem(
                    state.unfit().reason(),
                    what + " cannot be the parent of a route: " + state.unfit().message());
        }
        if (outcomes.get(service) instanceof ServiceAddresses.Refused refused) {
            return new References.Problem("Pending", what + " is not served: " + refused.message());
        }
        List<Port> chosen = state.ports().stream()
                .filter(each -> chosen(reference, each.port()))
                .toList();
        if (chosen.isEmpty()) {
            return new References.Problem("NoMatchingParent", what + " has no such port; it has " + ports(state));
        }
        List<Port> fitting = chosen.stream()
                .filter(each -> fits(view.kind(), each.port().speaks()))
                .toList();
        if (fitting.isEmpty()) {
            return new References.Problem("NoMatchingParent", unfitting(view.kind(), what));
        }
        String consumers = view.namespace().equals(service.namespace()) ? "" : view.namespace();
        boolean any = false;
        for (Port port : fitting) {
            Bound bound = port.bound().computeIfAbsent(consumers, _ -> new Bound(view.kind(), new ArrayList<>()));
            if (bound.kind().equals(view.kind())) {
                Egress egress = egress(port.port());
                RouteConfig config = resolution.config(List.of(), egress);
                // Several references may choose one port; the route is there once.
                if (bound.routes().stream().noneMatch(each -> each == config)) {
                    resolution.want(backends, egress);
                    bound.routes().add(config);
                }
                any = true;
            }
        }
        return any
                ? null
                : new References.Problem(
                        "Conflicted", "a GRPCRoute is bound to the same port; of both kinds, GRPCRoutes go first");
    }

    private static boolean chosen(ParentReference reference, ServicePort port) {
        String section = reference.sectionName();
        return (section == null || section.isEmpty() || section.equals(port.name()))
                && (reference.port() == null || reference.port() == port.number());
    }

    private static String ports(State state) {
        return state.ports().isEmpty()
                ? "none"
                : state.ports().stream()
                        .map(each -> each.port().number()
                                + (each.port().name().isEmpty()
                                        ? ""
                                        : " (" + each.port().name() + ")"))
                        .collect(Collectors.joining(", "));
    }

    private static boolean fits(String kind, Speaks speaks) {
        return switch (kind) {
            case "HTTPRoute", "GRPCRoute" -> speaks.requests();
            case "TCPRoute" -> speaks == Speaks.STREAMS;
            case "UDPRoute" -> speaks == Speaks.DATAGRAMS;
            default -> false;
        };
    }

    /** Whether routes of a kind are about streams or datagrams; else about requests. */
    static boolean streams(String kind) {
        return !kind.equals("HTTPRoute") && !kind.equals("GRPCRoute");
    }

    private static String unfitting(String kind, String what) {
        return switch (kind) {
            case "HTTPRoute", "GRPCRoute" ->
                what + " does not say that its clients speak HTTP there; give the port appProtocol: http, or"
                        + " kubernetes.io/h2c, or a name such as http";
            case "TCPRoute" -> what + " has only ports for HTTP or UDP there, which TCPRoutes are not for";
            case "UDPRoute" -> what + " has only ports of TCP there";
            default -> kind + "s have Gateways as parents, and no Services";
        };
    }

    private static Egress egress(ServicePort port) {
        return port.speaks().requests() ? Egress.DIRECT : AS_IT_COMES;
    }

    /** Leads from a port of a Service to the Service's own endpoints. */
    interface Endpoints {
        /** The name of the upstream, which is wanted from now on; null: there is none. */
        @Nullable
        String of(String kind, Key service, int port, Egress egress);
    }

    /** All ports that are served; those of older Services first. */
    List<ListenerConfig> listeners(Endpoints endpoints) {
        List<ListenerConfig> all = new ArrayList<>();
        Set<Binding> bindings = new HashSet<>();
        for (State state : services.values()) {
            if (!(outcomes.get(state.key()) instanceof ServiceAddresses.Has has)) {
                continue;
            }
            for (Port each : state.ports()) {
                listen(state, each, has.address(), endpoints, bindings, all);
            }
        }
        return all;
    }

    private static void listen(
            State state,
            Port port,
            String address,
            Endpoints endpoints,
            Set<Binding> bindings,
            List<ListenerConfig> all) {
        ListenerConfig.Protocol protocol = switch (port.port().speaks()) {
            case HTTP, HTTP2 -> ListenerConfig.Protocol.HTTP;
            case STREAMS -> ListenerConfig.Protocol.TCP;
            case DATAGRAMS -> ListenerConfig.Protocol.UDP;
            case UNKNOWN -> null;
        };
        if (protocol == null
                || !bindings.add(new Binding(address, port.port().number(), protocol == ListenerConfig.Protocol.UDP))) {
            return;
        }
        Map<String, Bound> bound = new TreeMap<>(port.bound());
        bound.computeIfAbsent("", _ -> new Bound("Service", List.of(own(state.key(), port.port(), endpoints))));
        bound.forEach((consumers, each) -> all.add(ListenerConfig.ofService(
                state.key().toString(),
                port.port().listener(),
                address,
                port.port().number(),
                protocol,
                each.routes(),
                consumers)));
    }

    /** What a port without routes does. Its name is none that a route could have. */
    private static RouteConfig own(Key service, ServicePort port, Endpoints endpoints) {
        String kind = switch (port.speaks()) {
            case HTTP -> "HTTPRoute";
            case HTTP2 -> "GRPCRoute";
            case DATAGRAMS -> "UDPRoute";
            case STREAMS, UNKNOWN -> "TCPRoute";
        };
        String upstream = endpoints.of(kind, service, port.number(), egress(port));
        return new RouteConfig(
                "Service",
                service.namespace(),
                service.name() + ":" + port.number(),
                0,
                List.of(),
                List.of(new RuleConfig(
                        List.of(),
                        List.of(),
                        List.of(new BackendConfig(upstream == null ? "" : upstream, 1, List.of())))));
    }

    /** In which namespaces clients are, as far as some route wants to know. */
    List<ClientNamespace> clients(List<ListenerConfig> listeners, ClusterView cluster) {
        Set<String> wanted = listeners.stream()
                .map(ListenerConfig::consumers)
                .filter(each -> !each.isEmpty())
                .collect(Collectors.toSet());
        if (wanted.isEmpty()) {
            return List.of();
        }
        Map<String, String> owners = new HashMap<>();
        for (ObjectNode slice : cluster.slices()) {
            String namespace = slice.path("metadata").path("namespace").asText("");
            for (JsonNode endpoint : slice.path("endpoints")) {
                for (JsonNode address : endpoint.path("addresses")) {
                    if (owners.size() < MOST_CLIENTS) {
                        // Who could be in either is in neither.
                        owners.merge(address.asText(""), namespace, (a, b) -> a.equals(b) ? a : "");
                    }
                }
            }
        }
        Map<String, Set<String>> byNamespace = new TreeMap<>();
        owners.forEach((address, namespace) -> {
            if (wanted.contains(namespace)) {
                byNamespace.computeIfAbsent(namespace, _ -> new TreeSet<>()).add(address);
            }
        });
        return byNamespace.entrySet().stream()
                .map(each -> new ClientNamespace(each.getKey(), List.copyOf(each.getValue())))
                .toList();
    }
}
