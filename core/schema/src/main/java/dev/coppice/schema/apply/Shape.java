package dev.coppice.schema.apply;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Schema;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** How structured-merge-diff treats a value: as a whole, or by its fields, keys or items. */
enum Shape {
    SCALAR,
    ATOMIC_LIST,
    SET,
    KEYED_LIST,
    ATOMIC_MAP,
    MAP;

    /** The shape of a value under a schema; a missing schema, or one of anything, is deduced from the value. */
    static Shape of(@Nullable Schema schema, @Nullable JsonNode value) {
        if (schema == null || deduced(schema)) {
            return value == null ? SCALAR : value.isObject() ? MAP : value.isArray() ? ATOMIC_LIST : SCALAR;
        }
        return switch (schema.type()) {
            case "object" -> schema.mapType().equals("atomic") ? ATOMIC_MAP : MAP;
            case "array" ->
                switch (schema.listType()) {
                    case "set" -> SET;
                    case "map" -> KEYED_LIST;
                    default -> ATOMIC_LIST;
                };
            default -> SCALAR;
        };
    }

    static boolean deduced(Schema schema) {
        return schema.type().isEmpty() && !schema.intOrString();
    }

    boolean isMap() {
        return this == MAP || this == ATOMIC_MAP;
    }

    boolean isList() {
        return this == SET || this == KEYED_LIST || this == ATOMIC_LIST;
    }

    /** The schema of a field, with "anything" for the unknown fields of objects that keep them; null when not declared. */
    static @Nullable Schema field(@Nullable Schema schema, String name) {
        if (schema == null) {
            return Anything.SCHEMA;
        }
        Schema child = schema.field(name);
        if (child != null) {
            return child;
        }
        boolean open = schema.preservesUnknown()
                || deduced(schema)
                || schema.definition() && schema.properties().isEmpty();
        return open ? Anything.SCHEMA : null;
    }

    /** The path element of a list item. */
    static PathElement item(Shape shape, Schema list, JsonNode item) throws UnidentifiedItemException {
        return shape == SET ? setItem(item) : keyedItem(list, item);
    }

    private static PathElement setItem(JsonNode item) throws UnidentifiedItemException {
        if (item.isObject()) {
            throw new UnidentifiedItemException("associative list without keys has an element that's a map type");
        }
        if (item.isArray()) {
            throw new UnidentifiedItemException("not supported: associative list with lists as elements");
        }
        if (item.isNull()) {
            throw new UnidentifiedItemException("associative list without keys has an element that's an explicit null");
        }
        return new PathElement.Item(item);
    }

    private static PathElement keyedItem(Schema list, JsonNode item) throws UnidentifiedItemException {
        if (item.isNull()) {
            throw new UnidentifiedItemException("associative list with keys may not have a null element");
        }
        if (!item.isObject()) {
            throw new UnidentifiedItemException("associative list with keys may not have non-map elements");
        }
        TreeMap<String, JsonNode> found = new TreeMap<>();
        for (String key : list.listMapKeys()) {
            JsonNode value = item.get(key);
            Schema items = list.items();
            Schema property = items == null ? null : items.property(key);
            JsonNode fallback = property == null ? null : property.defaultValue();
            if (value == null && fallback == null) {
                throw new UnidentifiedItemException("associative list with keys has an element that omits key field \""
                        + key + "\" (and doesn't have default value)");
            }
            found.put(key, value != null ? value : fallback);
        }
        ObjectNode keys = JsonNodeFactory.instance.objectNode();
        found.forEach(keys::set);
        return new PathElement.Keyed(keys);
    }

    /** A list item that its list cannot tell from others. */
    static final class UnidentifiedItemException extends Exception {
        private static final long serialVersionUID = 1L;

        UnidentifiedItemException(String message) {
            super(message, null, false, false);
        }
    }

    /** Holds the open schema from first use on. */
    private static final class Anything {
        static final Schema SCHEMA = Schema.any();
    }
}
