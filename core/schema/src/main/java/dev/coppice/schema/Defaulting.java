package dev.coppice.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Fills in defaults, as apiextensions' structural defaulting does. */
final class Defaulting {
    private Defaulting() {}

    static void apply(Schema schema, JsonNode tree) {
        if (tree instanceof ObjectNode object) {
            applyObject(schema, object);
        } else if (tree instanceof ArrayNode array && schema.items() instanceof Schema items) {
            for (int i = 0; i < array.size(); i++) {
                JsonNode fallback = items.defaultValue();
                if (fallback != null && isForbiddenNull(array.get(i), items)) {
                    array.set(i, (JsonNode) fallback.deepCopy());
                }
                apply(items, array.get(i));
            }
        }
    }

    private static void applyObject(Schema schema, ObjectNode object) {
        for (Map.Entry<String, Schema> property : schema.properties().entrySet()) {
            if (schema.resourceRoot() && property.getKey().equals("metadata")) {
                continue;
            }
            JsonNode fallback = property.getValue().defaultValue();
            if (fallback == null) {
                continue;
            }
            JsonNode present = object.get(property.getKey());
            if (present == null || isForbiddenNull(present, property.getValue())) {
                object.set(property.getKey(), fallback.deepCopy());
            }
        }
        for (Map.Entry<String, JsonNode> field : object.properties()) {
            Schema child = schema.field(field.getKey());
            if (child == null) {
                continue;
            }
            JsonNode fallback = child.defaultValue();
            if (fallback != null && isForbiddenNull(field.getValue(), child)) {
                field.setValue(fallback.deepCopy());
            }
            apply(child, field.getValue());
        }
    }

    /** Removes nulls of fields that are not nullable and have no default. */
    static void dropNulls(Schema schema, JsonNode tree) {
        if (tree instanceof ObjectNode object) {
            List<String> drop = new ArrayList<>();
            for (Map.Entry<String, JsonNode> field : object.properties()) {
                Schema child = schema.field(field.getKey());
                if (child == null) {
                    continue;
                }
                if (isForbiddenNull(field.getValue(), child) && child.defaultValue() == null) {
                    drop.add(field.getKey());
                } else {
                    dropNulls(child, field.getValue());
                }
            }
            object.remove(drop);
        } else if (tree instanceof ArrayNode array && schema.items() instanceof Schema items) {
            array.forEach(item -> dropNulls(items, item));
        }
    }

    private static boolean isForbiddenNull(@Nullable JsonNode value, Schema schema) {
        return value != null && value.isNull() && !schema.nullable() && !isAny(schema);
    }

    private static boolean isAny(Schema schema) {
        return schema.definition() && schema.type().isEmpty() && !schema.intOrString();
    }
}
