package dev.coppice.expression;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.cel.common.exceptions.CelAttributeNotFoundException;
import dev.cel.common.types.CelType;
import dev.cel.common.types.MapType;
import dev.cel.common.types.SimpleType;
import dev.cel.common.values.CelValue;
import dev.cel.common.values.SelectableValue;
import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.Collection;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object or Java map as CEL sees it, read in place: a field is converted when it is looked at. Being a CelValue
 * keeps the CEL runtime from walking through it at every step.
 */
final class LazyMap extends CelValue implements Map<String, Object>, SelectableValue<String> {

    private final Source source;
    private final SchemaType type;

    /** Where the entries are. */
    private sealed interface Source {
        @Nullable
        Object get(String key);

        boolean has(String key);

        Set<String> keys();

        Object whole();
    }

    private record Tree(ObjectNode tree) implements Source {
        @Override
        public @Nullable Object get(String key) {
            return tree.get(key);
        }

        @Override
        public boolean has(String key) {
            return tree.has(key);
        }

        @Override
        public Set<String> keys() {
            return new Keys(tree);
        }

        @Override
        public Object whole() {
            return tree;
        }
    }

    private record JavaMap(Map<String, ?> map) implements Source {
        @Override
        public @Nullable Object get(String key) {
            return map.get(key);
        }

        @Override
        public boolean has(String key) {
            return map.containsKey(key);
        }

        @Override
        public Set<String> keys() {
            return Set.copyOf(map.keySet());
        }

        @Override
        public Object whole() {
            return map;
        }
    }

    private LazyMap(Source source, SchemaType type) {
        this.source = source;
        this.type = type;
    }

    static LazyMap of(ObjectNode tree, SchemaType type) {
        return new LazyMap(new Tree(tree), type);
    }

    static LazyMap of(Map<String, ?> map, SchemaType type) {
        return new LazyMap(new JavaMap(map), type);
    }

    /** The JsonNode or Map that this shows. */
    Object whole() {
        return source.whole();
    }

    private @Nullable Object find0(@Nullable Object key) {
        if (!(key instanceof String name)) {
            return null;
        }
        String real = type.struct() ? SchemaType.unescape(name) : name;
        Object raw = source.get(real);
        if (raw == null && !source.has(real)) {
            return null;
        }
        if (type.struct() && isNull(raw)) {
            return null; // as Kubernetes: a null field of a typed object is an absent one
        }
        return Values.adapt(raw, type.of(name));
    }

    private static boolean isNull(@Nullable Object raw) {
        return raw == null || raw instanceof JsonNode node && node.isNull();
    }

    @Override
    public Object select(String field) {
        Object value = find0(field);
        if (value == null) {
            throw CelAttributeNotFoundException.of("no such key: " + field);
        }
        return value;
    }

    @Override
    public Optional<Object> find(String field) {
        return Optional.ofNullable(find0(field));
    }

    @Override
    public LazyMap value() {
        return this;
    }

    @Override
    public boolean isZeroValue() {
        return isEmpty();
    }

    @Override
    public CelType celType() {
        return type.form() == SchemaType.Form.ANY ? MapType.create(SimpleType.DYN, SimpleType.DYN) : type.cel();
    }

    @Override
    public int size() {
        return source.whole() instanceof JsonNode tree
                ? tree.size()
                : source.keys().size();
    }

    @Override
    public boolean isEmpty() {
        return size() == 0;
    }

    @Override
    public boolean containsKey(@Nullable Object key) {
        return find0(key) != null;
    }

    @Override
    public boolean containsValue(@Nullable Object value) {
        return values().contains(value);
    }

    @Override
    public @Nullable Object get(@Nullable Object key) {
        return find0(key);
    }

    @Override
    public Set<String> keySet() {
        return source.keys();
    }

    @Override
    public Collection<Object> values() {
        return entrySet().stream().map(Map.Entry::getValue).toList();
    }

    @Override
    public Set<Map.Entry<String, Object>> entrySet() {
        Set<String> keys = source.keys();
        return new AbstractSet<>() {
            @Override
            public Iterator<Map.Entry<String, Object>> iterator() {
                Iterator<String> each = keys.iterator();
                return new Iterator<>() {
                    @Override
                    public boolean hasNext() {
                        return each.hasNext();
                    }

                    @Override
                    public Map.Entry<String, Object> next() {
                        String key = each.next();
                        return new AbstractMap.SimpleImmutableEntry<>(key, Values.adapt(source.get(key), type.of(key)));
                    }
                };
            }

            @Override
            public int size() {
                return keys.size();
            }
        };
    }

    @Override
    public boolean equals(@Nullable Object other) {
        if (this == other) {
            return true;
        }
        return other instanceof Map<?, ?> map && entrySet().equals(map.entrySet());
    }

    @Override
    public int hashCode() {
        return entrySet().hashCode();
    }

    @Override
    public String toString() {
        return String.valueOf(source.whole());
    }

    @Override
    public @Nullable Object put(String key, Object value) {
        throw new UnsupportedOperationException();
    }

    @Override
    public @Nullable Object remove(@Nullable Object key) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void putAll(Map<? extends String, ?> map) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void clear() {
        throw new UnsupportedOperationException();
    }

    /** The field names of a tree. */
    private static final class Keys extends AbstractSet<String> {
        private final ObjectNode tree;

        Keys(ObjectNode tree) {
            this.tree = tree;
        }

        @Override
        public Iterator<String> iterator() {
            return tree.fieldNames();
        }

        @Override
        public int size() {
            return tree.size();
        }

        @Override
        public boolean contains(@Nullable Object key) {
            return key instanceof String name && tree.has(name);
        }
    }
}
