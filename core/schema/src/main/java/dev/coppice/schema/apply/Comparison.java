package dev.coppice.schema.apply;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Schema;
import dev.coppice.schema.Values;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What changed from one typed tree to another. Immutable. */
record Comparison(FieldSet added, FieldSet modified, FieldSet removed) {

    static Comparison of(Schema schema, JsonNode before, JsonNode after) {
        Walk walk = new Walk();
        walk.compare(schema, before, after);
        return new Comparison(walk.added.build(), walk.modified.build(), walk.removed.build());
    }

    /** Without the given paths and all below them. */
    Comparison without(FieldSet ignored) {
        return ignored.isEmpty()
                ? this
                : new Comparison(
                        added.recursiveDifference(ignored),
                        modified.recursiveDifference(ignored),
                        removed.recursiveDifference(ignored));
    }

    private static final class Walk {
        final FieldSet.Builder added = new FieldSet.Builder();
        final FieldSet.Builder modified = new FieldSet.Builder();
        final FieldSet.Builder removed = new FieldSet.Builder();
        private final List<PathElement> path = new ArrayList<>();

        void compare(@Nullable Schema schema, @Nullable JsonNode before, @Nullable JsonNode after) {
            Shape left = Shape.of(schema, before);
            Shape right = Shape.of(schema, after);
            boolean leaf;
            if (after == null) {
                leaf = descend(schema, left, before, null);
            } else if (before == null || left == right) {
                leaf = descend(schema, right, before, after);
            } else {
                leaf = descend(schema, left, before, after) | descend(schema, right, before, after);
            }
            if (!leaf && !path.isEmpty()) {
                if (before == null) {
                    added.add(path);
                } else if (after == null) {
                    removed.add(path);
                }
            }
        }

        private boolean descend(
                @Nullable Schema schema, Shape shape, @Nullable JsonNode before, @Nullable JsonNode after) {
            if (shape == Shape.MAP && !(isBlank(before) && isBlank(after))) {
                fields(schema, before instanceof ObjectNode b ? b : null, after instanceof ObjectNode a ? a : null);
                return false;
            }
            if ((shape == Shape.SET || shape == Shape.KEYED_LIST)
                    && schema != null
                    && !(isBlank(before) && isBlank(after))) {
                items(schema, shape, before instanceof ArrayNode b ? b : null, after instanceof ArrayNode a ? a : null);
                return false;
            }
            leaf(before, after);
            return true;
        }

        /** Missing, null and empty: such pairs are leaves, so that empty and null stay distinct. */
        private static boolean isBlank(@Nullable JsonNode value) {
            return value == null || !value.isContainerNode() || value.isEmpty();
        }

        private void leaf(@Nullable JsonNode before, @Nullable JsonNode after) {
            if (path.isEmpty()) {
                return;
            }
            if (before == null) {
                added.add(path);
            } else if (after == null) {
                removed.add(path);
            } else if (!Values.same(before, after)) {
                modified.add(path);
            }
        }

        private void fields(@Nullable Schema schema, @Nullable ObjectNode before, @Nullable ObjectNode after) {
            TreeSet<String> names = new TreeSet<>();
            if (before != null) {
                before.fieldNames().forEachRemaining(names::add);
            }
            if (after != null) {
                after.fieldNames().forEachRemaining(names::add);
            }
            for (String name : names) {
                path.add(new PathElement.Field(name));
                compare(
                        Shape.field(schema, name),
                        before == null ? null : before.get(name),
                        after == null ? null : after.get(name));
                path.removeLast();
            }
        }

        private void items(Schema schema, Shape shape, @Nullable ArrayNode before, @Nullable ArrayNode after) {
            TreeMap<PathElement, List<JsonNode>> left =
                    before == null ? new TreeMap<>() : Trees.index(schema, shape, before);
            TreeMap<PathElement, List<JsonNode>> right =
                    after == null ? new TreeMap<>() : Trees.index(schema, shape, after);
            TreeSet<PathElement> all = new TreeSet<>(left.keySet());
            all.addAll(right.keySet());
            for (PathElement element : all) {
                List<JsonNode> lefts = left.getOrDefault(element, List.of());
                List<JsonNode> rights = right.getOrDefault(element, List.of());
                path.add(element);
                if (lefts.size() <= 1 && rights.size() <= 1) {
                    compare(
                            schema.items(),
                            lefts.isEmpty() ? null : lefts.getFirst(),
                            rights.isEmpty() ? null : rights.getFirst());
                } else {
                    duplicates(schema, lefts, rights);
                }
                path.removeLast();
            }
        }

        /** Items with equal keys are compared as one. */
        private void duplicates(Schema schema, List<JsonNode> before, List<JsonNode> after) {
            if (before.isEmpty()) {
                added.add(path);
            } else if (after.isEmpty()) {
                removed.add(path);
            } else if (after.size() == 1) {
                added.add(path);
                Trees.collect(schema.items(), after.getFirst(), path, added);
            } else if (before.size() == 1) {
                Trees.collect(schema.items(), before.getFirst(), path, removed);
                added.add(path);
            } else {
                boolean same = before.size() == after.size();
                for (int i = 0; same && i < before.size(); i++) {
                    same = Values.same(before.get(i), after.get(i));
                }
                if (!same) {
                    modified.add(path);
                }
            }
        }
    }
}
