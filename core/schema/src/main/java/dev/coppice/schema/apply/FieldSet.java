package dev.coppice.schema.apply;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Schema;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A set of paths into a tree, kept as a tree itself. A path and paths below it are members independently of each other.
 * Read and written as FieldsV1. Immutable.
 */
public final class FieldSet {
    private static final FieldSet EMPTY = new FieldSet(new TreeSet<>(), new TreeMap<>());

    private final SortedSet<PathElement> members;
    private final SortedMap<PathElement, FieldSet> children;

    private FieldSet(SortedSet<PathElement> members, SortedMap<PathElement, FieldSet> children) {
        this.members = members;
        this.children = children;
    }

    public static FieldSet empty() {
        return EMPTY;
    }

    /** The set of one path of fields. */
    public static FieldSet of(String... fields) {
        Builder builder = new Builder();
        List<PathElement> path = new ArrayList<>();
        for (String field : fields) {
            path.add(new PathElement.Field(field));
        }
        builder.add(path);
        return builder.build();
    }

    /**
     * Reads FieldsV1.
     *
     * @throws IllegalArgumentException where a name is malformed
     */
    public static FieldSet decode(JsonNode fieldsV1) {
        TreeSet<PathElement> members = new TreeSet<>();
        TreeMap<PathElement, FieldSet> children = new TreeMap<>();
        for (Map.Entry<String, JsonNode> field : fieldsV1.properties()) {
            if (field.getKey().equals(".")) {
                continue;
            }
            PathElement element = PathElement.decode(field.getKey());
            JsonNode below = field.getValue();
            if (below.isEmpty() || below.has(".")) {
                members.add(element);
            }
            FieldSet child = decode(below);
            if (!child.isEmpty()) {
                children.put(element, child);
            }
        }
        return new FieldSet(members, children);
    }

    /** Writes FieldsV1. */
    public ObjectNode encode() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        TreeSet<PathElement> all = new TreeSet<>(members);
        all.addAll(children.keySet());
        for (PathElement element : all) {
            FieldSet child = children.get(element);
            ObjectNode below = JsonNodeFactory.instance.objectNode();
            if (child != null) {
                if (members.contains(element)) {
                    below.putObject(".");
                }
                below.setAll(child.encode());
            }
            json.set(element.encoded(), below);
        }
        return json;
    }

    public boolean isEmpty() {
        return members.isEmpty() && children.isEmpty();
    }

    /** Tells whether the path of this one element is a member. */
    public boolean has(PathElement element) {
        return members.contains(element);
    }

    public boolean has(List<PathElement> path) {
        FieldSet at = this;
        for (PathElement element : path.subList(0, path.size() - 1)) {
            at = at.below(element);
        }
        return at.has(path.getLast());
    }

    /** The paths below an element, without it. */
    public FieldSet below(PathElement element) {
        return children.getOrDefault(element, EMPTY);
    }

    public FieldSet union(FieldSet other) {
        TreeSet<PathElement> all = new TreeSet<>(members);
        all.addAll(other.members);
        TreeMap<PathElement, FieldSet> below = new TreeMap<>(children);
        other.children.forEach((element, set) -> below.merge(element, set, FieldSet::union));
        return new FieldSet(all, below);
    }

    public FieldSet intersection(FieldSet other) {
        TreeSet<PathElement> common = new TreeSet<>(members);
        common.retainAll(other.members);
        TreeMap<PathElement, FieldSet> below = new TreeMap<>();
        children.forEach((element, set) -> put(below, element, set.intersection(other.below(element))));
        return new FieldSet(common, below);
    }

    /** The members that are not in the other; what lies below a member of the other stays. */
    public FieldSet difference(FieldSet other) {
        TreeSet<PathElement> rest = new TreeSet<>(members);
        rest.removeAll(other.members);
        TreeMap<PathElement, FieldSet> below = new TreeMap<>();
        children.forEach((element, set) -> put(below, element, set.difference(other.below(element))));
        return new FieldSet(rest, below);
    }

    /** The members that are neither in the other nor below a member of it. */
    public FieldSet recursiveDifference(FieldSet other) {
        TreeSet<PathElement> rest = new TreeSet<>(members);
        rest.removeAll(other.members);
        TreeMap<PathElement, FieldSet> below = new TreeMap<>();
        children.forEach((element, set) -> {
            if (!other.members.contains(element)) {
                put(below, element, set.recursiveDifference(other.below(element)));
            }
        });
        return new FieldSet(rest, below);
    }

    /** This set, and the declared fields of objects on the way to its members. */
    FieldSet withNamedFields(@Nullable Schema schema) {
        TreeSet<PathElement> all = new TreeSet<>(members);
        TreeMap<PathElement, FieldSet> below = new TreeMap<>();
        children.forEach((element, set) -> {
            Schema child = null;
            if (schema != null && element instanceof PathElement.Field field) {
                child = schema.field(field.name());
                if (schema.property(field.name()) != null) {
                    all.add(element);
                }
            } else if (schema != null && element instanceof PathElement.Keyed) {
                child = schema.items();
            }
            below.put(element, set.withNamedFields(child));
        });
        return new FieldSet(all, below);
    }

    private static void put(TreeMap<PathElement, FieldSet> below, PathElement element, FieldSet set) {
        if (!set.isEmpty()) {
            below.put(element, set);
        }
    }

    /** Gives every member path, in order. */
    public void forEach(Consumer<List<PathElement>> action) {
        walk(new ArrayList<>(), action);
    }

    private void walk(List<PathElement> prefix, Consumer<List<PathElement>> action) {
        TreeSet<PathElement> all = new TreeSet<>(members);
        all.addAll(children.keySet());
        for (PathElement element : all) {
            prefix.add(element);
            if (members.contains(element)) {
                action.accept(List.copyOf(prefix));
            }
            below(element).walk(prefix, action);
            prefix.removeLast();
        }
    }

    /** The member paths as Kubernetes prints them, such as {@code .spec.ports[name="http"].port}. */
    public List<String> paths() {
        List<String> paths = new ArrayList<>();
        forEach(path -> paths.add(text(path)));
        return paths;
    }

    static String text(List<PathElement> path) {
        StringBuilder text = new StringBuilder();
        path.forEach(text::append);
        return text.toString();
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof FieldSet set && members.equals(set.members) && children.equals(set.children);
    }

    @Override
    public int hashCode() {
        return members.hashCode() * 31 + children.hashCode();
    }

    @Override
    public String toString() {
        return encode().toString();
    }

    /** Collects paths. Not thread-safe. */
    static final class Builder {
        private final TreeSet<PathElement> members = new TreeSet<>();
        private final TreeMap<PathElement, Builder> children = new TreeMap<>();

        void add(List<PathElement> path) {
            Builder at = this;
            for (PathElement element : path.subList(0, path.size() - 1)) {
                at = at.children.computeIfAbsent(element, _ -> new Builder());
            }
            at.members.add(path.getLast());
        }

        FieldSet build() {
            if (members.isEmpty() && children.isEmpty()) {
                return EMPTY;
            }
            TreeMap<PathElement, FieldSet> below = new TreeMap<>();
            children.forEach((element, builder) -> put(below, element, builder.build()));
            return new FieldSet(Collections.unmodifiableSortedSet(members), below);
        }
    }
}
