package dev.coppice.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Finds, and removes, what a schema does not know (apiextensions' pruning and object metadata coercion). */
final class Pruning {
    private final boolean remove;
    private final List<String> unknown = new ArrayList<>();
    private final List<String> embedded = new ArrayList<>();

    private Pruning(boolean remove) {
        this.remove = remove;
    }

    static List<String> prune(Schema schema, JsonNode tree, boolean remove) {
        Pruning pruning = new Pruning(remove);
        if (!schema.resourceRoot() || !(tree instanceof ObjectNode root)) {
            pruning.visit(tree, schema, "");
            return pruning.found(List.of(), !schema.definition());
        }
        Pruning metadata = new Pruning(remove);
        Schema metadataSchema = schema.property("metadata");
        JsonNode metadataTree = root.get("metadata");
        if (metadataSchema != null && metadataTree != null) {
            metadata.visit(metadataTree, metadataSchema, "metadata");
        }
        pruning.object(root, schema, "", true);
        return pruning.found(metadata.unknown, true);
    }

    private List<String> found(List<String> first, boolean sort) {
        List<String> all = new ArrayList<>(first);
        if (sort) {
            Collections.sort(unknown);
        }
        all.addAll(unknown);
        all.addAll(embedded);
        return List.copyOf(all);
    }

    private void visit(JsonNode tree, @Nullable Schema schema, String path) {
        if (tree instanceof ObjectNode object) {
            object(object, schema, path, schema != null && schema.embeddedResource());
        } else if (tree instanceof ArrayNode array) {
            Schema items = schema == null ? null : schema.items();
            if (schema != null && items == null && keeps(schema)) {
                return;
            }
            for (int i = 0; i < array.size(); i++) {
                visit(array.get(i), items, path + "[" + i + "]");
            }
        }
    }

    private void object(ObjectNode object, @Nullable Schema schema, String path, boolean resource) {
        if (resource && !path.isEmpty() && object.get("metadata") instanceof ObjectNode metadata) {
            Pruning inner = new Pruning(remove);
            inner.visit(metadata, ObjectMetaSchema.schema(), path + ".metadata");
            embedded.addAll(inner.unknown);
        }
        boolean keep = schema != null && keeps(schema);
        for (String name : names(object)) {
            if (resource && isMeta(name)) {
                continue;
            }
            String at = path.isEmpty() ? name : path + "." + name;
            Schema child = schema == null ? null : schema.field(name);
            JsonNode value = object.get(name);
            if (child != null && value != null) {
                visit(value, child, at);
            } else if (!keep) {
                unknown.add(at);
                if (remove) {
                    object.remove(name);
                }
            }
        }
    }

    /** Built-in types write "anything" as an object without fields, or without a type. */
    private static boolean keeps(Schema schema) {
        return schema.preservesUnknown()
                || schema.definition()
                        && schema.properties().isEmpty()
                        && schema.additionalProperties() == null
                        && schema.items() == null;
    }

    private static List<String> names(ObjectNode object) {
        List<String> names = new ArrayList<>(object.size());
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    private static boolean isMeta(String name) {
        return name.equals("metadata") || name.equals("apiVersion") || name.equals("kind");
    }
}
