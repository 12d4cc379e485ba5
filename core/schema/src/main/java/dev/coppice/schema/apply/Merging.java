package dev.coppice.schema.apply;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Schema;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Merges an applied tree into a live one: maps and associative lists by their parts, everything else as a whole. */
final class Merging {
    private Merging() {}

    static @Nullable JsonNode merge(@Nullable Schema schema, @Nullable JsonNode live, @Nullable JsonNode applied) {
        if (applied == null) {
            return live;
        }
        Shape shape = Shape.of(schema, applied);
        boolean blank = isBlank(live) && isBlank(applied);
        if (shape == Shape.MAP && !blank) {
            return fields(schema, live instanceof ObjectNode o ? o : null, applied instanceof ObjectNode o ? o : null);
        }
        if ((shape == Shape.SET || shape == Shape.KEYED_LIST) && !blank && schema != null) {
            return items(
                    schema, shape, live instanceof ArrayNode a ? a : null, applied instanceof ArrayNode a ? a : null);
        }
        return applied;
    }

    private static boolean isBlank(@Nullable JsonNode value) {
        return value == null || !value.isContainerNode() || value.isEmpty();
    }

    private static JsonNode fields(@Nullable Schema schema, @Nullable ObjectNode live, @Nullable ObjectNode applied) {
        Map<String, JsonNode> merged = new LinkedHashMap<>();
        if (live != null) {
            live.properties().forEach(e -> merged.put(e.getKey(), e.getValue()));
        }
        if (applied != null) {
            for (Map.Entry<String, JsonNode> field : applied.properties()) {
                JsonNode value =
                        merge(Shape.field(schema, field.getKey()), merged.get(field.getKey()), field.getValue());
                if (value != null) {
                    merged.put(field.getKey(), value);
                }
            }
        }
        ObjectNode out = JsonNodeFactory.instance.objectNode();
        out.setAll(merged);
        return out;
    }

    private static JsonNode items(Schema schema, Shape shape, @Nullable ArrayNode live, @Nullable ArrayNode applied) {
        ArrayNode left = live == null ? JsonNodeFactory.instance.arrayNode() : live;
        ArrayNode right = applied == null ? JsonNodeFactory.instance.arrayNode() : applied;
        return new Items(schema, shape, left, right).merge();
    }

    /**
     * The order of a merged list: shared items in the applied order, live items where they stood relative to their
     * neighbours, new items where the applied list has them.
     */
    private static final class Items {
        private final Schema schema;
        private final ArrayNode live;
        private final List<PathElement> lefts = new ArrayList<>();
        private final List<Integer> leftAt = new ArrayList<>();
        private final List<PathElement> rights;
        private final TreeMap<PathElement, List<JsonNode>> liveIndex;
        private final TreeMap<PathElement, List<JsonNode>> appliedIndex;
        private final ArrayNode out = JsonNodeFactory.instance.arrayNode();
        private final List<PathElement> shared = new ArrayList<>();

        Items(Schema schema, Shape shape, ArrayNode live, ArrayNode applied) {
            this.schema = schema;
            this.live = live;
            List<@Nullable PathElement> elements = Trees.elements(schema, shape, live);
            for (int i = 0; i < elements.size(); i++) {
                PathElement element = elements.get(i);
                if (element != null) {
                    lefts.add(element);
                    leftAt.add(i);
                }
            }
            Set<PathElement> distinct = new LinkedHashSet<>();
            for (PathElement element : Trees.elements(schema, shape, applied)) {
                if (element != null) {
                    distinct.add(element);
                }
            }
            this.rights = List.copyOf(distinct);
            this.liveIndex = Trees.index(schema, shape, live);
            this.appliedIndex = Trees.index(schema, shape, applied);
        }

        ArrayNode merge() {
            rights.stream().filter(liveIndex::containsKey).forEach(shared::add);
            TreeSet<PathElement> done = new TreeSet<>();
            int l = 0;
            int r = 0;
            while (l < lefts.size() || r < rights.size()) {
                if (l < lefts.size() && r < rights.size()) {
                    PathElement left = lefts.get(l);
                    if (left.equals(rights.get(r))) {
                        done.add(left);
                        addMerged(left);
                        l++;
                        r++;
                        advance();
                        continue;
                    }
                    if (appliedIndex.containsKey(left)
                            && !shared.isEmpty()
                            && !shared.getFirst().equals(left)) {
                        l++;
                        continue;
                    }
                }
                if (l < lefts.size()) {
                    PathElement left = lefts.get(l);
                    if (!appliedIndex.containsKey(left)) {
                        out.add(live.get(leftAt.get(l)));
                        l++;
                        continue;
                    } else if (done.contains(left)) {
                        l++;
                    }
                }
                if (r < rights.size()) {
                    PathElement right = rights.get(r);
                    done.add(right);
                    addMerged(right);
                    r++;
                    if (!shared.isEmpty() && shared.getFirst().equals(right)) {
                        advance();
                    }
                }
            }
            return out;
        }

        private void advance() {
            if (!shared.isEmpty()) {
                shared.removeFirst();
            }
        }

        private void addMerged(PathElement element) {
            List<JsonNode> before = liveIndex.getOrDefault(element, List.of());
            List<JsonNode> after = appliedIndex.getOrDefault(element, List.of());
            JsonNode merged = Merging.merge(
                    schema.items(),
                    before.size() == 1 ? before.getFirst() : null,
                    after.isEmpty() ? null : after.getFirst());
            if (merged != null) {
                out.add(merged);
            }
        }
    }
}
