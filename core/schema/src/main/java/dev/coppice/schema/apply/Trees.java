package dev.coppice.schema.apply;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Schema;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The walks over typed trees: to their field sets, and without given paths. */
final class Trees {
    private Trees() {}

    /** The leaves of a tree: scalars, atomic values, empty objects, and items of associative lists. */
    static FieldSet fields(Schema schema, JsonNode tree) {
        FieldSet.Builder set = new FieldSet.Builder();
        collect(schema, tree, new ArrayList<>(), set);
        return set.build();
    }

    /** Adds a value's fields at a path. */
    static void collect(@Nullable Schema schema, JsonNode value, List<PathElement> path, FieldSet.Builder set) {
        Shape shape = Shape.of(schema, value);
        if (shape == Shape.MAP) {
            if (value instanceof ObjectNode object) {
                collectFields(schema, object, path, set);
            }
        } else if (shape == Shape.SET || shape == Shape.KEYED_LIST) {
            if (value instanceof ArrayNode array && schema != null) {
                collectItems(schema, shape, array, path, set);
            }
        } else if (!path.isEmpty()) {
            set.add(path);
        }
    }

    private static void collectFields(
            @Nullable Schema schema, ObjectNode object, List<PathElement> path, FieldSet.Builder set) {
        for (Map.Entry<String, JsonNode> field : object.properties()) {
            path.add(new PathElement.Field(field.getKey()));
            JsonNode value = field.getValue();
            collect(Shape.field(schema, field.getKey()), value, path, set);
            boolean declared = schema != null && schema.property(field.getKey()) != null;
            if (value.isNull() || value.isObject() && value.isEmpty() || !declared) {
                set.add(path);
            }
            path.removeLast();
        }
    }

    private static void collectItems(
            Schema schema, Shape shape, ArrayNode array, List<PathElement> path, FieldSet.Builder set) {
        TreeSet<PathElement> seen = new TreeSet<>();
        TreeSet<PathElement> duplicates = new TreeSet<>();
        List<@Nullable PathElement> elements = elements(schema, shape, array);
        for (PathElement element : elements) {
            if (element != null && !seen.add(element)) {
                duplicates.add(element);
            }
        }
        for (int i = 0; i < array.size(); i++) {
            PathElement element = elements.get(i);
            if (element == null) {
                continue;
            }
            path.add(element);
            if (!duplicates.contains(element)) {
                collect(schema.items(), array.get(i), path, set);
            }
            set.add(path);
            path.removeLast();
        }
    }

    /** The path elements of a list's items; null for items that cannot be told apart. */
    static List<@Nullable PathElement> elements(Schema schema, Shape shape, ArrayNode array) {
        List<@Nullable PathElement> elements = new ArrayList<>(array.size());
        for (JsonNode item : array) {
            try {
                elements.add(Shape.item(shape, schema, item));
            } catch (Shape.UnidentifiedItemException e) {
                elements.add(null);
            }
        }
        return elements;
    }

    /** The items of a list by their path elements; of equal ones, all. */
    static TreeMap<PathElement, List<JsonNode>> index(Schema schema, Shape shape, ArrayNode array) {
        TreeMap<PathElement, List<JsonNode>> index = new TreeMap<>();
        List<@Nullable PathElement> elements = elements(schema, shape, array);
        for (int i = 0; i < array.size(); i++) {
            PathElement element = elements.get(i);
            if (element != null) {
                index.computeIfAbsent(element, _ -> new ArrayList<>()).add(array.get(i));
            }
        }
        return index;
    }

    /** A copy of the tree without the given paths. What becomes empty by that becomes null. */
    static JsonNode without(@Nullable Schema schema, JsonNode value, FieldSet remove) {
        Shape shape = Shape.of(schema, value);
        if (shape == Shape.MAP && value instanceof ObjectNode object) {
            return withoutFields(schema, object, remove);
        }
        if ((shape == Shape.SET || shape == Shape.KEYED_LIST) && value instanceof ArrayNode array && schema != null) {
            return withoutItems(schema, shape, array, remove);
        }
        return shape == Shape.SCALAR ? value : NullNode.getInstance();
    }

    private static JsonNode withoutFields(@Nullable Schema schema, ObjectNode object, FieldSet remove) {
        ObjectNode kept = JsonNodeFactory.instance.objectNode();
        for (Map.Entry<String, JsonNode> field : object.properties()) {
            PathElement element = new PathElement.Field(field.getKey());
            if (remove.has(element)) {
                continue;
            }
            FieldSet below = remove.below(element);
            kept.set(
                    field.getKey(),
                    below.isEmpty()
                            ? field.getValue()
                            : without(Shape.field(schema, field.getKey()), field.getValue(), below));
        }
        return kept.isEmpty() ? NullNode.getInstance() : kept;
    }

    private static JsonNode withoutItems(Schema schema, Shape shape, ArrayNode array, FieldSet remove) {
        ArrayNode kept = JsonNodeFactory.instance.arrayNode();
        List<@Nullable PathElement> elements = elements(schema, shape, array);
        for (int i = 0; i < array.size(); i++) {
            PathElement element = elements.get(i);
            if (element == null || !remove.has(element)) {
                FieldSet below = element == null ? FieldSet.empty() : remove.below(element);
                kept.add(below.isEmpty() ? array.get(i) : without(schema.items(), array.get(i), below));
            }
        }
        return kept.isEmpty() ? NullNode.getInstance() : kept;
    }

    /** A copy without the nulls that {@link #without} left where the original had values. */
    static JsonNode withoutLeftNulls(JsonNode value, @Nullable JsonNode original) {
        if (value instanceof ObjectNode object) {
            ObjectNode kept = JsonNodeFactory.instance.objectNode();
            for (Map.Entry<String, JsonNode> field : object.properties()) {
                JsonNode before = original == null ? null : original.get(field.getKey());
                if (!field.getValue().isNull() || before != null && before.isNull()) {
                    kept.set(field.getKey(), withoutLeftNulls(field.getValue(), before));
                }
            }
            return kept;
        }
        if (value instanceof ArrayNode array && array.valueStream().anyMatch(JsonNode::isNull)) {
            ArrayNode kept = JsonNodeFactory.instance.arrayNode();
            boolean had = original != null && original.valueStream().anyMatch(JsonNode::isNull);
            array.forEach(item -> {
                if (had || !item.isNull()) {
                    kept.add(item);
                }
            });
            return kept;
        }
        return value;
    }
}
