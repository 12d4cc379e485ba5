package dev.coppice.schema.patch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Values;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** JSON merge patch (RFC 7386). Pure functions: neither argument is changed. */
public final class MergePatch {
    private MergePatch() {}

    /** The target with the patch merged in: nulls remove fields, objects merge, everything else replaces. */
    public static JsonNode apply(@Nullable JsonNode target, JsonNode patch) {
        if (!(patch instanceof ObjectNode changes)) {
            return patch.deepCopy();
        }
        ObjectNode result =
                target instanceof ObjectNode object ? object.deepCopy() : JsonNodeFactory.instance.objectNode();
        for (Map.Entry<String, JsonNode> change : changes.properties()) {
            if (change.getValue().isNull()) {
                result.remove(change.getKey());
            } else {
                result.set(change.getKey(), apply(result.get(change.getKey()), change.getValue()));
            }
        }
        return result;
    }

    /** The patch that makes {@code to} of {@code from}. Nulls in {@code to} cannot be expressed and are left out. */
    public static ObjectNode diff(ObjectNode from, ObjectNode to) {
        ObjectNode patch = from.objectNode();
        for (Map.Entry<String, JsonNode> field : to.properties()) {
            JsonNode before = from.get(field.getKey());
            JsonNode after = field.getValue();
            if (before instanceof ObjectNode a && after instanceof ObjectNode b) {
                ObjectNode inner = diff(a, b);
                if (!inner.isEmpty()) {
                    patch.set(field.getKey(), inner);
                }
            } else if (!Values.same(before, after) && !after.isNull()) {
                patch.set(field.getKey(), after.deepCopy());
            }
        }
        from.fieldNames().forEachRemaining(name -> {
            if (!to.has(name)) {
                patch.putNull(name);
            }
        });
        return patch;
    }
}
