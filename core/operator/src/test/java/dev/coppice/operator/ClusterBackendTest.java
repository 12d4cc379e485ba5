package dev.coppice.operator;

import static dev.coppice.operator.ServedCluster.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.coppice.control.Controller;
import dev.coppice.control.Extension;
import dev.coppice.control.ExtensionContext;
import dev.coppice.control.Key;
import dev.coppice.control.Kind;
import dev.coppice.control.Permission;
import dev.coppice.control.Reconciler;
import dev.coppice.control.Resource;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.request.Json;
import dev.coppice.control.runtime.ExtensionHost;
import dev.coppice.control.runtime.Finalizers;
import dev.coppice.control.runtime.StatusWriter;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.serving.ConsoleSite;
import dev.coppice.serving.Identity;
import dev.coppice.serving.Routes;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An extension with a controller, unchanged, in another process's API: under the role that it says it needs, and no more. */
class ClusterBackendTest {
    private static final ResourceType MAPS = new ResourceType("", "v1", "configmaps");
    private static final ResourceType EVENTS = new ResourceType("", "v1", "events");
    private static final String RBAC = "rbac.authorization.k8s.io";
    private static final String FINALIZER = "gardens.test.dev/plot";

    record GardenSpec(int plants) {}

    record GardenStatus(int planted) {}

    private static final Kind<GardenSpec, GardenStatus> GARDEN =
            Kind.namespaced("test.dev", "v1", "Garden", GardenSpec.class, GardenStatus.class, "A garden.");

    @TempDir
    static Path directory;

    private static Kernel kernel;
    private static ServedCluster cluster;
    private static ClusterConnection connection;
    private static ExtensionHost host;
    private static final Set<Key> cleaned = ConcurrentHashMap.newKeySet();
    private static final AtomicInteger reconciles = new AtomicInteger();

    /** Keeps a config map for each garden, counts its plants in the status, and cleans up behind a finalizer. */
    private static final class Gardens implements Extension {
        @Override
        public String name() {
            return "gardens";
        }

        @Override
        public List<Permission> permissions() {
            List<Permission> all = new ArrayList<>(Permission.ofController(GARDEN));
            all.add(Permission.namespaced(GARDEN.group(), GARDEN.plural(), "patch"));
            all.add(Permission.namespaced("", "configmaps", "list", "watch", "create", "patch"));
            return List.copyOf(all);
        }

        @Override
        public void start(ExtensionContext context) {
            context.register(GARDEN);
            context.start(Controller.of("garden", GARDEN, this::reconcile).watching(MAPS, Gardens::owner));
        }

        private static List<Key> owner(ObjectNode map) {
            return map.path("metadata").path("labels").path("garden").asBoolean()
                    ? List.of(new Key(Json.text(map, "metadata", "namespace"), Json.text(map, "metadata", "name")))
                    : List.of();
        }

        private Reconciler.Result reconcile(Reconciler.Request<GardenSpec, GardenStatus> request) {
            reconciles.incrementAndGet();
            Optional<Resource<GardenSpec, GardenStatus>> found = request.resource();
            if (found.isEmpty()) {
                return Reconciler.Result.DONE;
            }
            Resource<GardenSpec, GardenStatus> garden = found.get();
            ResourceClient api = request.resources();
            if (garden.deleting()) {
                cleaned.add(request.key());
                ObjectNode _ = Finalizers.remove(api, GARDEN.type(), garden.tree(), FINALIZER);
                return Reconciler.Result.DONE;
            }
            ObjectNode _ = Finalizers.add(api, GARDEN.type(), garden.tree(), FINALIZER);
            ObjectNode map = ClusterResourceClientTest.map(
                    garden.namespace(), garden.name(), "" + garden.spec().plants());
            Json.metadata(map).putObject("labels").put("garden", "true");
            ObjectNode _ = api.apply(MAPS, map, "gardens", true);
            if (new StatusWriter(api)
                    .write(garden, new GardenStatus(garden.spec().plants()))) {
                api.event(garden.tree(), "Normal", "Planted", garden.spec().plants() + " plants");
            }
            return Reconciler.Result.DONE;
        }
    }

    @BeforeAll
    static void start() throws Exception {
        kernel = Kernel.start();
        cluster = new ServedCluster(directory);
        cluster.user("gardener");
        grant("gardener", OperatorRole.yaml("gardens", needed()));
        namespace("ns");
        connection = new ClusterConnection(kernel, kernel.root(), cluster.access("gardener"));
        host = host("areas", new ClusterBackend(connection, List.of(), _ -> true, () -> true));
        host.start(new Gardens());
    }

    private static List<Permission> needed() {
        List<Permission> all = new ArrayList<>(OperatorRole.common());
        all.addAll(OperatorRole.election());
        all.addAll(new Gardens().permissions());
        return all;
    }

    private static ExtensionHost host(String name, ClusterBackend backend) throws Exception {
        Routes unserved = (prefix, handler) -> () -> {};
        return new ExtensionHost(
                kernel,
                kernel.root().startSupervisor(name, SupervisorOptions.DEFAULT),
                backend,
                new ExtensionHost.Surroundings(
                        unserved,
                        unserved,
                        new ConsoleSite(kernel, exchange -> Identity.ANONYMOUS, "Coppice", "test"),
                        directory.resolve(name)));
    }

    /** Applies the YAML of a ClusterRole as it is printed, and binds it. */
    private static void grant(String user, String yaml) throws Exception {
        ObjectNode role = (ObjectNode) new ObjectMapper(new YAMLFactory()).readTree(yaml);
        cluster.local().apply(new ResourceType(RBAC, "v1", "clusterroles"), role, "admin", true);
        ObjectNode binding = Json.object().put("apiVersion", RBAC + "/v1").put("kind", "ClusterRoleBinding");
        binding.putObject("metadata").put("name", user);
        binding.putObject("roleRef")
                .put("apiGroup", RBAC)
                .put("kind", "ClusterRole")
                .put("name", Json.text(role, "metadata", "name"));
        binding.putArray("subjects")
                .addObject()
                .put("kind", "User")
                .put("apiGroup", RBAC)
                .put("name", user);
        cluster.local().apply(new ResourceType(RBAC, "v1", "clusterrolebindings"), binding, "admin", true);
    }

    private static void namespace(String name) {
        ObjectNode namespace = Json.object().put("apiVersion", "v1").put("kind", "Namespace");
        namespace.putObject("metadata").put("name", name);
        cluster.local().create(new ResourceType("", "v1", "namespaces"), namespace);
    }

    @AfterAll
    static void close() {
        host.stop();
        connection.close();
        kernel.close();
        cluster.close();
    }

    private static void garden(String namespace, String name, int plants) {
        ObjectNode garden = Json.object().put("apiVersion", "test.dev/v1").put("kind", "Garden");
        garden.putObject("metadata").put("namespace", namespace).put("name", name);
        garden.putObject("spec").put("plants", plants);
        cluster.local().create(GARDEN.type(), garden);
    }

    private static int planted(String namespace, String name) {
        return cluster.local()
                .get(GARDEN.type(), namespace, name)
                .orElseThrow()
                .path("status")
                .path("planted")
                .asInt(-1);
    }

    @Test
    void theRoleIsEnoughAndChecked() {
        AccessCheck check = new AccessCheck(new ClusterResourceClient(connection, "test", Duration.ofSeconds(20)));
        assertThat(check.missing(needed(), List.of())).isEmpty();
        assertThat(check.missing(List.of(Permission.namespaced("", "secrets", "get")), List.of()))
                .hasSize(1);
    }

    @Test
    void aChangeBecomesStatusAnOwnedObjectAndAnEvent() throws Exception {
        garden("ns", "roses", 7);
        eventually(() -> planted("ns", "roses") == 7);
        ObjectNode seen = cluster.local().get(GARDEN.type(), "ns", "roses").orElseThrow();
        assertThat(seen.path("metadata").path("generation").asInt()).isEqualTo(1);
        assertThat(seen.path("metadata").path("finalizers").path(0).asText()).isEqualTo(FINALIZER);
        eventually(() -> cluster.local().list(EVENTS, Query.namespace("ns")).items().stream()
                .anyMatch(event -> event.path("message").asText().equals("7 plants")));
        boolean _ = cluster.local().delete(MAPS, "ns", "roses");
        eventually(() -> cluster.local().get(MAPS, "ns", "roses").isPresent());
        assertThat(seen.path("metadata").path("managedFields").findValuesAsText("manager"))
                .contains("coppice-gardens");
    }

    @Test
    void aDeletedObjectGoesAfterItsFinalizer() throws Exception {
        garden("ns", "gone", 1);
        eventually(() -> planted("ns", "gone") == 1);
        assertThat(cluster.local().delete(GARDEN.type(), "ns", "gone")).isTrue();
        eventually(() -> cluster.local().get(GARDEN.type(), "ns", "gone").isEmpty());
        assertThat(cleaned).contains(new Key("ns", "gone"));
    }

    @Test
    void aSecondStartFindsTheKindEstablished() throws Exception {
        garden("ns", "kept", 3);
        eventually(() -> planted("ns", "kept") == 3);
        ExtensionHost second = host("second", new ClusterBackend(connection, List.of(), _ -> true, () -> true));
        int before = reconciles.get();
        second.start(new Gardens());
        eventually(() -> reconciles.get() > before);
        second.stop("gardens");
    }

    @Test
    void namesThatAnotherDefinitionHasAreSaid() {
        Kind<GardenSpec, GardenStatus> taken = new Kind<>(
                "test.dev",
                "v1",
                "Garden",
                "othergardens",
                true,
                GardenSpec.class,
                GardenStatus.class,
                "Takes the kind of another.",
                List.of(),
                List.of(),
                List.of());
        ClusterBackend backend = new ClusterBackend(connection, List.of(), _ -> true, () -> true);
        ResourceClient client = backend.client(kernel.root(), "taken");
        client.apply(
                new ResourceType("apiextensions.k8s.io", "v1", "customresourcedefinitions"),
                ExtensionHost.definition(taken),
                "test",
                true);
        assertThatThrownBy(() -> backend.awaitServed(taken, Duration.ofSeconds(20)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContainingAll("othergardens.test.dev", "are not accepted");
    }
}
