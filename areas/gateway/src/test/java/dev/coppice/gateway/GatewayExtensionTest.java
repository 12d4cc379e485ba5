package dev.coppice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.coppice.control.ApiServer;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.access.BearerTokens;
import dev.coppice.control.admission.TypeChecker;
import dev.coppice.control.lifecycle.Lifecycle;
import dev.coppice.control.runtime.ExtensionHost;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.mesh.AddressRange;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.serving.ConsoleSite;
import dev.coppice.serving.HttpListener;
import dev.coppice.serving.ListenerOptions;
import dev.coppice.store.Store;
import dev.coppice.store.StoreOptions;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The area on a real kernel, store and API, with a data plane that only writes down what it is to serve. */
class GatewayExtensionTest {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final ResourceType GATEWAYS = GatewayKinds.GATEWAY.type();
    private static final ResourceType ROUTES = GatewayKinds.HTTP_ROUTE.type();
    private static final ResourceType SERVICES = new ResourceType("", "v1", "services");
    private static final ResourceType EVENTS = new ResourceType("", "v1", "events");

    @TempDir
    static Path directory;

    private static final List<GatewayConfig> applied = new CopyOnWriteArrayList<>();
    private static volatile Map<DataPlane.Binding, String> failures = Map.of();
    private static final AtomicLong writes = new AtomicLong();
    private static Kernel kernel;
    private static ResourceClient client;
    private static ExtensionHost host;

    /** Something changed; a bound keeps a busy test from filling the memory. */
    private static final BlockingQueue<Boolean> changes = new ArrayBlockingQueue<>(10_000);

    @BeforeAll
    static void start() throws Exception {
        kernel = Kernel.start();
        Store store = Store.start(kernel, kernel.root(), StoreOptions.of(directory.resolve("store")));
        ApiServer server = new ApiServer(kernel, store.keyspace("control"), directory.resolve("control"));
        server.start(kernel.root().startSupervisor("control", SupervisorOptions.DEFAULT));
        Supervisor watches = kernel.root().startSupervisor("test-watches", SupervisorOptions.DEFAULT);
        client = server.client(watches, BearerTokens.ADMIN, "test");
        Lifecycle.start(
                kernel,
                kernel.root().startSupervisor("lifecycle", SupervisorOptions.DEFAULT),
                client,
                new TypeChecker(server.registry()));
        HttpListener api = new HttpListener(
                kernel,
                new ListenerOptions("api", new InetSocketAddress("127.0.0.1", 0), null, 1 << 20, 1000),
                _ -> BearerTokens.ADMIN);
        kernel.root().start(ChildSpec.service("api", () -> api));
        ConsoleSite console = new ConsoleSite(kernel, _ -> BearerTokens.ADMIN, "Coppice", "test");
        host = new ExtensionHost(
                kernel,
                kernel.root().startSupervisor("areas", SupervisorOptions.DEFAULT),
                server,
                new ExtensionHost.Surroundings(api.routes(), api.routes(), console, directory.resolve("areas")));
        Path saved = directory.resolve("areas/gateway/config.json");
        Files.createDirectories(saved.getParent());
        Files.writeString(saved, """
                {"listeners":[{"gateway":"default/old","name":"http","address":"127.0.0.1","port":81,"hostname":"","routes":[]}],
                "upstreams":[]}""");
        host.start(extension());
        for (ResourceType type : List.of(GATEWAYS, ROUTES, GatewayKinds.GATEWAY_CLASS.type())) {
            ResourceClient.Watch _ =
                    client.watch(type, ResourceClient.Query.ALL, "", new ResourceClient.WatchObserver() {
                        @Override
                        public void event(ResourceClient.EventType event, ObjectNode object) {
                            writes.incrementAndGet();
                            boolean _ = changes.offer(true);
                        }

                        @Override
                        public void closed(dev.coppice.control.@Nullable ApiException error) {}
                    });
        }
    }

    private static GatewayExtension extension() {
        GatewayOptions options = new GatewayOptions(List.of("127.0.0.1", "127.0.1.1"))
                .withServiceRange(AddressRange.parse("127.96.0.0/16"));
        return new GatewayExtension(options, (_, _, _) -> config -> {
            applied.add(config);
            boolean _ = changes.offer(true);
            return failures;
        });
    }

    @AfterAll
    static void close() {
        host.stop();
        kernel.close();
    }

    private static void eventually(String what, BooleanSupplier holds) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!holds.getAsBoolean()) {
            assertThat(System.nanoTime()).as(what).isLessThan(end);
            // Not as often as there were changes: those of other tests may be among them.
            Boolean _ = changes.poll(100, TimeUnit.MILLISECONDS);
        }
    }

    private static void apply(String manifests) throws Exception {
        try (var documents = YAML.readerFor(ObjectNode.class).<ObjectNode>readValues(manifests)) {
            while (documents.hasNext()) {
                ObjectNode object = documents.next();
                String kind = object.path("kind").asText();
                ResourceType type = GatewayKinds.all().stream()
                        .filter(each -> each.kind().equals(kind))
                        .map(each -> each.type())
                        .findFirst()
                        .orElseGet(() -> kind.equals("EndpointSlice")
                                ? new ResourceType("discovery.k8s.io", "v1", "endpointslices")
                                : new ResourceType("", "v1", kind.toLowerCase(java.util.Locale.ROOT) + "s"));
                object.put("apiVersion", type.apiVersion());
                ((ObjectNode) object.path("metadata")).put("namespace", "default");
                ObjectNode _ = client.apply(type, object, "test", true);
            }
        }
    }

    private static JsonNode object(ResourceType type, String name) {
        return client.get(type, "default", name).<JsonNode>map(each -> each).orElseThrow();
    }

    private static String condition(JsonNode conditions, String type) {
        for (JsonNode each : conditions) {
            if (each.path("type").asText().equals(type)) {
                return each.path("status").asText() + "/" + each.path("reason").asText();
            }
        }
        return "";
    }

    private static List<ListenerConfig> listeners(String gateway) {
        return applied.getLast().listeners().stream()
                .filter(each -> each.gateway().equals("default/" + gateway))
                .toList();
    }

    @Test
    void whatWasServedBeforeIsServedAtOnceAndTheClassIsThere() throws Exception {
        assertThat(applied.getFirst().listeners())
                .extracting(ListenerConfig::port)
                .containsExactly(81);
        eventually(
                "class",
                () -> condition(
                                client.get(GatewayKinds.GATEWAY_CLASS.type(), "", "coppice")
                                        .orElseThrow()
                                        .at("/status/conditions"),
                                "Accepted")
                        .equals("True/Accepted"));
        assertThat(client.get(GatewayKinds.GATEWAY_CLASS.type(), "", "coppice")
                        .orElseThrow()
                        .at("/status/supportedFeatures")
                        .toString())
                .contains("HTTPRouteCORS");
    }

    @Test
    void aRouteIsServedAndTold() throws Exception {
        apply("""
                kind: Service
                metadata: {name: web}
                spec: {ports: [{name: http, port: 80}]}
                ---
                kind: EndpointSlice
                metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
                addressType: IPv4
                ports: [{name: http, port: 3000, protocol: TCP}]
                endpoints: [{addresses: [127.0.0.1]}]
                ---
                kind: Gateway
                metadata: {name: one}
                spec: {gatewayClassName: coppice, listeners: [{name: http, port: 8080, protocol: HTTP}]}
                ---
                kind: HTTPRoute
                metadata: {name: one}
                spec: {parentRefs: [{name: one}], rules: [{backendRefs: [{name: web, port: 80}]}]}
                """);
        eventually(
                "served",
                () -> !applied.isEmpty()
                        && listeners("one").size() == 1
                        && listeners("one").getFirst().routes().size() == 1
                        && applied.getLast().upstreams().stream()
                                .anyMatch(each -> each.endpoints().size() == 1));
        eventually(
                "told",
                () -> condition(object(ROUTES, "one").at("/status/parents/0/conditions"), "Accepted")
                        .equals("True/Accepted"));
        eventually(
                "programmed",
                () -> condition(object(GATEWAYS, "one").at("/status/conditions"), "Programmed")
                        .equals("True/Programmed"));
        eventually(
                "counted",
                () -> object(GATEWAYS, "one")
                                .at("/status/listeners/0/attachedRoutes")
                                .asInt()
                        == 1);
        JsonNode gateway = object(GATEWAYS, "one");
        assertThat(gateway.at("/status/addresses/0/value").asText()).startsWith("127.0.");
        String time = gateway.at("/status/conditions/0/lastTransitionTime").asText();

        ObjectNode patch = (ObjectNode) YAML.readTree("{spec: {hostnames: [a.example.org]}}");
        ObjectNode _ = client.mergePatch(ROUTES, "default", "one", null, patch);
        eventually("newer", () -> {
            JsonNode route = object(ROUTES, "one");
            return route.at("/status/parents/0/conditions/0/observedGeneration").asLong()
                    == route.at("/metadata/generation").asLong();
        });
        eventually(
                "hosts",
                () -> listeners("one")
                        .getFirst()
                        .routes()
                        .getFirst()
                        .hostnames()
                        .equals(List.of("a.example.org")));
        assertThat(object(GATEWAYS, "one")
                        .at("/status/conditions/0/lastTransitionTime")
                        .asText())
                .isEqualTo(time);

        boolean _ = client.delete(ROUTES, "default", "one");
        eventually("gone", () -> listeners("one").getFirst().routes().isEmpty());
        eventually(
                "uncounted",
                () -> object(GATEWAYS, "one")
                                .at("/status/listeners/0/attachedRoutes")
                                .asInt()
                        == 0);
    }

    @Test
    void anAddressThatCannotBeBoundIsTold() throws Exception {
        failures = Map.of(new DataPlane.Binding("127.0.1.1", 8099), "the address is in use");
        apply("""
                kind: Gateway
                metadata: {name: taken}
                spec:
                  gatewayClassName: coppice
                  addresses: [{value: 127.0.1.1}]
                  listeners: [{name: http, port: 8099, protocol: HTTP}]
                """);
        eventually(
                "told",
                () -> condition(object(GATEWAYS, "taken").at("/status/conditions"), "Programmed")
                        .equals("False/AddressNotUsable"));
        JsonNode listener = object(GATEWAYS, "taken").at("/status/listeners/0/conditions");
        assertThat(condition(listener, "Programmed")).isEqualTo("False/Invalid");
        assertThat(listener.toString()).contains("the address is in use");
        boolean _ = client.delete(GATEWAYS, "default", "taken");
        failures = Map.of();
        eventually("gone", () -> listeners("taken").isEmpty());
    }

    /** Events of a Service that have a reason, as {@code kubectl describe} shows them: type, count and message. */
    private static List<String> events(String service, String reason) {
        return client.list(EVENTS, ResourceClient.Query.namespace("default")).items().stream()
                .filter(each -> each.path("reason").asText().equals(reason)
                        && each.at("/involvedObject/kind").asText().equals("Service")
                        && each.at("/involvedObject/name").asText().equals(service))
                .map(each ->
                        each.path("type").asText() + " " + each.path("count").asInt() + " "
                                + each.path("message").asText())
                .toList();
    }

    private static boolean serves(String service) {
        return applied.getLast().listeners().stream()
                .anyMatch(each -> each.gateway().equals("Service default/" + service));
    }

    /** Another Service is served: all that was told before its translation has been told. */
    private static void another(String name) throws Exception {
        apply("""
                kind: Service
                metadata: {name: %s}
                spec: {ports: [{name: http, port: 80}]}
                """.formatted(name));
        eventually(name, () -> serves(name));
    }

    @Test
    void aPortOfAServiceThatCannotBeOpenedIsToldOnceUntilItIsOpen() throws Exception {
        String told = "port 8099 of 127.96.9.1 cannot be opened: the address is in use; it is tried again";
        failures = Map.of(new DataPlane.Binding("127.96.9.1", 8099), "the address is in use");
        apply("""
                kind: Service
                metadata: {name: busy}
                spec: {clusterIP: 127.96.9.1, ports: [{name: http, port: 8099}]}
                """);
        eventually("told", () -> events("busy", "PortNotOpened").equals(List.of("Warning 1 " + told)));
        // Tried with each change, and not told again.
        another("one");
        another("two");
        assertThat(events("busy", "PortNotOpened")).containsExactly("Warning 1 " + told);
        failures = Map.of();
        another("three");
        another("four");
        assertThat(events("busy", "PortNotOpened")).containsExactly("Warning 1 " + told);
        // It was open in between, so this is news.
        failures = Map.of(new DataPlane.Binding("127.96.9.1", 8099), "the address is in use");
        another("five");
        eventually("told anew", () -> events("busy", "PortNotOpened").equals(List.of("Warning 2 " + told)));
        failures = Map.of();
        deleteServices();
    }

    private static void deleteServices() throws Exception {
        client.list(SERVICES, ResourceClient.Query.namespace("default")).items().forEach(each -> {
            boolean _ =
                    client.delete(SERVICES, "default", each.at("/metadata/name").asText());
        });
        eventually(
                "no Service is served",
                () -> applied.getLast().listeners().stream().noneMatch(ListenerConfig::ofService));
    }

    @Test
    void aServiceWithoutRoomForItsPortsIsToldAndServedOnceThereIs() throws Exception {
        deleteServices();
        String ports = IntStream.rangeClosed(1, 250)
                .mapToObj(each -> "{name: p" + each + ", port: " + each + "}")
                .collect(Collectors.joining(", "));
        for (int i = 0; i < 40; i++) {
            ObjectNode _ = client.create(
                    SERVICES, (ObjectNode) YAML.readTree("{apiVersion: v1, kind: Service, metadata: {name: full-" + i
                            + ", namespace: default}, spec: {ports: [" + ports + "]}}"));
        }
        apply("""
                kind: Service
                metadata: {name: late}
                spec: {ports: [{name: http, port: 80}]}
                ---
                kind: HTTPRoute
                metadata: {name: late}
                spec: {parentRefs: [{group: "", kind: Service, name: late}], rules: [{backendRefs: [{name: late, port: 80}]}]}
                """);
        String why = "older Services have the 10000 ports that a gateway serves at most";
        eventually("told", () -> events("late", "TooManyPorts").equals(List.of("Warning 1 " + why)));
        eventually(
                "the route is told of it",
                () -> object(ROUTES, "late")
                        .at("/status/parents/0/conditions")
                        .toString()
                        .contains("Service default/late is not served: " + why));
        assertThat(condition(object(ROUTES, "late").at("/status/parents/0/conditions"), "Accepted"))
                .isEqualTo("False/Pending");
        assertThat(serves("late")).isFalse();
        boolean _ = client.delete(SERVICES, "default", "full-3");
        eventually("served", () -> serves("late"));
        eventually(
                "the route is told of that",
                () -> condition(object(ROUTES, "late").at("/status/parents/0/conditions"), "Accepted")
                        .equals("True/Accepted"));
        assertThat(object(ROUTES, "late").toString()).doesNotContain(why);
        assertThat(events("late", "TooManyPorts")).containsExactly("Warning 1 " + why);
        boolean _ = client.delete(ROUTES, "default", "late");
        deleteServices();
    }

    /** A name that nothing can have, which no API lets anybody ask for, holds up nothing. */
    @Test
    void aReferenceThatNothingCanFulfilHoldsUpNothing() throws Exception {
        apply("""
                kind: Service
                metadata: {name: odd}
                spec: {ports: [{name: http, port: 80}]}
                ---
                kind: EndpointSlice
                metadata: {name: odd-1, labels: {kubernetes.io/service-name: odd}, annotations: {gateway.coppice.dev/health-check: "a,b"}}
                addressType: IPv4
                ports: [{name: http, port: 3000, protocol: TCP}]
                endpoints: [{addresses: [127.0.0.1]}]
                ---
                kind: Gateway
                metadata: {name: odd}
                spec:
                  gatewayClassName: coppice
                  listeners:
                  - {name: http, port: 8077, protocol: HTTP}
                  - {name: https, port: 8078, protocol: HTTPS, tls: {certificateRefs: [{name: "a,b"}]}}
                ---
                kind: HTTPRoute
                metadata: {name: odd}
                spec: {parentRefs: [{name: odd}], rules: [{backendRefs: [{name: odd, port: 80}]}]}
                """);
        eventually(
                "served",
                () -> listeners("odd").size() == 1
                        && listeners("odd").getFirst().routes().size() == 1);
        boolean _ = client.delete(GATEWAYS, "default", "odd");
        boolean _ = client.delete(ROUTES, "default", "odd");
    }

    @Test
    void aSecretIsFollowed() throws Exception {
        apply("""
                kind: Gateway
                metadata: {name: secret}
                spec:
                  gatewayClassName: coppice
                  listeners: [{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: cert}]}}]
                """);
        eventually(
                "missing",
                () -> condition(object(GATEWAYS, "secret").at("/status/listeners/0/conditions"), "ResolvedRefs")
                        .equals("False/InvalidCertificateRef"));
        apply("""
                kind: Secret
                metadata: {name: cert}
                type: kubernetes.io/tls
                data: {tls.crt: SGVsbG8=, tls.key: SGVsbG8=}
                """);
        eventually(
                "malformed",
                () -> object(GATEWAYS, "secret")
                        .at("/status/listeners/0/conditions")
                        .toString()
                        .contains("holds no certificate in PEM"));
        boolean _ = client.delete(GATEWAYS, "default", "secret");
    }
}
