package dev.coppice.health;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.sun.net.httpserver.HttpServer;
import dev.coppice.control.ApiServer;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.access.BearerTokens;
import dev.coppice.control.admission.TypeChecker;
import dev.coppice.control.lifecycle.Lifecycle;
import dev.coppice.control.runtime.ExtensionHost;
import dev.coppice.health.kind.HealthKinds;
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
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The area on a real kernel, store, API and listeners, with real targets. */
class HealthExtensionTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final ResourceType CHECKS = HealthKinds.HEALTH_CHECK.type();
    private static final ResourceType POLICIES = HealthKinds.NOTIFICATION_POLICY.type();
    private static final ResourceType PAGES = HealthKinds.STATUS_PAGE.type();

    @TempDir
    static Path directory;

    private static final List<JsonNode> received = new CopyOnWriteArrayList<>();
    private static volatile int status = 200;
    private static Kernel kernel;
    private static ResourceClient client;
    static HttpListener api;
    static HttpListener open;
    private static HttpServer target;
    private static HttpClient http;
    private static ExtensionHost host;

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
        api = listener("api", exchange -> BearerTokens.ADMIN);
        open = listener("public", null);
        ConsoleSite console = new ConsoleSite(kernel, exchange -> BearerTokens.ADMIN, "Coppice", "test");
        console.mountOn(api.routes());
        host = new ExtensionHost(
                kernel,
                kernel.root().startSupervisor("areas", SupervisorOptions.DEFAULT),
                server,
                new ExtensionHost.Surroundings(api.routes(), open.routes(), console, directory.resolve("areas")));
        host.start(new HealthExtension());
        target = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        target.createContext("/", exchange -> {
            byte[] body = "{\"status\":\"well\"}".getBytes();
            exchange.sendResponseHeaders(status, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        target.createContext("/alerts", exchange -> {
            received.add(JSON.readTree(exchange.getRequestBody()));
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        // By default a TLS handshake that goes to this plain port would hold up everybody else.
        target.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        target.start();
        http = HttpClient.newHttpClient();
    }

    private static HttpListener listener(String name, dev.coppice.serving.Authenticator authenticator)
            throws Exception {
        HttpListener listener = new HttpListener(
                kernel,
                new ListenerOptions(name, new InetSocketAddress("127.0.0.1", 0), null, 1 << 20, 1000),
                authenticator);
        kernel.root().start(ChildSpec.service(name, () -> listener));
        return listener;
    }

    @AfterAll
    static void close() {
        http.close();
        target.stop(0);
        host.stop();
        kernel.close();
    }

    @Test
    void theQuickstartBecomesReady() throws Exception {
        applyQuickstart();
        eventually(() -> client.list(CHECKS, Query.namespace("default")).items().stream()
                .filter(c -> !c.path("metadata").path("labels").has("test"))
                .allMatch(c -> condition(c, "Ready").equals("True")));
        eventually(() -> state("default", "coppice-store").equals("Up"));
        eventually(() -> state("default", "coppice-api").equals("Up"));
        eventually(() -> state("default", "localhost-name").equals("Up"));
        assertThat(state("default", "nightly-backup")).isIn("Unknown", "Maintenance");
        eventually(() -> condition(get(POLICIES, "default", "on-call"), "Ready").equals("True"));
        eventually(() ->
                get(PAGES, "default", "coppice").path("status").path("checks").asInt() == 6);
        HttpResponse<String> page = get(open, "/status/default/coppice");
        assertThat(page.statusCode()).isEqualTo(200);
        assertThat(page.body())
                .contains("Coppice on this machine", "Web server")
                .doesNotContain("127.0.0.1");
        assertThat(get(open, "/status/default/coppice.json").body())
                .contains("\"title\":\"API\"")
                .doesNotContain("127.0.0.1");
        assertThat(get(open, "/badge/default/coppice.svg").body()).startsWith("<svg");
        assertThat(get(open, "/badge/default/coppice/web.svg").body()).contains("Web server");
        assertThat(get(open, "/status/default/none").statusCode()).isEqualTo(404);
        assertThat(get(api, "/console/health").body()).contains("coppice-api", "localhost-name");
        HttpResponse<String> detail = get(api, "/console/health/default/coppice-api");
        assertThat(detail.body()).contains("Test now", "coppice-store", "Conditions");
        assertThat(get(api, "/console/health/default/coppice-api/data.json").body())
                .contains("latency");
        assertThat(get(open, "/health/heartbeat/default/nightly-backup?token=wrong")
                        .statusCode())
                .isEqualTo(404);
        assertThat(get(open, "/health/heartbeat/default/nightly-backup?token=change-me")
                        .statusCode())
                .isEqualTo(200);
        eventually(() -> List.of("Up", "Maintenance").contains(state("default", "nightly-backup")));
    }

    @Test
    void aFailureIsSeenToldAndResolved() throws Exception {
        int port = target.getAddress().getPort();
        apply("""
                apiVersion: health.coppice.dev/v1
                kind: NotificationPolicy
                metadata: {name: hook}
                spec:
                  groupWait: 0s
                  groupInterval: 1s
                  receivers: [{name: hook, webhook: {url: {value: "http://127.0.0.1:%d/alerts"}}}]
                """.formatted(port), "kube-public");
        apply("""
                apiVersion: health.coppice.dev/v1
                kind: HealthCheck
                metadata: {name: web, labels: {test: "yes"}}
                spec:
                  interval: 1s
                  http:
                    url: http://127.0.0.1:%d/
                    assertions: [{jsonPath: "$.status", equals: well}, {cel: "response.status == 200"}]
                """.formatted(port), "kube-public");
        eventually(() -> state("kube-public", "web").equals("Up"));
        HttpResponse<String> probed =
                get(api, "/probe?module=http_2xx&target=http%3A%2F%2F127.0.0.1%3A" + port + "%2F");
        assertThat(probed.body()).contains("probe_success 1");
        status = 500;
        eventually(() -> state("kube-public", "web").equals("Down"));
        assertThat(get(CHECKS, "kube-public", "web")
                        .path("status")
                        .path("lastError")
                        .asText())
                .contains("500");
        eventually(() -> firing("kube-public/web is Down"));
        status = 200;
        eventually(
                () -> received.stream().anyMatch(n -> n.path("status").asText().equals("resolved")));
        eventually(
                () -> client.list(new ResourceType("", "v1", "events"), Query.namespace("kube-public")).items().stream()
                        .anyMatch(e -> e.path("reason").asText().equals("Down")));
    }

    @Test
    void aBadSpecIsAConditionWithAllErrors() throws Exception {
        apply("""
                apiVersion: health.coppice.dev/v1
                kind: HealthCheck
                metadata: {name: bad, labels: {test: "yes"}}
                spec:
                  interval: 1ms
                  http: {url: "http://127.0.0.1/", assertions: [{regex: "("}]}
                  maintenance: [{cron: "often", duration: 1h}]
                """, "default");
        eventually(() -> condition(get(CHECKS, "default", "bad"), "Valid").equals("False"));
        String message =
                get(CHECKS, "default", "bad").path("status").path("conditions").toString();
        assertThat(message).contains("InvalidSpec", "spec.interval", "spec.maintenance[0].cron");
    }

    @Test
    void aCommandRunsInTheSandboxAndHostAccessNeedsAGrant() throws Exception {
        apply("""
                apiVersion: health.coppice.dev/v1
                kind: HealthCheck
                metadata: {name: sandboxed, labels: {test: "yes"}}
                spec: {interval: 60s, command: {command: [id, -un], outputContains: root}}
                """, "default");
        apply("""
                apiVersion: health.coppice.dev/v1
                kind: HealthCheck
                metadata: {name: unsandboxed, labels: {test: "yes"}}
                spec: {interval: 60s, command: {command: ["true"], hostAccessClassName: ops}}
                """, "default");
        apply("""
                apiVersion: health.coppice.dev/v1
                kind: HostAccessClass
                metadata: {name: ops}
                spec: {commands: true}
                """, "");
        eventually(() -> state("default", "sandboxed").equals("Down"));
        eventually(() -> state("default", "unsandboxed").equals("Down"));
        assertThat(get(CHECKS, "default", "unsandboxed")
                        .path("status")
                        .path("lastError")
                        .asText())
                .contains("HostAccessClass");
    }

    @Test
    void killingAnyChildHeals() throws Exception {
        int port = target.getAddress().getPort();
        apply("""
                apiVersion: health.coppice.dev/v1
                kind: HealthCheck
                metadata: {name: survivor, labels: {test: "yes"}}
                spec: {interval: 1s, tcp: {host: 127.0.0.1, port: %d}}
                """.formatted(port), "kube-system");
        eventually(() -> state("kube-system", "survivor").equals("Up"));
        Supervisor area = kernel.root()
                .child("areas")
                .orElseThrow()
                .supervisor()
                .child("extensions")
                .orElseThrow()
                .supervisor()
                .child("health")
                .orElseThrow()
                .supervisor();
        kill(area);
        JsonNode patch = JSON.readTree("{\"spec\":{\"tcp\":{\"port\":1}}}");
        client.mergePatch(CHECKS, "kube-system", "survivor", null, (ObjectNode) patch);
        eventually(() -> state("kube-system", "survivor").equals("Down"));
        patch = JSON.readTree("{\"spec\":{\"tcp\":{\"port\":" + port + "}}}");
        client.mergePatch(CHECKS, "kube-system", "survivor", null, (ObjectNode) patch);
        eventually(() -> state("kube-system", "survivor").equals("Up"));
    }

    private static void kill(Supervisor supervisor) throws Exception {
        for (Supervisor.Child child : supervisor.children()) {
            Supervisor below;
            try {
                below = child.supervisor();
            } catch (IllegalStateException leaf) {
                child.kill();
                continue;
            }
            kill(below);
        }
    }

    static void applyQuickstart() throws Exception {
        int port = target.getAddress().getPort();
        try (var files = Files.list(Path.of("../../examples/quickstart"))) {
            for (Path file : files.sorted().toList()) {
                String text = Files.readString(file)
                        .replace("${API_ADDRESS}", "127.0.0.1")
                        .replace("${API_PORT}", String.valueOf(port))
                        .replace("${ETCD_ADDRESS}", "127.0.0.1")
                        .replace("${ETCD_PORT}", String.valueOf(port))
                        .replace("127.0.0.1:9999", "127.0.0.1:" + port)
                        .replace("https://127", "http://127");
                try (var documents = YAML.readerFor(ObjectNode.class).<ObjectNode>readValues(text)) {
                    while (documents.hasNext()) {
                        ObjectNode object = documents.next();
                        apply(object, "default");
                    }
                }
            }
        }
    }

    private static boolean firing(String summary) {
        return received.stream()
                .anyMatch(n -> n.path("status").asText().equals("firing")
                        && n.path("alerts").toString().contains(summary));
    }

    private static void apply(String yaml, String namespace) throws Exception {
        apply((ObjectNode) YAML.readTree(yaml), namespace);
    }

    private static void apply(ObjectNode object, String namespace) {
        String kind = object.path("kind").asText();
        ObjectNode metadata = (ObjectNode) object.path("metadata");
        if (!namespace.isEmpty() && !kind.equals("HostAccessClass")) {
            metadata.put("namespace", namespace);
        }
        ResourceType type = Map.of(
                        "HealthCheck", CHECKS,
                        "NotificationPolicy", POLICIES,
                        "StatusPage", PAGES,
                        "HostAccessClass", HealthKinds.HOST_ACCESS_CLASS.type(),
                        "Secret", new ResourceType("", "v1", "secrets"))
                .get(kind);
        client.apply(type, object, "test", true);
    }

    private static ObjectNode get(ResourceType type, String namespace, String name) {
        return client.get(type, namespace, name).orElseThrow();
    }

    private static String state(String namespace, String name) {
        return get(CHECKS, namespace, name).path("status").path("state").asText();
    }

    private static String condition(JsonNode object, String type) {
        for (JsonNode condition : object.path("status").path("conditions")) {
            if (condition.path("type").asText().equals(type)) {
                return condition.path("status").asText();
            }
        }
        return "";
    }

    private static HttpResponse<String> get(HttpListener listener, String path) throws Exception {
        int port = listener.address().orElseThrow().getPort();
        return http.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static void eventually(Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.call()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("did not happen within 20 s; checks: "
                        + client.list(CHECKS, Query.ALL).items().stream()
                                .map(c -> c.path("metadata").path("name").asText() + "="
                                        + c.path("status").path("state").asText() + " "
                                        + c.path("status").path("lastError").asText())
                                .toList());
            }
            Thread.onSpinWait();
            Thread.yield();
        }
    }
}
