package dev.coppice.control.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Resource;
import dev.coppice.control.ResourceClient;
import dev.coppice.schema.RecordMapper;

/**
 * Writes statuses, only when they changed and only what changed: a merge patch of the differences, so that it neither
 * conflicts with others' changes nor undoes them. Safe for use by many threads.
 */
public final class StatusWriter {

    private final ResourceClient client;

    public StatusWriter(ResourceClient client) {
        this.client = client;
    }

    /** Writes a status unless the object has it already, or is gone; true when it was written. */
    public <S extends Record, T extends Record> boolean write(Resource<S, T> resource, T status) {
        ObjectNode before = resource.tree().path("status") instanceof ObjectNode known
                ? known
                : JsonNodeFactory.instance.objectNode();
        ObjectNode patch = difference(before, RecordMapper.fromRecord(status));
        if (patch.isEmpty()) {
            return false;
        }
        ObjectNode whole = JsonNodeFactory.instance.objectNode();
        whole.set("status", patch);
        try {
            ObjectNode _ =
                    client.mergePatch(resource.kind().type(), resource.namespace(), resource.name(), "status", whole);
            return true;
        } catch (ApiException e) {
            if (e.code() == 404) {
                return false;
            }
            throw e;
        }
    }

    /** The merge patch (RFC 7386) that makes one object into another; nulls in {@code after} count as left out. */
    static ObjectNode difference(JsonNode before, JsonNode after) {
        ObjectNode patch = JsonNodeFactory.instance.objectNode();
        before.fieldNames().forEachRemaining(name -> {
            if (!after.hasNonNull(name) && before.hasNonNull(name)) {
                patch.putNull(name);
            }
        });
        after.properties().forEach(field -> {
            JsonNode old = before.path(field.getKey());
            JsonNode now = field.getValue();
            if (now.isNull() || same(old, now)) {
                return;
            }
            if (old.isObject() && now.isObject()) {
                ObjectNode inner = difference(old, now);
                if (!inner.isEmpty()) {
                    patch.set(field.getKey(), inner);
                }
            } else {
                patch.set(field.getKey(), now);
            }
        });
        return patch;
    }

    /** Numbers by value, objects with nulls as without. */
    private static boolean same(JsonNode x, JsonNode y) {
        if (x.isNumber() && y.isNumber()) {
            return x.isIntegralNumber() && y.isIntegralNumber()
                    ? x.bigIntegerValue().equals(y.bigIntegerValue())
                    : x.doubleValue() == y.doubleValue();
        }
        if (x.isObject() && y.isObject()) {
            return difference(x, y).isEmpty();
        }
        if (x.isArray() && y.isArray() && x.size() == y.size()) {
            for (int i = 0; i < x.size(); i++) {
                if (!same(x.get(i), y.get(i))) {
                    return false;
                }
            }
            return true;
        }
        return x.equals(y);
    }
}
