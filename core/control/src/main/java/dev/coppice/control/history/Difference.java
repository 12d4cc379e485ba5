package dev.coppice.control.history;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What differs between two states of an object, exactly: applied to the first it gives the second, reversed it gives the first
 * of the second. Lists of one length are compared item by item, others are one field. Immutable.
 */
public record Difference(List<Field> fields) {
    public static final Difference NONE = new Difference(List.of());

    /**
     * A field that differs.
     *
     * @param path names of fields and positions in lists (as numbers), from the root
     * @param before null: was not there
     * @param after null: is not there
     */
    public record Field(
            List<Object> path,
            @Nullable JsonNode before,
            @Nullable JsonNode after) {
        /** Such as {@code spec.ports[0].name}; names with dots stand in brackets. */
        public String shown() {
            StringBuilder text = new StringBuilder();
            for (Object step : path) {
                if (step instanceof Integer position) {
                    text.append('[').append(position).append(']');
                } else if (step.toString().matches("[A-Za-z0-9_-]+")) {
                    text.append(text.isEmpty() ? "" : ".").append(step);
                } else {
                    text.append('[')
                            .append(Json.text(JsonNodeFactory.instance.textNode(step.toString())))
                            .append(']');
                }
            }
            return text.toString();
        }

        Field reversed() {
            return new Field(path, after, before);
        }

        /** Whether one of the two lies in the other, or both are the same. */
        boolean touches(Field other) {
            int common = Math.min(path.size(), other.path.size());
            return path.subList(0, common).equals(other.path.subList(0, common));
        }
    }

    /** What leads from one state to the other. */
    public static Difference between(ObjectNode before, ObjectNode after) {
        List<Field> fields = new ArrayList<>();
        compare(new ArrayList<>(), before, after, fields);
        return new Difference(List.copyOf(fields));
    }

    private static void compare(
            List<Object> path, @Nullable JsonNode before, @Nullable JsonNode after, List<Field> to) {
        if (Objects.equals(before, after)) {
            return;
        }
        if (before instanceof ObjectNode old && after instanceof ObjectNode fresh) {
            Set<String> names = new LinkedHashSet<>();
            old.fieldNames().forEachRemaining(names::add);
            fresh.fieldNames().forEachRemaining(names::add);
            for (String name : names) {
                path.add(name);
                compare(path, old.get(name), fresh.get(name), to);
                path.removeLast();
            }
        } else if (before instanceof ArrayNode old && after instanceof ArrayNode fresh && old.size() == fresh.size()) {
            for (int i = 0; i < old.size(); i++) {
                path.add(i);
                compare(path, old.get(i), fresh.get(i), to);
                path.removeLast();
            }
        } else {
            to.add(new Field(List.copyOf(path), before, after));
        }
    }

    public Difference reversed() {
        return new Difference(fields.stream().map(Field::reversed).toList());
    }

    /**
     * The state after the change; {@code before} is not changed.
     *
     * @throws IllegalStateException when it was not made of that state
     */
    public ObjectNode applied(ObjectNode before) {
        ObjectNode result = before.deepCopy();
        for (Field each : fields) {
            set(result, each);
        }
        return result;
    }

    private static void set(ObjectNode root, Field field) {
        JsonNode at = root;
        for (int i = 0; i < field.path.size() - 1; i++) {
            at = step(at, field.path.get(i));
        }
        JsonNode value = field.after == null ? null : field.after.deepCopy();
        Object last = field.path.isEmpty() ? "" : field.path.getLast();
        if (at instanceof ObjectNode object && last instanceof String name && !field.path.isEmpty()) {
            if (value == null) {
                object.remove(name);
            } else {
                object.set(name, value);
            }
        } else if (at instanceof ArrayNode list
                && last instanceof Integer position
                && value != null
                && position < list.size()) {
            list.set(position, value);
        } else {
            throw new IllegalStateException("the change of " + field.shown() + " does not fit the object");
        }
    }

    private static JsonNode step(JsonNode at, Object step) {
        JsonNode next = step instanceof Integer position ? at.get(position) : at.get(step.toString());
        if (next == null) {
            throw new IllegalStateException("there is no " + step + " where the change expects it");
        }
        return next;
    }

    /** The value of a field of a state; null when it is not there. */
    static @Nullable JsonNode value(JsonNode state, List<Object> path) {
        JsonNode at = state;
        for (Object step : path) {
            at = step instanceof Integer position ? at.get(position) : at.get(step.toString());
            if (at == null) {
                return null;
            }
        }
        return at;
    }

    /** As it is kept. */
    ArrayNode tree() {
        ArrayNode all = Json.array();
        for (Field each : fields) {
            ObjectNode one = all.addObject();
            ArrayNode path = one.putArray("p");
            for (Object step : each.path) {
                if (step instanceof Integer position) {
                    path.add(position);
                } else {
                    path.add(step.toString());
                }
            }
            put(one, "b", each.before);
            put(one, "a", each.after);
        }
        return all;
    }

    private static void put(ObjectNode to, String name, @Nullable JsonNode value) {
        if (value != null) {
            to.set(name, value);
        }
    }

    /** Reads what {@link #tree} made. */
    static Difference of(JsonNode tree) {
        List<Field> fields = new ArrayList<>();
        for (JsonNode one : tree) {
            List<Object> path = new ArrayList<>();
            for (JsonNode step : one.path("p")) {
                path.add(step.isInt() ? (Object) step.asInt() : step.asText());
            }
            fields.add(new Field(List.copyOf(path), one.get("b"), one.get("a")));
        }
        return new Difference(List.copyOf(fields));
    }
}
