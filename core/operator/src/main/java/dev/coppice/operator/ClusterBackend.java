package dev.coppice.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Authorizer;
import dev.coppice.control.ComputedSource;
import dev.coppice.control.Kind;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.runtime.Backend;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Supervisor;
import dev.coppice.operator.ClusterConnection.Call;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/** The resource API of a Kubernetes cluster, for extensions. Safe for use by many threads. */
public final class ClusterBackend implements Backend {
    private static final ResourceType DEFINITIONS =
            new ResourceType("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    private static final Duration LOOK = Duration.ofMillis(200);

    private final Kernel kernel;
    private final ClusterConnection connection;
    private final List<String> namespaces;
    private final Predicate<ResourceType> namespaced;
    private final BooleanSupplier mayWrite;
    private final ResourceClient definitions;
    private final Authorizer authorizer;

    /**
     * A back end.
     *
     * @param namespaces whose objects are seen; empty for all
     * @param namespaced which types have namespaces
     * @param mayWrite asked before every write
     */
    public ClusterBackend(
            ClusterConnection connection,
            List<String> namespaces,
            Predicate<ResourceType> namespaced,
            BooleanSupplier mayWrite) {
        this.kernel = connection.kernel();
        this.connection = connection;
        this.namespaces = List.copyOf(namespaces);
        this.namespaced = namespaced;
        this.mayWrite = mayWrite;
        this.definitions = new ClusterResourceClient(connection, "coppice", ClusterConnection.REQUEST_LIMIT);
        this.authorizer = new ClusterAuthorizer(definitions, kernel.clock());
    }

    @Override
    public ResourceClient client(Supervisor watches, String extension) {
        ResourceClient whole = new ClusterResourceClient(
                connection, "coppice-" + extension, ClusterConnection.REQUEST_LIMIT, mayWrite);
        return namespaces.isEmpty() ? whole : new NamespacedResourceClient(whole, namespaces, namespaced);
    }

    @Override
    public void awaitServed(Kind<?, ?> kind, Duration limit) throws InterruptedException {
        String name = kind.plural() + "." + kind.group();
        long deadline = kernel.clock().nanoTime() + limit.toNanos();
        String last = "it is not there";
        do {
            Optional<ObjectNode> found = definitions.get(DEFINITIONS, "", name);
            JsonNode refused = condition(found, "NamesAccepted");
            if (refused.path("status").asText("").equals("False")) {
                throw new IllegalStateException("the names of CustomResourceDefinition " + name
                        + " are not accepted: " + refused.path("message").asText()
                        + "; another definition in the cluster has them");
            }
            JsonNode established = condition(found, "Established");
            if (established.path("status").asText("").equals("True") && listed(kind)) {
                return;
            }
            last = found.isEmpty()
                    ? last
                    : found.get().path("status").path("conditions").toString();
            kernel.timers().sleep(LOOK);
        } while (kernel.clock().nanoTime() < deadline);
        throw new IllegalStateException(
                "CustomResourceDefinition " + name + " is not Established after " + limit.toSeconds() + " s: " + last);
    }

    private static JsonNode condition(Optional<ObjectNode> definition, String type) {
        if (definition.isPresent()) {
            for (JsonNode each : definition.get().path("status").path("conditions")) {
                if (each.path("type").asText("").equals(type)) {
                    return each;
                }
            }
        }
        return com.fasterxml.jackson.databind.node.MissingNode.getInstance();
    }

    /** A kind is served a moment after it is Established. */
    private boolean listed(Kind<?, ?> kind) {
        String namespace = kind.namespaced() && !namespaces.isEmpty() ? namespaces.getFirst() : "";
        try {
            ObjectNode _ = connection.send(
                    Call.get("list", ClusterPaths.collection(kind.type(), namespace) + "?limit=1"),
                    ClusterConnection.REQUEST_LIMIT);
            return true;
        } catch (ApiException e) {
            if (e.code() == 404) {
                return false;
            }
            throw e;
        }
    }

    @Override
    public void serve(Kind<?, ?> kind, ComputedSource source) {
        throw new IllegalStateException("the objects of " + kind.plural() + "." + kind.group()
                + " are made when somebody asks; only a Coppice node can serve them, not a Kubernetes cluster");
    }

    @Override
    public void withdraw(Kind<?, ?> kind) {
        // Nothing of that sort was served.
    }

    @Override
    public Authorizer authorizer() {
        return authorizer;
    }
}
