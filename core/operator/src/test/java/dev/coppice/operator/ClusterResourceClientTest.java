package dev.coppice.operator;

import static dev.coppice.operator.ServedCluster.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Authorizer;
import dev.coppice.control.Permission;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.Deletion;
import dev.coppice.control.ResourceClient.EventType;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.ResourceClient.WatchObserver;
import dev.coppice.control.request.Json;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.Identity;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** The client against an API server over TLS; where both back ends can do a thing, they do the same. */
class ClusterResourceClientTest {
    private static final ResourceType MAPS = new ResourceType("", "v1", "configmaps");
    private static final ResourceType SECRETS = new ResourceType("", "v1", "secrets");
    private static final ResourceType EVENTS = new ResourceType("", "v1", "events");
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @TempDir
    static Path directory;

    private static Kernel kernel;
    private static ServedCluster cluster;
    private static ClusterConnection connection;
    private static ResourceClient remote;

    @BeforeAll
    static void start() throws Exception {
        kernel = Kernel.start();
        cluster = new ServedCluster(directory);
        connection = new ClusterConnection(kernel, kernel.root(), cluster.access("admin-token"));
        remote = new ClusterResourceClient(connection, "test", LIMIT);
    }

    @AfterAll
    static void close() {
        connection.close();
        kernel.close();
        cluster.close();
    }

    static ObjectNode map(String namespace, String name, String value) {
        ObjectNode map = Json.object().put("apiVersion", "v1").put("kind", "ConfigMap");
        map.putObject("metadata").put("namespace", namespace).put("name", name);
        map.putObject("data").put("k", value);
        return map;
    }

    static void namespace(String name) {
        ObjectNode namespace = Json.object().put("apiVersion", "v1").put("kind", "Namespace");
        namespace.putObject("metadata").put("name", name);
        cluster.local().create(new ResourceType("", "v1", "namespaces"), namespace);
    }

    /** What calls answer, with what differs from run to run taken out. */
    private static List<String> transcript(ResourceClient client, List<Function<ResourceClient, Object>> calls) {
        List<String> lines = new ArrayList<>();
        for (Function<ResourceClient, Object> call : calls) {
            try {
                lines.add(normal(String.valueOf(call.apply(client))));
            } catch (ApiException e) {
                lines.add(e.code() + " " + e.reason() + " " + normal(e.getMessage()));
            }
        }
        return lines;
    }

    private static String normal(String text) {
        return text.replaceAll("\"uid\":\"[^\"]*\"", "UID")
                .replaceAll("\"managedFields\":\\[.*?}]", "MANAGED")
                .replaceAll("(Precondition failed: UID in precondition: none, UID in object meta: )[-0-9a-f]*", "$1")
                .replaceAll("[-0-9a-f]{36}", "UID")
                .replaceAll("\"resourceVersion\":\"\\d+\"", "VERSION")
                .replaceAll("\\d{4}-\\d\\d-\\d\\dT[0-9:]*Z", "TIME");
    }

    @TestFactory
    Stream<DynamicTest> bothBackEndsAnswerTheSame() {
        namespace("local");
        namespace("remote");
        Map<String, Function<String, List<Function<ResourceClient, Object>>>> scripts = Map.of(
                "objects",
                        ns -> List.of(
                                client -> client.get(MAPS, ns, "a"),
                                client -> client.create(MAPS, map(ns, "a", "1")),
                                client -> client.create(MAPS, map(ns, "a", "1")),
                                client -> client.get(MAPS, ns, "a"),
                                client -> client.mergePatch(
                                        MAPS, ns, "a", null, Json.parse("{\"data\":{\"k\":null,\"l\":\"2\"}}")),
                                client -> client.mergePatch(MAPS, ns, "none", null, Json.object()),
                                client -> client.update(
                                        MAPS, stale(client.get(MAPS, ns, "a").orElseThrow())),
                                client -> client.update(
                                        MAPS, client.get(MAPS, ns, "a").orElseThrow()),
                                client -> client.apply(MAPS, map(ns, "a", "3"), "other", false),
                                client -> client.apply(MAPS, map(ns, "b", "3"), "first", false),
                                client -> client.apply(MAPS, map(ns, "b", "4"), "second", false),
                                client -> client.apply(MAPS, map(ns, "b", "4"), "second", true),
                                client -> client.list(MAPS, Query.namespace(ns)).items(),
                                client -> client.list(MAPS, new Query(ns, "", "metadata.name=b"))
                                        .items(),
                                client -> client.list(MAPS, new Query(ns, "a in (b", ""))
                                        .items(),
                                client -> client.delete(
                                        MAPS, ns, "b", new Deletion(Deletion.Propagation.BACKGROUND, "not-its-uid")),
                                client -> client.delete(
                                        MAPS, ns, "b", new Deletion(Deletion.Propagation.BACKGROUND, null)),
                                client -> client.delete(MAPS, ns, "b"),
                                client -> client.create(MAPS, map("nowhere", "a", "1"))),
                "secrets",
                        ns -> List.of(
                                client -> client.secret(ns, "s"),
                                client -> client.create(
                                        SECRETS,
                                        Json.parse(("{'apiVersion':'v1','kind':'Secret','metadata':"
                                                        + "{'name':'s','namespace':'" + ns + "'},'data':{'p':'cHc='}}")
                                                .replace('\'', '"'))),
                                client -> new String(
                                        client.secret(ns, "s").orElseThrow().get("p"))),
                "tables",
                        ns -> List.of(client -> client.table(SECRETS, Query.namespace(ns))
                                .path("columnDefinitions")
                                .findValuesAsText("name")),
                "types",
                        ns -> List.of(client -> client.types().stream()
                                .map(each -> each.type() + " " + each.kind() + " " + each.namespaced())
                                .filter(each -> !each.contains("Review") && !each.contains("coppice.dev"))
                                .sorted()
                                .toList()));
        return scripts.entrySet().stream()
                .map(script -> DynamicTest.dynamicTest(script.getKey(), () -> {
                    List<String> local =
                            transcript(cluster.local(), script.getValue().apply("local"));
                    List<String> far = transcript(remote, script.getValue().apply("remote"));
                    assertThat(far.stream().map(line -> line.replace("remote", "local")))
                            .containsExactlyElementsOf(local);
                }));
    }

    private static ObjectNode stale(ObjectNode object) {
        Json.metadata(object).put("resourceVersion", "1");
        return object;
    }

    @Test
    void aLongListComesWholeInChunks() {
        namespace("long");
        for (int i = 0; i < 502; i++) {
            cluster.local().create(MAPS, map("long", "m" + i, "1"));
        }
        ResourceClient.Listing listing = remote.list(MAPS, Query.namespace("long"));
        assertThat(listing.items())
                .extracting(each -> Json.text(each, "metadata", "name"))
                .doesNotHaveDuplicates()
                .hasSize(502);
        assertThat(listing.items()).allMatch(each -> each.path("kind").asText().equals("ConfigMap"));
        assertThat(listing.resourceVersion()).isNotEmpty();
    }

    /** Remembers what a watch told. */
    private static final class Told implements WatchObserver {
        final List<String> events = Collections.synchronizedList(new ArrayList<>());
        final CompletableFuture<@Nullable ApiException> closed = new CompletableFuture<>();

        @Override
        public void event(EventType type, ObjectNode object) {
            if (type != EventType.BOOKMARK) {
                events.add(type + " " + Json.text(object, "metadata", "name") + " " + Json.text(object, "data", "k"));
            }
        }

        @Override
        public void closed(@Nullable ApiException error) {
            closed.complete(error);
        }
    }

    @Test
    void aWatchTellsEveryChangeInOrderFromWhereAListEnded() throws Exception {
        namespace("watched");
        cluster.local().create(MAPS, map("watched", "old", "0"));
        String from = remote.list(MAPS, Query.namespace("watched")).resourceVersion();
        cluster.local().create(MAPS, map("watched", "a", "1"));
        Told told = new Told();
        try (var _ = remote.watch(MAPS, Query.namespace("watched"), from, told)) {
            cluster.local().apply(MAPS, map("watched", "a", "ü".repeat(40_000)), "admin", true);
            boolean _ = cluster.local().delete(MAPS, "watched", "a");
            eventually(() -> told.events.size() == 3);
        }
        assertThat(told.events)
                .containsExactly("ADDED a 1", "MODIFIED a " + "ü".repeat(40_000), "DELETED a " + "ü".repeat(40_000));
        assertThat(told.closed).isNotDone();
    }

    @Test
    void aWatchFromNowhereBeginsNow() throws Exception {
        namespace("now");
        cluster.local().create(MAPS, map("now", "old", "0"));
        Told told = new Told();
        try (var _ = remote.watch(MAPS, Query.namespace("now"), "", told)) {
            cluster.local().create(MAPS, map("now", "new", "1"));
            eventually(() -> !told.events.isEmpty());
        }
        assertThat(told.events).containsExactly("ADDED new 1");
    }

    @Test
    void aWatchFromAForgottenPastIsGone() throws Exception {
        namespace("past");
        String from = remote.list(MAPS, Query.namespace("past")).resourceVersion();
        for (int i = 0; i < 5; i++) {
            cluster.local().apply(MAPS, map("past", "m", "" + i), "admin", true);
        }
        cluster.compact();
        Told told = new Told();
        try (var _ = remote.watch(MAPS, Query.namespace("past"), "1", told)) {
            assertThat(told.closed.get())
                    .isInstanceOfSatisfying(
                            ApiException.class, e -> assertThat(e.code()).isEqualTo(410));
        }
        assertThat(from).isNotEqualTo("1");
    }

    @Test
    void eventsAreCounted() {
        namespace("events");
        ObjectNode about = cluster.local().create(MAPS, map("events", "about", "1"));
        remote.event(about, "Warning", "Broken", "it broke");
        remote.event(about, "Warning", "Broken", "it broke");
        assertThat(cluster.local().list(EVENTS, Query.namespace("events")).items())
                .singleElement()
                .satisfies(event -> {
                    assertThat(event.path("count").asInt()).isEqualTo(2);
                    assertThat(event.path("source").path("component").asText()).isEqualTo("test");
                });
    }

    @Test
    void withoutTheLeaseNothingIsWritten() {
        AtomicBoolean holds = new AtomicBoolean(true);
        ResourceClient fenced = new ClusterResourceClient(connection, "test", LIMIT, holds::get);
        namespace("fenced");
        fenced.create(MAPS, map("fenced", "a", "1"));
        holds.set(false);
        assertThatThrownBy(() -> fenced.create(MAPS, map("fenced", "b", "1")))
                .isInstanceOf(ApiException.class)
                .hasMessageContaining("no longer holds its lease");
        assertThatThrownBy(() -> fenced.delete(MAPS, "fenced", "a")).hasMessageContaining("no longer holds its lease");
        assertThat(fenced.get(MAPS, "fenced", "a")).isPresent();
    }

    @Test
    void whatIsMissingIsToldTogether() throws Exception {
        cluster.user("nobody");
        try (ClusterConnection nobody = new ClusterConnection(
                kernel,
                kernel.root().startSupervisor("nobody", dev.coppice.kernel.SupervisorOptions.DEFAULT),
                cluster.access("nobody"))) {
            AccessCheck check = new AccessCheck(new ClusterResourceClient(nobody, "test", LIMIT));
            List<Permission> wanted = List.of(
                    Permission.namespaced("", "secrets", "get"),
                    Permission.cluster("health.coppice.dev", "things/status", "patch", "update"));
            assertThat(check.missing(wanted, List.of()))
                    .containsExactly("get secrets in all namespaces", "patch, update things/status.health.coppice.dev");
            assertThat(check.missing(wanted.subList(0, 1), List.of("a", "b")))
                    .containsExactly("get secrets in namespace \"a\"", "get secrets in namespace \"b\"");
        }
        assertThat(new AccessCheck(remote).missing(OperatorRole.common(), List.of()))
                .isEmpty();
    }

    @Test
    void refusedCredentialsAreToldApart() throws Exception {
        try (ClusterConnection stranger = new ClusterConnection(
                kernel,
                kernel.root().startSupervisor("stranger", dev.coppice.kernel.SupervisorOptions.DEFAULT),
                cluster.access("wrong"))) {
            assertThatThrownBy(() -> new ClusterResourceClient(stranger, "test", LIMIT).list(MAPS, Query.ALL))
                    .isInstanceOfSatisfying(
                            ApiException.class, e -> assertThat(e.code()).isEqualTo(401));
        }
    }

    @Test
    void theAuthorizerAsksTheCluster() {
        ClusterAuthorizer authorizer = new ClusterAuthorizer(remote, kernel.clock());
        var use = new Authorizer.Action("use", "health.coppice.dev", "hostaccessclasses", "", "host");
        assertThat(authorizer
                        .authorize(new Identity("x", "", List.of("team"), Map.of()), use)
                        .allowed())
                .isFalse();
        assertThat(authorizer
                        .authorize(new Identity("x", "", List.of("system:masters"), Map.of()), use)
                        .allowed())
                .isTrue();
        assertThat(authorizer
                        .authorizePath(new Identity("x", "", List.of("team"), Map.of()), "get", "/metrics")
                        .allowed())
                .isFalse();
    }

    @Test
    void aServerThatHangsOrIsGoneIsAnErrorInTime() throws Exception {
        Path kubeconfig = directory.resolve("hanging");
        try (ServerSocket hanging = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            String address = "http://127.0.0.1:" + hanging.getLocalPort();
            Files.writeString(
                    kubeconfig,
                    ServedCluster.kubeconfig(address, "", "t").replace(", certificate-authority-data: \"\"", ""));
            try (ClusterConnection lost = new ClusterConnection(
                    kernel,
                    kernel.root().startSupervisor("lost", dev.coppice.kernel.SupervisorOptions.DEFAULT),
                    ClusterAccess.find(kubeconfig, null, Map.of()))) {
                ResourceClient client = new ClusterResourceClient(lost, "test", Duration.ofMillis(300));
                assertThatThrownBy(() -> client.get(MAPS, "a", "b"))
                        .isInstanceOfSatisfying(
                                ApiException.class, e -> assertThat(e.code()).isEqualTo(503))
                        .hasMessageContaining("did not answer within");
                closed(hanging);
                assertThatThrownBy(() -> client.get(MAPS, "a", "b"))
                        .isInstanceOf(ApiException.class)
                        .hasMessageContaining("cannot reach " + address);
                Told told = new Told();
                try (var _ = client.watch(MAPS, Query.ALL, "7", told)) {
                    assertThat(told.closed.get()).hasMessageContaining("cannot reach " + address);
                }
            }
        }
    }

    private static void closed(ServerSocket socket) throws IOException {
        socket.close();
    }

    @Test
    void fabric8StartsNoThreadOfItsOwn() {
        remote.list(MAPS, Query.ALL);
        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .noneMatch(name -> name.toLowerCase(java.util.Locale.ROOT).contains("fabric8"));
    }
}
