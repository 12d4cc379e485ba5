package dev.coppice.schema.patch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Schema;
import dev.coppice.schema.Values;
import dev.coppice.schema.patch.PatchException.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Kubernetes' strategic merge patch: a merge patch in which lists merge by key where the schema says so, with the directives
 * {@code $patch}, {@code $deleteFromPrimitiveList}, {@code $setElementOrder} and {@code $retainKeys}.
 * Pure functions: arguments are not changed.
 *
 * @see <a href="https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md">
 *     Strategic merge patch</a>
 */
public final class StrategicMergePatch {
    private static final String DIRECTIVE = "$patch";
    private static final String RETAIN_KEYS = "$retainKeys";
    private static final String DELETE_PREFIX = "$deleteFromPrimitiveList/";
    private static final String ORDER_PREFIX = "$setElementOrder/";

    private StrategicMergePatch() {}

    /**
     * The original with the patch merged in.
     *
     * @param schema the shape of the object, with patch strategies and merge keys
     * @throws PatchException where a directive or a list item is malformed
     */
    public static ObjectNode apply(Schema schema, ObjectNode original, ObjectNode patch) {
        return mergeMap(original.deepCopy(), patch, schema);
    }

    private static ObjectNode mergeMap(ObjectNode original, ObjectNode patch, @Nullable Schema schema) {
        if (patch.has(DIRECTIVE)) {
            return directive(original, patch);
        }
        ObjectNode result = retain(original, patch);
        for (Map.Entry<String, JsonNode> change : patch.properties()) {
            String name = change.getKey();
            JsonNode value = change.getValue();
            if (name.equals(RETAIN_KEYS) || name.startsWith(ORDER_PREFIX)) {
                continue;
            }
            if (name.startsWith(DELETE_PREFIX)) {
                deletePrimitives(result, name.substring(DELETE_PREFIX.length()), value);
                continue;
            }
            if (value.isNull()) {
                result.remove(name);
                continue;
            }
            mergeField(result, name, value, patch, schema == null ? null : schema.field(name));
        }
        reorderUntouched(result, patch, schema);
        return result;
    }

    private static void mergeField(
            ObjectNode result, String name, JsonNode value, ObjectNode patch, @Nullable Schema schema) {
        JsonNode before = result.get(name);
        boolean replaces = schema != null && strategies(schema).contains("replace");
        if (value instanceof ObjectNode changes) {
            ObjectNode base = before instanceof ObjectNode object && !replaces ? object : result.objectNode();
            result.set(name, mergeMap(base, changes, schema));
        } else if (value instanceof ArrayNode changes) {
            ArrayNode base = before instanceof ArrayNode array ? array : result.arrayNode();
            result.set(name, mergeList(base, changes, patch.get(ORDER_PREFIX + name), schema, name));
        } else {
            result.set(name, value.deepCopy());
        }
    }

    private static ObjectNode directive(ObjectNode original, ObjectNode patch) {
        String directive = patch.path(DIRECTIVE).asText();
        return switch (directive) {
            case "replace" -> {
                ObjectNode replacement = patch.deepCopy();
                replacement.remove(DIRECTIVE);
                yield replacement;
            }
            case "delete" -> original.objectNode();
            case "merge" -> {
                ObjectNode rest = patch.deepCopy();
                rest.remove(DIRECTIVE);
                yield mergeMap(original, rest, null);
            }
            default ->
                throw malformed("unknown patch type: " + directive + " (expected one of replace, delete, merge)");
        };
    }

    private static ObjectNode retain(ObjectNode original, ObjectNode patch) {
        JsonNode keys = patch.get(RETAIN_KEYS);
        if (keys == null) {
            return original;
        }
        if (!keys.isArray()) {
            throw malformed("$retainKeys must be a list of field names");
        }
        List<String> names = new ArrayList<>();
        keys.forEach(key -> names.add(key.asText()));
        patch.fieldNames().forEachRemaining(name -> {
            if (!name.startsWith("$") && !patch.path(name).isNull() && !names.contains(name)) {
                throw malformed("the patch sets " + name + ", which is not in $retainKeys");
            }
        });
        original.retain(names);
        return original;
    }

    private static void deletePrimitives(ObjectNode result, String name, JsonNode values) {
        if (!(values instanceof ArrayNode deleted)) {
            throw malformed("$deleteFromPrimitiveList/" + name + " must be a list");
        }
        if (result.get(name) instanceof ArrayNode list) {
            result.set(name, without(list, deleted));
        }
    }

    private static ArrayNode without(ArrayNode list, ArrayNode deleted) {
        ArrayNode kept = list.arrayNode();
        for (JsonNode item : list) {
            if (!contains(deleted, item)) {
                kept.add(item);
            }
        }
        return kept;
    }

    private static boolean contains(ArrayNode list, JsonNode value) {
        for (JsonNode item : list) {
            if (Values.same(item, value)) {
                return true;
            }
        }
        return false;
    }

    private static ArrayNode mergeList(
            ArrayNode original, ArrayNode patch, @Nullable JsonNode order, @Nullable Schema schema, String name) {
        if (schema == null || !strategies(schema).contains("merge")) {
            return replaced(patch);
        }
        String key = schema.patchMergeKey();
        if (key.isEmpty()) {
            return mergePrimitives(original, patch, order);
        }
        return mergeObjects(original, patch, order, schema, key, name);
    }

    private static ArrayNode replaced(ArrayNode patch) {
        ArrayNode result = patch.arrayNode();
        for (JsonNode item : patch) {
            if (!(item.isObject() && item.has(DIRECTIVE))) {
                result.add((JsonNode) item.deepCopy());
            }
        }
        return result;
    }

    /** New items come first, in the patch's order, as Kubernetes has it for lists without an explicit order. */
    private static ArrayNode mergePrimitives(ArrayNode original, ArrayNode patch, @Nullable JsonNode order) {
        ArrayNode merged = original.deepCopy();
        for (JsonNode item : patch) {
            if (!contains(merged, item)) {
                merged.add((JsonNode) item.deepCopy());
            }
        }
        List<JsonNode> wanted = order instanceof ArrayNode list ? items(list) : items(patch);
        return ordered(merged, original, wanted, "");
    }

    private static ArrayNode mergeObjects(
            ArrayNode original, ArrayNode patch, @Nullable JsonNode order, Schema schema, String key, String name) {
        ArrayNode merged = original.deepCopy();
        List<JsonNode> additions = new ArrayList<>();
        boolean replace = false;
        for (JsonNode item : patch) {
            if (!(item instanceof ObjectNode object)) {
                throw malformed("the items of " + name + " must be objects with the field " + key);
            }
            String directive = Values.text(object, DIRECTIVE);
            JsonNode id = object.get(key);
            if (directive.equals("replace")) {
                replace = true;
            } else if (id == null) {
                throw malformed("map: " + Values.goSyntax(object).replaceFirst("^map\\[string]interface \\{}", "map")
                        + " does not contain declared merge key: " + key);
            } else if (directive.equals("delete")) {
                removeByKey(merged, key, id);
            } else {
                additions.add(object);
            }
        }
        if (replace) {
            ArrayNode replacement = patch.arrayNode();
            additions.forEach(item -> replacement.add((JsonNode) item.deepCopy()));
            return replacement;
        }
        for (JsonNode item : additions) {
            mergeItem(merged, (ObjectNode) item, schema, key);
        }
        List<JsonNode> wanted = order instanceof ArrayNode list ? items(list) : additions;
        return ordered(merged, original, wanted, key);
    }

    private static void mergeItem(ArrayNode merged, ObjectNode item, Schema schema, String key) {
        JsonNode id = item.get(key);
        for (int i = 0; i < merged.size(); i++) {
            if (merged.get(i) instanceof ObjectNode existing && Values.same(existing.get(key), id)) {
                merged.set(i, mergeMap(existing, item, schema.items()));
                return;
            }
        }
        merged.add(mergeMap(item.objectNode(), item, schema.items()));
    }

    private static void removeByKey(ArrayNode list, String key, JsonNode id) {
        for (int i = list.size() - 1; i >= 0; i--) {
            if (list.get(i).isObject() && Values.same(list.get(i).get(key), id)) {
                list.remove(i);
            }
        }
    }

    /** Items named by the patch follow its order; the others keep their places relative to their neighbours. */
    private static ArrayNode ordered(ArrayNode merged, ArrayNode original, List<JsonNode> wanted, String key) {
        List<JsonNode> named = new ArrayList<>();
        List<JsonNode> others = items(merged);
        for (JsonNode want : wanted) {
            JsonNode found = find(others, want, key);
            if (found != null) {
                named.add(found);
                others.removeIf(other -> other == found);
            }
        }
        List<JsonNode> live = items(original);
        ArrayNode result = merged.arrayNode();
        int n = 0;
        int o = 0;
        while (n < named.size() && o < others.size()) {
            int namedAt = position(live, named.get(n), key);
            int otherAt = position(live, others.get(o), key);
            if (namedAt < 0 || otherAt < 0 || namedAt < otherAt) {
                result.add(named.get(n++));
            } else {
                result.add(others.get(o++));
            }
        }
        while (n < named.size()) {
            result.add(named.get(n++));
        }
        while (o < others.size()) {
            result.add(others.get(o++));
        }
        return result;
    }

    private static @Nullable JsonNode find(List<JsonNode> items, JsonNode want, String key) {
        int at = position(items, want, key);
        return at < 0 ? null : items.get(at);
    }

    private static int position(List<JsonNode> items, JsonNode want, String key) {
        for (int i = 0; i < items.size(); i++) {
            JsonNode item = items.get(i);
            if (key.isEmpty() ? Values.same(item, want) : Values.same(item.get(key), want.get(key))) {
                return i;
            }
        }
        return -1;
    }

    /** {@code $setElementOrder} without changes of the list itself only reorders it. */
    private static void reorderUntouched(ObjectNode result, ObjectNode patch, @Nullable Schema schema) {
        for (Map.Entry<String, JsonNode> change : patch.properties()) {
            if (!change.getKey().startsWith(ORDER_PREFIX)) {
                continue;
            }
            String name = change.getKey().substring(ORDER_PREFIX.length());
            Schema field = schema == null ? null : schema.field(name);
            if (!(change.getValue() instanceof ArrayNode order)) {
                throw malformed(change.getKey() + " must be a list");
            }
            if (!patch.has(name) && result.get(name) instanceof ArrayNode list) {
                String key = field == null ? "" : field.patchMergeKey();
                result.set(name, ordered(list, list, items(order), key));
            }
        }
    }

    private static List<JsonNode> items(ArrayNode array) {
        List<JsonNode> items = new ArrayList<>(array.size());
        array.forEach(items::add);
        return items;
    }

    private static List<String> strategies(Schema schema) {
        return List.of(schema.patchStrategy().split(",", -1));
    }

    private static PatchException malformed(String message) {
        return new PatchException(Kind.MALFORMED, message);
    }
}
