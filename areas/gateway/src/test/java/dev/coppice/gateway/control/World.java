package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.coppice.control.Key;
import dev.coppice.control.Kind;
import dev.coppice.control.Resource;
import dev.coppice.control.runtime.ExtensionHost;
import dev.coppice.control.runtime.RecordInformer;
import dev.coppice.control.storage.Sealer;
import dev.coppice.gateway.DataPlane.Binding;
import dev.coppice.gateway.GatewayOptions;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.function.FunctionReading;
import dev.coppice.gateway.kind.CertificateKinds;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.kernel.Kernel;
import dev.coppice.schema.Schema;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Resources in memory, as manifests give them, and what a translation makes of them. */
final class World implements ClusterView {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final Map<String, Schema> SCHEMAS = new HashMap<>();

    static {
        for (Kind<?, ?> kind : GatewayKinds.all()) {
            SCHEMAS.put(
                    kind.kind(),
                    Schema.ofResource(ExtensionHost.definition(kind).at("/spec/versions/0/schema/openAPIV3Schema")));
        }
    }

    final Map<String, Map<Key, ObjectNode>> objects = new HashMap<>();
    final Map<String, List<String>> names = new HashMap<>();
    final Translation translation;
    Map<String, String> addresses = Map.of();
    Map<Binding, String> failures = Map.of();
    Map<String, FunctionReading> functions = Map.of();
    private int clock;

    World() {
        this(Capabilities.NOW);
    }

    World(Capabilities capabilities) {
        this(new GatewayOptions(List.of("127.0.0.1", "127.0.1.1", "127.0.1.2")), capabilities);
    }

    World(GatewayOptions options, Capabilities capabilities) {
        this(options, capabilities, 1 << 20);
    }

    /** @param mostFilterCharacters of ConfigMaps that filters may have together, in base64 */
    World(GatewayOptions options, Capabilities capabilities, long mostFilterCharacters) {
        translation = new Translation(options, capabilities, mostFilterCharacters);
        apply("""
                apiVersion: gateway.networking.k8s.io/v1
                kind: GatewayClass
                metadata: {name: coppice, namespace: ""}
                spec: {controllerName: coppice.dev/gateway-controller}
                """);
        namespace("default", "");
    }

    World namespace(String name, String labels) {
        return apply("kind: Namespace\nmetadata: {name: " + name + ", namespace: \"\", labels: {" + labels + "}}");
    }

    World service(String namespace, String name, String ports, String... addresses) {
        apply("kind: Service\nmetadata: {name: %s, namespace: %s}\nspec: {ports: [%s]}"
                .formatted(name, namespace, ports));
        String endpoints = java.util.Arrays.stream(addresses)
                .map(each -> "{addresses: [\"" + each + "\"]}")
                .collect(Collectors.joining(", "));
        return apply("""
                kind: EndpointSlice
                metadata: {name: %s-1, namespace: %s, labels: {kubernetes.io/service-name: %s}}
                addressType: IPv4
                ports: [{name: http, port: 3000, protocol: TCP}]
                endpoints: [%s]
                """.formatted(name, namespace, name, endpoints));
    }

    /** Each is created a second after the one before; a changed spec is another generation. */
    World apply(String manifests) {
        try (var documents = YAML.readerFor(ObjectNode.class).<ObjectNode>readValues(manifests)) {
            while (documents.hasNext()) {
                ObjectNode object = documents.next();
                String kind = object.path("kind").asText();
                ObjectNode metadata = (ObjectNode) object.get("metadata");
                if (!metadata.has("namespace")) {
                    metadata.put("namespace", "default");
                }
                Key key = new Key(
                        metadata.path("namespace").asText(),
                        metadata.path("name").asText());
                ObjectNode before = objects.computeIfAbsent(kind, _ -> new LinkedHashMap<>())
                        .get(key);
                clock++;
                metadata.put(
                        "generation",
                        before == null ? 1 : before.at("/metadata/generation").asLong() + 1);
                metadata.put("uid", kind + "/" + key);
                metadata.put("resourceVersion", String.valueOf(clock));
                if (!metadata.has("creationTimestamp")) {
                    metadata.put(
                            "creationTimestamp",
                            java.time.Instant.ofEpochSecond(1_700_000_000L + clock)
                                    .toString());
                }
                Schema schema = SCHEMAS.get(kind);
                if (schema != null) {
                    schema.applyDefaults(object);
                    if (!schema.validate(object).isEmpty()) {
                        throw new IllegalArgumentException(key + ": " + schema.validate(object));
                    }
                }
                objects.get(kind).put(key, object);
            }
        } catch (IOException e) {
            throw new IllegalArgumentException(e);
        }
        return this;
    }

    World remove(String kind, String namespace, String name) {
        objects.getOrDefault(kind, new HashMap<>()).remove(new Key(namespace, name));
        return this;
    }

    private <S extends Record, T extends Record> List<Resource<S, T>> all(Kind<S, T> kind) {
        List<Resource<S, T>> all = new ArrayList<>();
        objects.getOrDefault(kind.kind(), Map.of()).values().forEach(each -> all.add(RecordInformer.read(kind, each)));
        return all;
    }

    Snapshot snapshot() {
        return new Snapshot(
                all(GatewayKinds.GATEWAY_CLASS),
                all(GatewayKinds.GATEWAY),
                all(GatewayKinds.LISTENER_SET),
                all(GatewayKinds.HTTP_ROUTE),
                all(GatewayKinds.GRPC_ROUTE),
                all(GatewayKinds.TLS_ROUTE),
                all(GatewayKinds.TCP_ROUTE),
                all(GatewayKinds.UDP_ROUTE),
                all(GatewayKinds.REFERENCE_GRANT),
                all(GatewayKinds.BACKEND_TLS_POLICY),
                all(GatewayKinds.BACKEND_TRAFFIC_POLICY),
                all(GatewayKinds.CLIENT_TRAFFIC_POLICY),
                all(GatewayKinds.GRPC_POLICY),
                all(GatewayKinds.RATE_LIMIT),
                all(GatewayKinds.SECURITY_POLICY),
                all(GatewayKinds.OBSERVABILITY_POLICY),
                all(GatewayKinds.CONTENT_POLICY),
                all(GatewayKinds.HTTP_ROUTE_FILTER),
                all(CertificateKinds.CHALLENGE),
                this);
    }

    /** What a translation came to. */
    record Outcome(GatewayConfig config, Map<Translation.ObjectId, Draft> drafts) {
        Draft.OfGateway gateway(String name) {
            return (Draft.OfGateway) draft("Gateway", name);
        }

        Draft.OfGateway set(String name) {
            return (Draft.OfGateway) draft("ListenerSet", name);
        }

        Draft draft(String kind, String name) {
            return drafts.entrySet().stream()
                    .filter(each -> each.getKey().kind().equals(kind)
                            && each.getKey().key().name().equals(name))
                    .map(Map.Entry::getValue)
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("nothing is said of " + kind + " " + name));
        }

        /** The parents of a route, each as its conditions: {@code Accepted=True/Accepted ResolvedRefs=...}. */
        List<String> parents(String kind, String name) {
            return ((Draft.OfRoute) draft(kind, name))
                    .parents().stream().map(each -> text(each.conditions())).toList();
        }

        String parent(String name) {
            return parents("HTTPRoute", name).getFirst();
        }

        String listener(String gateway, String listener) {
            return listener(gateway(gateway), listener);
        }

        static String listener(Draft.OfGateway owner, String name) {
            Draft.OfListener found = owner.listeners().stream()
                    .filter(each -> each.name().equals(name))
                    .findFirst()
                    .orElseThrow();
            return text(found.conditions()) + " routes=" + found.routes() + " kinds="
                    + found.kinds().stream().map(each -> each.kind()).collect(Collectors.joining(","));
        }

        String conditions(String gateway) {
            return text(gateway(gateway).conditions());
        }

        ListenerConfig served(String listener) {
            return config.listeners().stream()
                    .filter(each -> each.name().equals(listener))
                    .findFirst()
                    .orElseThrow();
        }

        UpstreamConfig upstream(String name) {
            return config.upstreams().stream()
                    .filter(each -> each.name().equals(name))
                    .findFirst()
                    .orElseThrow();
        }

        static String text(List<Draft.Condition> conditions) {
            return conditions.stream()
                    .map(each -> each.type() + "=" + each.status() + "/" + each.reason())
                    .collect(Collectors.joining(" "));
        }
    }

    Outcome translate() {
        Translation.Result result = translation.translate(snapshot(), addresses);
        addresses = result.addresses();
        return new Outcome(result.config(), result.statuses().with(failures, functions));
    }

    @Override
    public Optional<ObjectNode> service(Key key) {
        return Optional.ofNullable(objects.getOrDefault("Service", Map.of()).get(key));
    }

    @Override
    public List<ObjectNode> services() {
        return List.copyOf(objects.getOrDefault("Service", Map.of()).values());
    }

    @Override
    public List<ObjectNode> slices() {
        return List.copyOf(objects.getOrDefault("EndpointSlice", Map.of()).values());
    }

    @Override
    public List<ObjectNode> slices(Key service) {
        return objects.getOrDefault("EndpointSlice", Map.of()).values().stream()
                .filter(each -> each.at("/metadata/namespace").asText().equals(service.namespace())
                        && each.at("/metadata/labels/kubernetes.io~1service-name")
                                .asText()
                                .equals(service.name()))
                .toList();
    }

    @Override
    public Optional<Map<String, String>> namespace(String name) {
        JsonNode found = objects.getOrDefault("Namespace", Map.of()).get(new Key("", name));
        if (found == null) {
            return Optional.empty();
        }
        Map<String, String> labels = new HashMap<>();
        found.at("/metadata/labels")
                .properties()
                .forEach(each -> labels.put(each.getKey(), each.getValue().asText()));
        return Optional.of(labels);
    }

    @Override
    public Optional<List<String>> addresses(String externalName) {
        return Optional.ofNullable(names.get(externalName));
    }

    @Override
    public String healthState(Key key) {
        ObjectNode check = objects.getOrDefault("HealthCheck", Map.of()).get(key);
        return check == null ? "" : check.at("/status/state").asText();
    }

    @Override
    public Optional<ObjectNode> secret(Key key) {
        return Optional.ofNullable(objects.getOrDefault("Secret", Map.of()).get(key));
    }

    @Override
    public Optional<ObjectNode> configMap(Key key) {
        return Optional.ofNullable(objects.getOrDefault("ConfigMap", Map.of()).get(key));
    }

    /** A saved configuration; its key lies beside it. */
    static SavedConfig saved(Path file) {
        try (Kernel kernel = Kernel.start()) {
            return new SavedConfig(file, Sealer.open(kernel, file.getParent()));
        }
    }
}
