package dev.coppice.control.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.ApiServer;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.access.BearerTokens;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.store.Store;
import dev.coppice.store.StoreOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CustomTypesRestartTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final ResourceType CRDS =
            new ResourceType("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    private static final ResourceType TOYS = new ResourceType("example.dev", "v1", "toys");
    private static final String CRD = """
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
             "metadata":{"name":"toys.example.dev"},
             "spec":{"group":"example.dev","scope":"Cluster",
               "names":{"kind":"Toy","listKind":"ToyList","plural":"toys","singular":"toy"},
               "versions":[{"name":"v1","served":true,"storage":true,
                 "schema":{"openAPIV3Schema":{"type":"object"}}}]}}
            """;

    @TempDir
    Path directory;

    private interface Step {
        void on(ResourceClient client) throws Exception;
    }

    private void node(Step step) throws Exception {
        try (Kernel kernel = Kernel.start()) {
            Store store = Store.start(kernel, kernel.root(), StoreOptions.of(directory.resolve("store")));
            ApiServer server = new ApiServer(kernel, store.keyspace("control"), directory.resolve("control"));
            server.start(kernel.root().startSupervisor("control", SupervisorOptions.DEFAULT));
            step.on(server.client(
                    kernel.root().startSupervisor("watches", SupervisorOptions.DEFAULT), BearerTokens.ADMIN, "test"));
        }
    }

    private static ObjectNode tree(String json) throws Exception {
        return (ObjectNode) JSON.readTree(json);
    }

    private static boolean eventually(Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (System.nanoTime() - deadline < 0) {
            if (condition.call()) {
                return true;
            }
            Thread.sleep(5);
        }
        return false;
    }

    private static boolean served(ResourceClient client) {
        return client.types().stream().anyMatch(type -> type.type().equals(TOYS));
    }

    @Test
    void aTypeThatIsBeingDeletedTakesItsObjectsAlongAfterARestart() throws Exception {
        node(client -> {
            client.create(CRDS, tree(CRD));
            assertThat(eventually(() -> served(client))).isTrue();
            client.create(
                    TOYS,
                    tree("{\"apiVersion\":\"example.dev/v1\",\"kind\":\"Toy\","
                            + "\"metadata\":{\"name\":\"bear\",\"finalizers\":[\"example.dev/hold\"]}}"));
            assertThat(client.delete(CRDS, "", "toys.example.dev")).isTrue();
            assertThat(eventually(() -> client.get(TOYS, "", "bear")
                            .orElseThrow()
                            .path("metadata")
                            .has("deletionTimestamp")))
                    .isTrue();
            assertThat(client.get(CRDS, "", "toys.example.dev")
                            .orElseThrow()
                            .path("status")
                            .path("conditions"))
                    .anySatisfy(condition -> {
                        assertThat(condition.path("type").asText()).isEqualTo("Terminating");
                        assertThat(condition.path("status").asText()).isEqualTo("True");
                        assertThat(condition.path("reason").asText()).isEqualTo("InstanceDeletionInProgress");
                    });
            assertThatThrownBy(() -> client.create(
                            TOYS,
                            tree("{\"apiVersion\":\"example.dev/v1\",\"kind\":\"Toy\","
                                    + "\"metadata\":{\"name\":\"late\"}}")))
                    .isInstanceOfSatisfying(ApiException.class, refused -> {
                        assertThat(refused.code()).isEqualTo(405);
                        assertThat(refused.getMessage())
                                .contains("create not allowed while custom resource definition is terminating");
                    });
        });
        node(client -> {
            assertThat(eventually(() -> served(client)))
                    .as("served until it is gone")
                    .isTrue();
            assertThat(client.get(CRDS, "", "toys.example.dev")).isPresent();
            client.mergePatch(TOYS, "", "bear", null, tree("{\"metadata\":{\"finalizers\":null}}"));
            assertThat(eventually(() -> client.get(CRDS, "", "toys.example.dev").isEmpty()))
                    .isTrue();
            client.create(CRDS, tree(CRD));
            assertThat(eventually(() -> {
                        try {
                            return client.list(TOYS, ResourceClient.Query.ALL)
                                    .items()
                                    .isEmpty();
                        } catch (ApiException e) {
                            return false;
                        }
                    }))
                    .isTrue();
        });
    }
}
