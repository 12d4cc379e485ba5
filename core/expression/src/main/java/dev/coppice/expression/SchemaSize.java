package dev.coppice.expression;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How big and how small a value of a structural schema can be, as Kubernetes 1.32 reckons it (apiserver/pkg/cel/common/schemas.go
 * and limits.go): what the schema says by maxItems, maxProperties, maxLength and enum, or else as much as fits into a request
 * of 3 MiB when everything in it is as small as JSON allows.
 *
 * @param most elements of a list, entries of a map, bytes of a string; 0 of what has no size
 * @param leastBytes of its JSON
 * @param element of lists, and the values of maps
 * @param map whether it has keys
 * @param fields of objects, by their escaped names
 */
public record SchemaSize(
        long most, long leastBytes, @Nullable SchemaSize element, boolean map, Map<String, SchemaSize> fields) {

    private static final long REQUEST_BYTES = 3 << 20;
    /** A character takes up to so many bytes, and maxLength counts characters. */
    private static final long BYTES_PER_CHARACTER = 4;

    private static final long LONGEST_TIME = 32;
    private static final long DATE = 12;
    private static final long SHORTEST_TIMESTAMP = 21;
    private static final long SHORTEST_DURATION = 3;
    private static final long QUOTES = 2;

    /** Kubernetes has no limit for the length of keys, nor for what is implied of a resource, but its own defaults. */
    private static final SchemaSize KEY = scalar(0, QUOTES);

    private static final SchemaSize TEXT = scalar(REQUEST_BYTES - QUOTES, QUOTES);

    private static SchemaSize scalar(long most, long leastBytes) {
        return new SchemaSize(most, leastBytes, null, false, Map.of());
    }

    /**
     * Reads a schema.
     *
     * @return null when expressions do not see values of the schema, because it has no type
     */
    public static @Nullable SchemaSize of(JsonNode schema) {
        if (schema.path("x-kubernetes-int-or-string").asBoolean(false)) {
            return scalar(REQUEST_BYTES - QUOTES, 1);
        }
        return switch (schema.path("type").asText("")) {
            case "array" -> list(schema);
            case "object" -> schema.path("additionalProperties").isObject() ? map(schema) : object(schema);
            case "string" -> string(schema);
            case "boolean" -> scalar(0, 4);
            case "number", "integer" -> scalar(0, 1);
            default -> null;
        };
    }

    private static @Nullable SchemaSize list(JsonNode schema) {
        SchemaSize element = of(schema.path("items"));
        if (element == null) {
            return null;
        }
        long most = limit(schema, "maxItems", (REQUEST_BYTES - 2) / (element.leastBytes + 1));
        return new SchemaSize(most, 2, element, false, Map.of());
    }

    private static @Nullable SchemaSize map(JsonNode schema) {
        SchemaSize value = of(schema.path("additionalProperties"));
        if (value == null) {
            return null;
        }
        long most = limit(schema, "maxProperties", (REQUEST_BYTES - 2) / (value.leastBytes + 6));
        return new SchemaSize(most, 2, value, true, Map.of());
    }

    private static SchemaSize object(JsonNode schema) {
        Set<String> required = new HashSet<>();
        schema.path("required").forEach(name -> required.add(name.asText()));
        Map<String, JsonNode> properties = new HashMap<>();
        schema.path("properties").properties().forEach(each -> properties.put(each.getKey(), each.getValue()));
        Map<String, SchemaSize> fields = new HashMap<>();
        boolean implied = schema.path("x-kubernetes-embedded-resource").asBoolean(false) && !declaresResource(schema);
        if (implied) {
            fields.put("kind", TEXT);
            fields.put("apiVersion", TEXT);
            fields.put("metadata", metadata());
        }
        long leastBytes = 2;
        for (Map.Entry<String, JsonNode> property : properties.entrySet()) {
            String name = property.getKey();
            SchemaSize size = implied && fields.containsKey(name) ? fields.get(name) : of(property.getValue());
            if (size == null) {
                continue;
            }
            fields.put(SchemaType.escape(name), size);
            if (required.contains(name) && !property.getValue().hasNonNull("default")) {
                leastBytes += name.getBytes(StandardCharsets.UTF_8).length + size.leastBytes + 4;
            }
        }
        return new SchemaSize(0, leastBytes, null, false, Map.copyOf(fields));
    }

    private static SchemaSize metadata() {
        return new SchemaSize(0, 2, null, false, Map.of("name", TEXT, "generateName", TEXT));
    }

    private static boolean declaresResource(JsonNode schema) {
        JsonNode properties = schema.path("properties");
        JsonNode metadata = properties.path("metadata");
        return isA("string", properties.path("kind"))
                && isA("string", properties.path("apiVersion"))
                && isA("object", metadata)
                && isA("string", metadata.path("properties").path("name"))
                && isA("string", metadata.path("properties").path("generateName"));
    }

    private static boolean isA(String type, JsonNode schema) {
        return schema.path("type").asText("").equals(type);
    }

    private static SchemaSize string(JsonNode schema) {
        return switch (schema.path("format").asText("")) {
            case "byte" -> scalar(limit(schema, "maxLength", REQUEST_BYTES - QUOTES), QUOTES);
            case "duration" -> scalar(LONGEST_TIME, SHORTEST_DURATION);
            case "date" -> scalar(DATE, DATE);
            case "date-time" -> scalar(LONGEST_TIME, SHORTEST_TIMESTAMP);
            default -> scalar(longest(schema), QUOTES);
        };
    }

    private static long longest(JsonNode schema) {
        if (schema.path("maxLength").isNumber()) {
            return Estimate.product(limit(schema, "maxLength", 0), BYTES_PER_CHARACTER);
        }
        if (schema.path("enum").isEmpty()) {
            return REQUEST_BYTES - QUOTES;
        }
        long longest = 0;
        for (JsonNode value : schema.path("enum")) {
            int length = value.isTextual() ? value.asText().getBytes(StandardCharsets.UTF_8).length : 0;
            longest = Math.max(longest, length);
        }
        return longest;
    }

    private static long limit(JsonNode schema, String keyword, long otherwise) {
        JsonNode limit = schema.path(keyword);
        return limit.isNumber() ? Math.max(0, limit.asLong()) : otherwise;
    }

    /** How many values of the schema fit into a request. */
    public long perRequest() {
        return REQUEST_BYTES / (leastBytes + 1);
    }

    /** The size of a part: {@code @items}, {@code @keys} and {@code @values} are those of lists and maps. Null if not known. */
    @Nullable
    SchemaSize at(List<String> path) {
        SchemaSize here = this;
        for (String step : path) {
            if (here == null) {
                return null;
            }
            here = switch (step) {
                case "@items", "@values" -> here.element;
                case "@keys" -> here.map ? KEY : null;
                default -> here.fields.get(step);
            };
        }
        return here;
    }
}
