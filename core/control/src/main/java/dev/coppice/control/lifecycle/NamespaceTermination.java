package dev.coppice.control.lifecycle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Key;
import dev.coppice.control.Reconciler.Result;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.Deletion;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.ResourceClient.ServedType;
import dev.coppice.kernel.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Empties namespaces that are being deleted, then lets them go. What holds one up is told in its conditions, worded as
 * Kubernetes does (pkg/controller/namespace/deletion).
 */
final class NamespaceTermination {

    static final ResourceType NAMESPACES = new ResourceType("", "v1", "namespaces");
    private static final String FINALIZER = "kubernetes";
    private static final Duration AGAIN = Duration.ofSeconds(1);
    private static final Duration AGAIN_WHEN_HELD = Duration.ofSeconds(5);

    private final ResourceClient client;
    private final Clock clock;

    NamespaceTermination(ResourceClient client, Clock clock) {
        this.client = client;
        this.clock = clock;
    }

    /** What is left of one namespace. */
    private static final class Rest {
        final Map<String, Integer> objects = new TreeMap<>();
        final Map<String, Integer> finalizers = new TreeMap<>();
        final List<String> failures = new ArrayList<>();

        boolean empty() {
            return objects.isEmpty() && failures.isEmpty();
        }
    }

    Result terminate(Key key) {
        Optional<ObjectNode> found = client.get(NAMESPACES, "", key.name());
        if (found.isEmpty() || !found.get().path("metadata").hasNonNull("deletionTimestamp")) {
            return Result.DONE;
        }
        ObjectNode namespace = found.get();
        if (!held(namespace)) {
            return Result.DONE;
        }
        Rest rest = new Rest();
        for (ServedType served : client.types()) {
            if (served.namespaced() && served.verbs().containsAll(List.of("list", "delete"))) {
                empty(served.type(), key.name(), rest);
            }
        }
        if (rest.empty()) {
            finish(namespace);
            return Result.DONE;
        }
        report(namespace, rest);
        return Result.again(rest.finalizers.isEmpty() ? AGAIN : AGAIN_WHEN_HELD);
    }

    private static boolean held(ObjectNode namespace) {
        for (JsonNode each : namespace.path("spec").path("finalizers")) {
            if (each.asText().equals(FINALIZER)) {
                return true;
            }
        }
        return false;
    }

    private void empty(ResourceType type, String namespace, Rest rest) {
        try {
            for (ObjectNode object :
                    client.list(type, Query.namespace(namespace)).items()) {
                if (!object.path("metadata").hasNonNull("deletionTimestamp")) {
                    delete(type, namespace, object);
                }
            }
            for (ObjectNode left : client.list(type, Query.namespace(namespace)).items()) {
                rest.objects.merge(type.plural() + "." + type.group(), 1, Integer::sum);
                for (JsonNode finalizer : left.path("metadata").path("finalizers")) {
                    rest.finalizers.merge(finalizer.asText(), 1, Integer::sum);
                }
            }
        } catch (ApiException e) {
            if (e.code() != 404 && e.code() != 405) {
                rest.failures.add(e.getMessage());
            }
        }
    }

    private void delete(ResourceType type, String namespace, ObjectNode object) {
        try {
            boolean _ = client.delete(
                    type,
                    namespace,
                    object.path("metadata").path("name").asText(),
                    new Deletion(
                            Deletion.Propagation.BACKGROUND,
                            object.path("metadata").path("uid").asText()));
        } catch (ApiException e) {
            if (e.code() != 404 && e.code() != 409) {
                throw e;
            }
        }
    }

    private void finish(ObjectNode namespace) {
        ObjectNode patch = JsonNodeFactory.instance.objectNode();
        ArrayNode rest = JsonNodeFactory.instance.arrayNode();
        for (JsonNode each : namespace.path("spec").path("finalizers")) {
            if (!each.asText().equals(FINALIZER)) {
                rest.add(each);
            }
        }
        patch.putObject("metadata").set("uid", namespace.path("metadata").path("uid"));
        patch.putObject("spec").set("finalizers", rest);
        try {
            ObjectNode _ = client.mergePatch(
                    NAMESPACES, "", namespace.path("metadata").path("name").asText(), "finalize", patch);
        } catch (ApiException e) {
            if (e.code() != 404) {
                throw e;
            }
        }
    }

    private void report(ObjectNode namespace, Rest rest) {
        ArrayNode conditions = JsonNodeFactory.instance.arrayNode();
        JsonNode before = namespace.path("status").path("conditions");
        add(
                conditions,
                before,
                "NamespaceDeletionDiscoveryFailure",
                false,
                "ResourcesDiscovered",
                "All resources successfully discovered");
        add(
                conditions,
                before,
                "NamespaceDeletionGroupVersionParsingFailure",
                false,
                "ParsedGroupVersions",
                "All legacy kube types successfully parsed");
        boolean failed = !rest.failures.isEmpty();
        add(
                conditions,
                before,
                "NamespaceDeletionContentFailure",
                failed,
                failed ? "ContentDeletionFailed" : "ContentDeleted",
                failed
                        ? "Failed to delete all resource types, " + rest.failures.size() + " remaining: "
                                + String.join(", ", rest.failures)
                        : "All content successfully deleted, may be waiting on finalization");
        boolean objects = !rest.objects.isEmpty();
        add(
                conditions,
                before,
                "NamespaceContentRemaining",
                objects,
                objects ? "SomeResourcesRemain" : "ContentRemoved",
                objects
                        ? "Some resources are remaining: " + counted(rest.objects, " has ")
                        : "All content successfully removed");
        boolean finalizers = !rest.finalizers.isEmpty();
        add(
                conditions,
                before,
                "NamespaceFinalizersRemaining",
                finalizers,
                finalizers ? "SomeFinalizersRemain" : "ContentHasNoFinalizers",
                finalizers
                        ? "Some content in the namespace has finalizers remaining: " + counted(rest.finalizers, " in ")
                        : "All content-preserving finalizers finished");
        if (!conditions.equals(before)) {
            ObjectNode patch = JsonNodeFactory.instance.objectNode();
            patch.putObject("status").put("phase", "Terminating").set("conditions", conditions);
            ObjectNode _ = client.mergePatch(
                    NAMESPACES, "", namespace.path("metadata").path("name").asText(), "status", patch);
        }
    }

    private static String counted(Map<String, Integer> counts, String word) {
        return counts.entrySet().stream()
                .map(each -> each.getKey() + word + each.getValue() + " resource instances")
                .collect(Collectors.joining(", "));
    }

    private void add(ArrayNode into, JsonNode before, String type, boolean status, String reason, String message) {
        String word = status ? "True" : "False";
        String since = Instant.ofEpochSecond(clock.now().getEpochSecond()).toString();
        for (JsonNode each : before) {
            if (each.path("type").asText().equals(type)
                    && each.path("status").asText().equals(word)) {
                since = each.path("lastTransitionTime").asText(since);
            }
        }
        into.addObject()
                .put("lastTransitionTime", since)
                .put("message", message)
                .put("reason", reason)
                .put("status", word)
                .put("type", type);
    }
}
