package dev.coppice.schema.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Schema;
import dev.coppice.schema.Values;
import java.time.DateTimeException;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What Go's JSON decoding does to the objects of built-in kinds: it refuses values of wrong types, with texts that clients
 * see, and drops nulls and empty collections. Pure functions, but for {@link #normalise}, which works in place.
 */
public final class BuiltinDecoding {
    private static final String PREFIX = "#/definitions/";
    private static final Pattern QUANTITY =
            Pattern.compile("[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?");
    /** Exactly six decimals. */
    private static final Pattern MICRO_TIME = Pattern.compile("[^.]*\\.[0-9]{6}[^0-9].*");

    private static final String QUANTITY_TEXT =
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

    private BuiltinDecoding() {}

    /**
     * The error with which Kubernetes refuses an object of a kind, such as {@code json: cannot unmarshal number into Go
     * struct field ConfigMap.data of type string}; null when all types fit.
     *
     * @param name the kind's definition, such as {@code io.k8s.api.core.v1.ConfigMap}
     */
    public static @Nullable String error(String name, JsonNode tree) {
        ObjectNode definition = BuiltinSchemas.definition(name);
        return definition == null ? null : struct(definition, name, tree, "", "");
    }

    /** @param owner the Go struct that holds the value, @param path its field path from the root */
    private static @Nullable String value(JsonNode schema, JsonNode value, String owner, String path) {
        if (value.isNull()) {
            return null;
        }
        String reference = Values.text(schema, "$ref");
        if (!reference.isEmpty()) {
            String name = reference.substring(PREFIX.length());
            ObjectNode definition = BuiltinSchemas.definition(name);
            return definition == null ? null : referenced(definition, name, value, owner, path);
        }
        return switch (Values.text(schema, "type")) {
            case "array" -> list(schema, value, owner, path);
            case "object" -> map(schema, value, owner, path);
            default -> scalar(schema, value, owner, path);
        };
    }

    private static @Nullable String referenced(
            ObjectNode definition, String name, JsonNode value, String owner, String path) {
        String simple = simple(name);
        return switch (simple) {
            case "Time", "MicroTime" -> time(value, simple);
            case "Quantity" -> quantity(value);
            case "IntOrString" ->
                value.isTextual() || value.isIntegralNumber()
                        ? null
                        : mismatch(value, owner, path, value.isNumber() ? "int32" : "intstr.IntOrString");
            default -> definition.has("properties") ? struct(definition, name, value, owner, path) : null;
        };
    }

    private static @Nullable String struct(
            ObjectNode definition, String name, JsonNode value, String owner, String path) {
        if (!(value instanceof ObjectNode object)) {
            return mismatch(value, owner, path, goType(name));
        }
        JsonNode properties = definition.path("properties");
        for (Map.Entry<String, JsonNode> field : object.properties()) {
            JsonNode property = properties.get(field.getKey());
            if (property != null) {
                String at = path.isEmpty() ? field.getKey() : path + "." + field.getKey();
                String error = value(property, field.getValue(), simple(name), at);
                if (error != null) {
                    return error;
                }
            }
        }
        return null;
    }

    private static @Nullable String list(JsonNode schema, JsonNode value, String owner, String path) {
        if (!(value instanceof ArrayNode array)) {
            return mismatch(value, owner, path, "[]" + typeOf(schema.path("items")));
        }
        for (JsonNode item : array) {
            String error = value(schema.path("items"), item, owner, path);
            if (error != null) {
                return error;
            }
        }
        return null;
    }

    private static @Nullable String map(JsonNode schema, JsonNode value, String owner, String path) {
        JsonNode additional = schema.path("additionalProperties");
        if (!additional.isObject()) {
            return null;
        }
        if (!(value instanceof ObjectNode object)) {
            return mismatch(value, owner, path, "map[string]" + typeOf(additional));
        }
        for (Map.Entry<String, JsonNode> entry : object.properties()) {
            String error = value(additional, entry.getValue(), owner, path);
            if (error != null) {
                return error;
            }
        }
        return null;
    }

    private static @Nullable String scalar(JsonNode schema, JsonNode value, String owner, String path) {
        boolean fits = switch (Values.text(schema, "type")) {
            case "string" -> value.isTextual();
            case "boolean" -> value.isBoolean();
            case "integer" ->
                value.isIntegralNumber()
                        && (schema.path("format").asText().equals("int32")
                                ? value.canConvertToInt()
                                : value.canConvertToLong());
            case "number" -> value.isNumber();
            default -> true;
        };
        if (!fits) {
            return mismatch(value, owner, path, typeOf(schema));
        }
        return Values.text(schema, "format").equals("byte") ? base64(value.textValue()) : null;
    }

    private static @Nullable String base64(String text) {
        String compact = text.replace("\n", "").replace("\r", "");
        try {
            return Base64.getDecoder().decode(compact) == null || compact.length() % 4 != 0
                    ? "illegal base64 data at input byte " + Math.max(0, compact.length() - compact.length() % 4)
                    : null;
        } catch (IllegalArgumentException e) {
            return "illegal base64 data at input byte " + firstIllegal(compact);
        }
    }

    private static int firstIllegal(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean letter = c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z';
            if (!letter && !(c >= '0' && c <= '9') && c != '+' && c != '/' && (c != '=' || i < text.length() - 2)) {
                return i;
            }
        }
        return Math.max(0, text.length() - text.length() % 4);
    }

    private static @Nullable String time(JsonNode value, String type) {
        String layout = type.equals("Time") ? "2006-01-02T15:04:05Z07:00" : "2006-01-02T15:04:05.000000Z07:00";
        if (!value.isTextual()) {
            return "json: cannot unmarshal " + described(value, "") + " into Go value of type string";
        }
        String text = value.textValue();
        String shown = Values.quote(text);
        String prefix = "parsing time " + shown + " as " + Values.quote(layout) + ": cannot parse ";
        try {
            boolean fits = OffsetDateTime.parse(text) != null
                    && (type.equals("Time") || MICRO_TIME.matcher(text).matches());
            return fits ? null : prefix + Values.quote(text.substring(Math.min(19, text.length()))) + " as \".000000\"";
        } catch (DateTimeException e) {
            return prefix + shown + " as \"2006\"";
        }
    }

    private static @Nullable String quantity(JsonNode value) {
        boolean fits = value.isNumber()
                || value.isTextual() && QUANTITY.matcher(value.textValue()).matches();
        return fits ? null : QUANTITY_TEXT;
    }

    private static String mismatch(JsonNode value, String owner, String path, String type) {
        String what = "json: cannot unmarshal " + described(value, type) + " into Go ";
        return path.isEmpty()
                ? what + "value of type " + type
                : what + "struct field " + owner + "." + path + " of type " + type;
    }

    private static String described(JsonNode value, String type) {
        return switch (value.getNodeType()) {
            case STRING, BINARY -> "string";
            case BOOLEAN -> "bool";
            case NUMBER -> type.startsWith("int") ? "number " + value.asText() : "number";
            case ARRAY -> "array";
            case OBJECT, POJO -> "object";
            case NULL, MISSING -> "null";
        };
    }

    private static String typeOf(JsonNode schema) {
        String reference = Values.text(schema, "$ref");
        if (!reference.isEmpty()) {
            return goType(reference.substring(PREFIX.length()));
        }
        String format = Values.text(schema, "format");
        return switch (Values.text(schema, "type")) {
            case "integer" -> format.isEmpty() ? "int64" : format;
            case "number" -> "float64";
            case "boolean" -> "bool";
            case "array" -> "[]" + typeOf(schema.path("items"));
            case "object" -> "map[string]" + typeOf(schema.path("additionalProperties"));
            default -> format.equals("byte") ? "[]uint8" : "string";
        };
    }

    private static String simple(String name) {
        return name.substring(name.lastIndexOf('.') + 1);
    }

    /** The Go type of a definition: {@code v1.ServicePort}. */
    private static String goType(String name) {
        String[] parts = name.split("\\.", -1);
        return parts[parts.length - 2] + "." + parts[parts.length - 1];
    }

    /**
     * Drops, in place, what Go does not write back: nulls, and empty lists and maps of optional fields. Fields that have to be
     * there, and objects with fields of their own, stay.
     */
    public static void normalise(Schema schema, JsonNode tree) {
        if (tree instanceof ObjectNode object) {
            List<String> drop = new ArrayList<>();
            for (Map.Entry<String, JsonNode> field : object.properties()) {
                Schema child = schema.field(field.getKey());
                if (child == null) {
                    continue;
                }
                JsonNode value = field.getValue();
                boolean declared = schema.property(field.getKey()) != null;
                boolean emptyMap = value.isObject() && value.isEmpty() && child.additionalProperties() != null;
                boolean emptyList = value.isArray() && value.isEmpty();
                boolean optional = declared && !schema.required().contains(field.getKey());
                if (optional && (value.isNull() || emptyMap || emptyList)) {
                    drop.add(field.getKey());
                } else {
                    normalise(child, value);
                }
            }
            object.remove(drop);
        } else if (tree instanceof ArrayNode array && schema.items() instanceof Schema items) {
            array.forEach(item -> normalise(items, item));
        }
    }
}
