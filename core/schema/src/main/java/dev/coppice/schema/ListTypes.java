package dev.coppice.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.TreeSet;

/** Checks that sets have no equal items, and lists with keys no items with equal keys. */
final class ListTypes {
    private ListTypes() {}

    static void check(Schema schema, JsonNode tree, String path, List<Cause> causes) {
        if (tree instanceof ObjectNode object) {
            for (String name : Values.sortedNames(object)) {
                Schema child = schema.field(name);
                JsonNode value = object.get(name);
                boolean metadata = name.equals("metadata") && (schema.resourceRoot() || schema.embeddedResource());
                if (child != null && value != null && !metadata) {
                    check(child, value, path.isEmpty() ? name : path + "." + name, causes);
                }
            }
        } else if (tree instanceof ArrayNode array) {
            checkArray(schema, array, path, causes);
        }
    }

    private static void checkArray(Schema schema, ArrayNode array, String path, List<Cause> causes) {
        boolean keyed = schema.listType().equals("map");
        if (keyed || schema.listType().equals("set")) {
            TreeSet<JsonNode> seen = new TreeSet<>(Values::compare);
            for (int i = 0; i < array.size(); i++) {
                JsonNode item = array.get(i);
                JsonNode key = keyed ? keys(schema, item) : item;
                if (!item.isNull() && !seen.add(key)) {
                    causes.add(Cause.duplicate(path + "[" + i + "]", key));
                }
            }
        }
        Schema items = schema.items();
        if (items != null) {
            for (int i = 0; i < array.size(); i++) {
                check(items, array.get(i), path + "[" + i + "]", causes);
            }
        }
    }

    private static JsonNode keys(Schema schema, JsonNode item) {
        ObjectNode keys = JsonNodeFactory.instance.objectNode();
        for (String name : schema.listMapKeys()) {
            JsonNode value = item.get(name);
            if (value != null) {
                keys.set(name, value);
            }
        }
        return keys;
    }
}
