package dev.coppice.control.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.ResourceType;

/** Adds finalizers to objects and takes them off. A finalizer holds a deleted object until its controller cleaned up. */
public final class Finalizers {
    private Finalizers() {}

    public static boolean has(ObjectNode object, String finalizer) {
        for (JsonNode each : object.path("metadata").path("finalizers")) {
            if (each.asText().equals(finalizer)) {
                return true;
            }
        }
        return false;
    }

    /** The object with the finalizer, written when it had none. Throws ApiException 409 when it changed meanwhile. */
    public static ObjectNode add(ResourceClient client, ResourceType type, ObjectNode object, String finalizer) {
        if (has(object, finalizer)) {
            return object;
        }
        ArrayNode all = JsonNodeFactory.instance.arrayNode();
        object.path("metadata").path("finalizers").forEach(all::add);
        all.add(finalizer);
        return write(client, type, object, all);
    }

    /** The object without the finalizer, written when it had it. Throws ApiException 409 when it changed meanwhile. */
    public static ObjectNode remove(ResourceClient client, ResourceType type, ObjectNode object, String finalizer) {
        if (!has(object, finalizer)) {
            return object;
        }
        ArrayNode rest = JsonNodeFactory.instance.arrayNode();
        for (JsonNode each : object.path("metadata").path("finalizers")) {
            if (!each.asText().equals(finalizer)) {
                rest.add(each);
            }
        }
        return write(client, type, object, rest);
    }

    private static ObjectNode write(ResourceClient client, ResourceType type, ObjectNode object, ArrayNode finalizers) {
        JsonNode metadata = object.path("metadata");
        ObjectNode patch = JsonNodeFactory.instance.objectNode();
        ObjectNode changed = patch.putObject("metadata");
        changed.set("resourceVersion", metadata.path("resourceVersion"));
        changed.set("uid", metadata.path("uid"));
        changed.set("finalizers", finalizers);
        return client.mergePatch(
                type,
                metadata.path("namespace").asText(""),
                metadata.path("name").asText(),
                null,
                patch);
    }
}
