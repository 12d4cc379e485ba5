package dev.coppice.control;

import static dev.coppice.control.runtime.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ResourceClient.Deletion;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.access.BearerTokens;
import dev.coppice.control.runtime.ControllerManager;
import dev.coppice.control.runtime.ObjectCache;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.store.Store;
import dev.coppice.store.StoreOptions;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The client, the runtime and the lifecycle controllers on a real engine and store. */
class LocalResourceClientTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final ResourceType MAPS = new ResourceType("", "v1", "configmaps");
    private static final ResourceType NAMESPACES = new ResourceType("", "v1", "namespaces");
    private static final ResourceType EVENTS = new ResourceType("", "v1", "events");

    @TempDir
    static Path directory;

    private static Kernel kernel;
    private static ApiServer server;
    private static ResourceClient client;

    @BeforeAll
    static void start() throws Exception {
        kernel = Kernel.start();
        Store store = Store.start(kernel, kernel.root(), StoreOptions.of(directory.resolve("store")));
        server = new ApiServer(kernel, store.keyspace("control"), directory.resolve("control"));
        server.start(kernel.root().startSupervisor("control", SupervisorOptions.DEFAULT));
        Supervisor watches = kernel.root().startSupervisor("watches", SupervisorOptions.DEFAULT);
        client = server.client(watches, BearerTokens.ADMIN, "coppice-test");
    }

    @AfterAll
    static void close() {
        kernel.close();
    }

    private static ObjectNode namespace(String name) {
        ObjectNode namespace = JSON.createObjectNode().put("apiVersion", "v1").put("kind", "Namespace");
        namespace.putObject("metadata").put("name", name);
        return client.create(NAMESPACES, namespace);
    }

    private static ObjectNode map(String namespace, String name) {
        ObjectNode map = JSON.createObjectNode().put("apiVersion", "v1").put("kind", "ConfigMap");
        map.putObject("metadata").put("namespace", namespace).put("name", name);
        map.putObject("data").put("k", "v");
        return map;
    }

    @Test
    void writesReadsAndWatches() throws Exception {
        namespace("rw");
        ControllerManager manager =
                new ControllerManager(kernel, kernel.root().startSupervisor("rw", SupervisorOptions.DEFAULT), client);
        ObjectCache<ObjectNode> maps = manager.trees(MAPS);
        ObjectNode made = client.create(MAPS, map("rw", "a"));
        Key key = new Key("rw", "a");
        eventually(Duration.ofSeconds(20), () -> maps.get(key).isPresent());
        ObjectNode patch = JSON.createObjectNode();
        patch.putObject("data").put("k", "w");
        client.mergePatch(MAPS, "rw", "a", null, patch);
        eventually(
                Duration.ofSeconds(20),
                () -> maps.get(key)
                        .orElseThrow()
                        .path("data")
                        .path("k")
                        .asText()
                        .equals("w"));
        assertThatThrownBy(() -> client.update(MAPS, made))
                .isInstanceOfSatisfying(
                        ApiException.class, e -> assertThat(e.code()).isEqualTo(409));
        assertThatThrownBy(() -> client.delete(MAPS, "rw", "a", new Deletion(Deletion.Propagation.BACKGROUND, "other")))
                .isInstanceOfSatisfying(
                        ApiException.class, e -> assertThat(e.code()).isEqualTo(409));
        assertThat(client.delete(MAPS, "rw", "a")).isTrue();
        assertThat(client.delete(MAPS, "rw", "a")).isFalse();
        eventually(Duration.ofSeconds(20), () -> maps.get(key).isEmpty());
        assertThat(client.table(NAMESPACES, Query.ALL).path("rows").size()).isPositive();
        assertThatThrownBy(() -> client.list(new ResourceType("no.dev", "v1", "things"), Query.ALL))
                .isInstanceOfSatisfying(
                        ApiException.class, e -> assertThat(e.code()).isEqualTo(404));
    }

    @Test
    void countsEqualEventsTogether() {
        namespace("ev");
        ObjectNode made = client.create(MAPS, map("ev", "a"));
        for (int i = 0; i < 3; i++) {
            client.event(made, "Warning", "Broken", "it broke");
        }
        client.event(made, "Normal", "Fine", "it works");
        assertThat(client.list(EVENTS, Query.namespace("ev")).items())
                .extracting(
                        e -> e.path("reason").asText() + " " + e.path("count").asInt())
                .containsExactlyInAnyOrder("Broken 3", "Fine 1");
    }

    @Test
    void collectsGarbage() throws Exception {
        namespace("gc");
        ObjectNode owner = client.create(MAPS, map("gc", "owner"));
        ObjectNode dependent = map("gc", "dependent");
        dependent
                .withObject("/metadata")
                .putArray("ownerReferences")
                .addObject()
                .put("apiVersion", "v1")
                .put("kind", "ConfigMap")
                .put("name", "owner")
                .put("uid", owner.path("metadata").path("uid").asText());
        client.create(MAPS, dependent);
        client.delete(MAPS, "gc", "owner", new Deletion(Deletion.Propagation.FOREGROUND, null));
        eventually(
                Duration.ofSeconds(20),
                () -> client.get(MAPS, "gc", "owner").isEmpty()
                        && client.get(MAPS, "gc", "dependent").isEmpty());
    }

    @Test
    void terminatesNamespaces() throws Exception {
        namespace("end");
        client.create(MAPS, map("end", "a"));
        eventually(
                Duration.ofSeconds(20),
                () -> client.get(new ResourceType("", "v1", "serviceaccounts"), "end", "default")
                        .isPresent());
        assertThat(client.delete(NAMESPACES, "", "end")).isTrue();
        eventually(
                Duration.ofSeconds(20), () -> client.get(NAMESPACES, "", "end").isEmpty());
        assertThat(client.get(MAPS, "end", "a")).isEmpty();
    }
}
