package dev.coppice.health.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Resource;
import dev.coppice.control.ResourceClient;
import dev.coppice.schema.RecordMapper;

/** Writes statuses as a merge patch of what differs, so nothing is written when nothing changed. */
final class StatusPatch {
    private StatusPatch() {}

    /** Writes the status unless the object has it, or is gone. */
    static <S extends Record, T extends Record> void write(ResourceClient client, Resource<S, T> resource, T status) {
        JsonNode before = resource.tree().path("status");
        ObjectNode after = RecordMapper.fromRecord(status);
        ObjectNode patch = JsonNodeFactory.instance.objectNode();
        before.properties().forEach(field -> {
            if (!after.hasNonNull(field.getKey())) {
                patch.putNull(field.getKey());
            }
        });
        after.properties().forEach(field -> {
            if (!field.getValue().isNull() && !same(field.getValue(), before.path(field.getKey()))) {
                patch.set(field.getKey(), field.getValue());
            }
        });
        if (patch.isEmpty()) {
            return;
        }
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.set("status", patch);
        try {
            client.mergePatch(resource.kind().type(), resource.namespace(), resource.name(), "status", body);
        } catch (ApiException e) {
            if (e.code() != 404) {
                throw e;
            }
        }
    }

    private static boolean same(JsonNode a, JsonNode b) {
        return a.equals(b)
                || a.isNumber() && b.isNumber() && a.asText().equals(b.asText())
                || a.toString().equals(b.toString());
    }
}
