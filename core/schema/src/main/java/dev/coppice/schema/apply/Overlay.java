package dev.coppice.schema.apply;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Schema;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Merges a configuration into an object as a server-side apply does, but without owners: nothing is taken away, and nobody owns what is
 * set. What mutating policies do. Atomic lists and maps are refused: setting one would drop what the author did not think of. Pure
 * functions.
 */
public final class Overlay {
    private Overlay() {}

    /**
     * The merged object; the arguments are not changed.
     *
     * @throws ApplyException where one of them does not fit the schema, or the configuration sets something atomic
     */
    public static ObjectNode merge(Schema schema, ObjectNode object, ObjectNode configuration) {
        String errors = TypedCheck.check(schema, configuration, false);
        if (!errors.isEmpty()) {
            throw new ApplyException(true, "failed to convert patch object to typed object: " + errors);
        }
        List<String> atomics = new ArrayList<>();
        find(schema, configuration, "", atomics);
        if (!atomics.isEmpty()) {
            throw new ApplyException(
                    true,
                    "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: "
                            + String.join(", ", atomics));
        }
        errors = TypedCheck.check(schema, object, true);
        if (!errors.isEmpty()) {
            throw new ApplyException(true, "failed to convert original object to typed object: " + errors);
        }
        return Merging.merge(schema, object.deepCopy(), configuration.deepCopy()) instanceof ObjectNode merged
                ? merged
                : object.deepCopy();
    }

    private static void find(@Nullable Schema schema, JsonNode value, String path, List<String> atomics) {
        Shape shape = Shape.of(schema, value);
        if (value instanceof ObjectNode object && shape.isMap()) {
            if (shape == Shape.ATOMIC_MAP) {
                atomics.add(path);
            }
            for (Map.Entry<String, JsonNode> field : object.properties()) {
                Schema child = Shape.field(schema, field.getKey());
                if (child != null) {
                    find(child, field.getValue(), path + "." + field.getKey(), atomics);
                }
            }
        } else if (value instanceof ArrayNode array && shape.isList()) {
            if (shape == Shape.ATOMIC_LIST) {
                atomics.add(path);
            }
            Schema items = schema == null ? null : schema.items();
            for (int i = 0; i < array.size(); i++) {
                find(items, array.get(i), path + "[" + i + "]", atomics);
            }
        }
    }
}
