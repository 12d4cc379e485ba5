package dev.coppice.schema.apply;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Values;
import java.util.StringJoiner;

/** One step of a path into a tree: a field, a list item by its keys, a set item by its value, or an index. Immutable. */
public sealed interface PathElement extends Comparable<PathElement> {

    /** A field of an object; {@code f:name} in FieldsV1. */
    record Field(String name) implements PathElement {
        @Override
        public String toString() {
            return "." + name;
        }
    }

    /** An item of a list with keys, such as {@code [name="http"]}; {@code k:{...}} in FieldsV1. */
    record Keyed(ObjectNode keys) implements PathElement {
        @Override
        public String toString() {
            StringJoiner text = new StringJoiner(",", "[", "]");
            keys.properties().forEach(e -> text.add(e.getKey() + "=" + shown(e.getValue())));
            return text.toString();
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Keyed keyed && Values.same(keys, keyed.keys);
        }

        @Override
        public int hashCode() {
            return keys.size();
        }
    }

    /** An item of a set; {@code v:...} in FieldsV1. */
    record Item(JsonNode value) implements PathElement {
        @Override
        public String toString() {
            return "[=" + shown(value) + "]";
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Item item && Values.same(value, item.value);
        }

        @Override
        public int hashCode() {
            return value.asText().hashCode();
        }
    }

    /** An item of a list by its place; {@code i:0} in FieldsV1. */
    record Index(int index) implements PathElement {
        @Override
        public String toString() {
            return "[" + index + "]";
        }
    }

    private static String shown(JsonNode value) {
        return value.isTextual() ? Values.quote(value.textValue()) : value.isNull() ? "null" : value.toString();
    }

    @Override
    default int compareTo(PathElement other) {
        return switch (this) {
            case Field mine when other instanceof Field theirs -> mine.name.compareTo(theirs.name);
            case Keyed mine when other instanceof Keyed theirs -> Values.compare(mine.keys, theirs.keys);
            case Item mine when other instanceof Item theirs -> Values.compare(mine.value, theirs.value);
            case Index mine when other instanceof Index theirs -> Integer.compare(mine.index, theirs.index);
            case Field _, Keyed _, Item _, Index _ -> Integer.compare(rank(), other.rank());
        };
    }

    private int rank() {
        return switch (this) {
            case Field _ -> 0;
            case Keyed _ -> 1;
            case Item _ -> 2;
            case Index _ -> 3;
        };
    }

    /** The name in FieldsV1, such as {@code f:spec} or <code>k:{"name":"http"}</code>. */
    default String encoded() {
        return switch (this) {
            case Field field -> "f:" + field.name;
            case Keyed keyed -> "k:" + keyed.keys;
            case Item item -> "v:" + item.value;
            case Index index -> "i:" + index.index;
        };
    }

    /**
     * Reads a name of FieldsV1.
     *
     * @throws IllegalArgumentException where it is none
     */
    static PathElement decode(String text) {
        if (text.length() < 2 || text.charAt(1) != ':') {
            throw new IllegalArgumentException("A name of FieldsV1 begins with f:, k:, v: or i:, not " + text);
        }
        String rest = text.substring(2);
        try {
            return switch (text.charAt(0)) {
                case 'f' -> new Field(rest);
                case 'v' -> new Item(Mapper.JSON.readTree(rest));
                case 'i' -> new Index(Integer.parseInt(rest));
                case 'k' -> {
                    if (Mapper.JSON.readTree(rest) instanceof ObjectNode keys) {
                        yield new Keyed((ObjectNode) Values.sorted(keys));
                    }
                    throw new IllegalArgumentException("k: must be followed by an object, not by " + rest);
                }
                default ->
                    throw new IllegalArgumentException("A name of FieldsV1 begins with f:, k:, v: or i:, not " + text);
            };
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("Not JSON: " + rest, e);
        }
    }

    /** Holds the reader from first use on. */
    final class Mapper {
        static final JsonMapper JSON = new JsonMapper();

        private Mapper() {}
    }
}
