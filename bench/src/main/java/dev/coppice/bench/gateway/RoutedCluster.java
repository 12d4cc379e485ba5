package dev.coppice.bench.gateway;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.control.Kind;
import dev.coppice.control.Resource;
import dev.coppice.control.runtime.ExtensionHost;
import dev.coppice.control.runtime.RecordInformer;
import dev.coppice.gateway.control.ClusterView;
import dev.coppice.gateway.control.Snapshot;
import dev.coppice.gateway.control.Translation;
import dev.coppice.gateway.kind.GatewayClassSpec;
import dev.coppice.gateway.kind.GatewayClassStatus;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.kind.GatewaySpec;
import dev.coppice.gateway.kind.GatewayStatus;
import dev.coppice.gateway.kind.HttpRouteSpec;
import dev.coppice.gateway.kind.RouteStatus;
import dev.coppice.schema.Schema;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A Gateway with an HTTP listener, many HTTPRoutes at it, each of its own host name, and the Services with two endpoints each that
 * they send to in turns. In memory, in namespace {@code default}, as informers would have them. Not safe for use by many threads.
 */
final class RoutedCluster implements ClusterView {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String NAMESPACE = "default";

    private final Schema routeSchema = schema(GatewayKinds.HTTP_ROUTE);
    private final Map<Key, ObjectNode> services = new HashMap<>();
    private final Map<Key, List<ObjectNode>> slices = new HashMap<>();
    private final Resource<GatewayClassSpec, GatewayClassStatus> gatewayClass;
    private final Resource<GatewaySpec, GatewayStatus> gateway;
    private final List<Resource<HttpRouteSpec, RouteStatus>> routes = new ArrayList<>();

    RoutedCluster(int routes, int services) {
        for (int i = 0; i < services; i++) {
            service(i);
        }
        gatewayClass = read(
                GatewayKinds.GATEWAY_CLASS, schema(GatewayKinds.GATEWAY_CLASS), """
                {"metadata": {"name": "coppice", "uid": "class", "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"},
                 "spec": {"controllerName": "%s"}}
                """.formatted(Translation.CONTROLLER));
        gateway = read(GatewayKinds.GATEWAY, schema(GatewayKinds.GATEWAY), """
                {"metadata": {"name": "gate", "namespace": "default", "uid": "gate", "generation": 1,
                              "creationTimestamp": "2026-01-01T00:00:00Z"},
                 "spec": {"gatewayClassName": "coppice", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]}}
                """);
        for (int i = 0; i < routes; i++) {
            this.routes.add(route(i, 1));
        }
    }

    private void service(int i) {
        Key key = new Key(NAMESPACE, "web" + i);
        services.put(key, parse("""
                {"metadata": {"name": "web%1$d", "namespace": "default", "uid": "web%1$d", "generation": 1},
                 "spec": {"ports": [{"name": "http", "port": 80}]}}
                """.formatted(i)));
        slices.put(key, List.of(parse("""
                {"metadata": {"name": "web%1$d-1", "namespace": "default", "uid": "web%1$d-1", "generation": 1,
                              "labels": {"kubernetes.io/service-name": "web%1$d"}},
                 "addressType": "IPv4",
                 "ports": [{"name": "http", "port": 3000, "protocol": "TCP"}],
                 "endpoints": [{"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"]}]}
                """.formatted(i))));
    }

    /** A generation of a route; each sends to the Service after that of the generation before. */
    private Resource<HttpRouteSpec, RouteStatus> route(int i, int generation) {
        return read(GatewayKinds.HTTP_ROUTE, routeSchema, """
                {"metadata": {"name": "r%1$d", "namespace": "default", "uid": "r%1$d", "generation": %2$d,
                              "creationTimestamp": "2026-01-01T00:00:00Z"},
                 "spec": {"parentRefs": [{"name": "gate"}], "hostnames": ["h%1$d.example.org"],
                          "rules": [{"matches": [{"path": {"value": "/a%1$d"}}],
                                     "backendRefs": [{"name": "web%3$d", "port": 80}]}]}}
                """.formatted(
                        i, generation, (i + generation - 1) % services.size()));
    }

    /** Changes the backend of a route: an informer has another object for it from then on. */
    void change(int i) {
        routes.set(i, route(i, Math.toIntExact(routes.get(i).generation()) + 1));
    }

    Snapshot snapshot() {
        return new Snapshot(
                List.of(gatewayClass),
                List.of(gateway),
                List.of(),
                List.copyOf(routes),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of(),
                this);
    }

    @Override
    public Optional<ObjectNode> service(Key key) {
        return Optional.ofNullable(services.get(key));
    }

    @Override
    public List<ObjectNode> services() {
        return List.copyOf(services.values());
    }

    @Override
    public List<ObjectNode> slices() {
        return slices.values().stream().flatMap(List::stream).toList();
    }

    @Override
    public List<ObjectNode> slices(Key service) {
        return slices.getOrDefault(service, List.of());
    }

    @Override
    public Optional<List<String>> addresses(String externalName) {
        return Optional.empty();
    }

    @Override
    public String healthState(Key key) {
        return "";
    }

    @Override
    public Optional<Map<String, String>> namespace(String name) {
        return name.equals(NAMESPACE) ? Optional.of(Map.of()) : Optional.empty();
    }

    @Override
    public Optional<ObjectNode> secret(Key key) {
        return Optional.empty();
    }

    @Override
    public Optional<ObjectNode> configMap(Key key) {
        return Optional.empty();
    }

    private static Schema schema(Kind<?, ?> kind) {
        return Schema.ofResource(ExtensionHost.definition(kind).at("/spec/versions/0/schema/openAPIV3Schema"));
    }

    /** With the defaults that the resource API sets. */
    private static <S extends Record, T extends Record> Resource<S, T> read(
            Kind<S, T> kind, Schema schema, String json) {
        ObjectNode object = parse(json);
        schema.applyDefaults(object);
        return RecordInformer.read(kind, object);
    }

    private static ObjectNode parse(String json) {
        try {
            return JSON.readValue(json, ObjectNode.class);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
