package dev.coppice.gateway.transcode;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is found by a method of HTTP and a path. Of templates that fit, the one counts whose first different segment is a word, then one star, then two. Each
 * node of the tree is looked at once at most. Not safe for use by many threads while it is filled.
 *
 * @param <T> what is found
 */
final class Bindings<T> {

    /** What was found, and what the path says of its fields. */
    record Found<T>(T value, Map<String, String> fields) {}

    private static final class Leaf<T> {
        final PathTemplate template;
        final T value;

        Leaf(PathTemplate template, T value) {
            this.template = template;
            this.value = value;
        }
    }

    private static final class Node<T> {
        final Map<String, Node<T>> words = new HashMap<>(2);

        @Nullable
        Node<T> one;
        /** By method and verb, for any number of further segments. */
        final Map<String, Leaf<T>> many = new HashMap<>(1);
        /** By method and verb, for none. */
        final Map<String, Leaf<T>> here = new HashMap<>(1);
    }

    private final Node<T> root = new Node<>();

    private static String key(String method, String verb) {
        return method + ":" + verb;
    }

    /** @return what was there for the same paths; null when nothing was, and this is there now */
    @Nullable
    T add(String method, PathTemplate template, T value) {
        Node<T> node = root;
        Map<String, Leaf<T>> leaves = null;
        for (String each : template.segments()) {
            switch (each) {
                case PathTemplate.ONE -> {
                    Node<T> next = node.one;
                    if (next == null) {
                        next = new Node<>();
                        node.one = next;
                    }
                    node = next;
                }
                case PathTemplate.MANY -> leaves = node.many;
                default -> node = node.words.computeIfAbsent(each, _ -> new Node<>());
            }
        }
        Leaf<T> before = (leaves == null ? node.here : leaves)
                .putIfAbsent(key(method, template.verb()), new Leaf<>(template, value));
        return before == null ? null : before.value;
    }

    /**
     * Looks for a path in its normal form.
     *
     * @return null when there is nothing, or the path says something of a field that is no text
     */
    @Nullable
    Found<T> find(String method, String path) {
        List<String> segments = new ArrayList<>(List.of(path.substring(1).split("/", -1)));
        String last = segments.getLast();
        int colon = last.lastIndexOf(':');
        Leaf<T> leaf = null;
        if (colon >= 0) {
            segments.set(segments.size() - 1, last.substring(0, colon));
            leaf = find(root, segments, 0, key(method, last.substring(colon + 1)));
        }
        if (leaf == null) {
            segments.set(segments.size() - 1, last);
            leaf = find(root, segments, 0, key(method, ""));
        }
        if (leaf == null) {
            return null;
        }
        Map<String, String> fields = new LinkedHashMap<>();
        for (PathTemplate.Variable each : leaf.template.variables()) {
            String value = PathTemplate.value(each, segments, leaf.template.several(each));
            if (value == null) {
                return null;
            }
            fields.put(each.field(), value);
        }
        return new Found<>(leaf.value, fields);
    }

    private static <T> @Nullable Leaf<T> find(Node<T> node, List<String> segments, int at, String key) {
        if (at == segments.size()) {
            Leaf<T> here = node.here.get(key);
            return here != null ? here : node.many.get(key);
        }
        String segment = segments.get(at);
        Node<T> word = node.words.get(segment);
        Leaf<T> found = word == null ? null : find(word, segments, at + 1, key);
        if (found == null && node.one != null && !segment.isEmpty()) {
            found = find(node.one, segments, at + 1, key);
        }
        return found != null ? found : node.many.get(key);
    }
}
