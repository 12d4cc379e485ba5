package dev.coppice.expression;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableSet;
import dev.cel.common.types.CelType;
import dev.cel.common.types.ListType;
import dev.cel.common.types.MapType;
import dev.cel.common.types.OptionalType;
import dev.cel.common.types.SimpleType;
import dev.cel.common.types.StructType;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How values of a declared type look in CEL, and how JSON becomes one. Follows Kubernetes' mapping of structural schemas
 * (apiserver/pkg/cel/common/schemas.go).
 *
 * @param form what JSON values of it become
 * @param cel the type that the checker sees
 * @param element of lists, maps and optionals
 * @param fields of structs, by their escaped names
 */
record SchemaType(Form form, CelType cel, @Nullable SchemaType element, Map<String, SchemaType> fields) {

    enum Form {
        ANY,
        SCALAR,
        DOUBLE,
        BYTES,
        DATE,
        TIMESTAMP,
        DURATION,
        LIST,
        MAP,
        STRUCT,
        OPTIONAL
    }

    static final SchemaType ANY = scalar(Form.ANY, SimpleType.DYN);

    /** Words of CEL that cannot be field names (Kubernetes' list). */
    private static final Set<String> RESERVED = Set.of(
            "true",
            "false",
            "null",
            "in",
            "as",
            "break",
            "const",
            "continue",
            "else",
            "for",
            "function",
            "if",
            "import",
            "let",
            "loop",
            "package",
            "namespace",
            "return");

    private static SchemaType scalar(Form form, CelType cel) {
        return new SchemaType(form, cel, null, Map.of());
    }

    /** Makes the type; struct types that it needs are added to {@code structs}, named by {@code path}. */
    static SchemaType of(ValueType type, String path, Structs structs) {
        return switch (type) {
            case ValueType.Simple simple -> simple(simple);
            case ValueType.ListOf(ValueType element) -> list(of(element, path + ".@idx", structs));
            case ValueType.MapOf(ValueType value) -> map(of(value, path + ".@elem", structs));
            case ValueType.OptionalOf(ValueType value) -> optional(of(value, path, structs));
            case ValueType.OfSchema(JsonNode schema) -> structs.of(schema, path);
        };
    }

    private static SchemaType simple(ValueType.Simple type) {
        return switch (type) {
            case ANY -> ANY;
            case BOOL -> scalar(Form.SCALAR, SimpleType.BOOL);
            case INT -> scalar(Form.SCALAR, SimpleType.INT);
            case DOUBLE -> scalar(Form.DOUBLE, SimpleType.DOUBLE);
            case STRING -> scalar(Form.SCALAR, SimpleType.STRING);
            case BYTES -> scalar(Form.BYTES, SimpleType.BYTES);
            case TIMESTAMP -> scalar(Form.TIMESTAMP, SimpleType.TIMESTAMP);
            case DURATION -> scalar(Form.DURATION, SimpleType.DURATION);
            case AUTHORIZER -> scalar(Form.SCALAR, Authorizations.AUTHORIZER);
            case RESOURCE_CHECK -> scalar(Form.SCALAR, Authorizations.RESOURCE);
            case OBJECT -> scalar(Form.ANY, Constructions.OBJECT);
            case JSON_PATCHES -> scalar(Form.ANY, Constructions.PATCHES);
        };
    }

    private static SchemaType list(SchemaType element) {
        return new SchemaType(Form.LIST, ListType.create(element.cel), element, Map.of());
    }

    private static SchemaType optional(SchemaType value) {
        return new SchemaType(Form.OPTIONAL, OptionalType.create(value.cel), value, Map.of());
    }

    private static SchemaType map(SchemaType element) {
        return new SchemaType(Form.MAP, MapType.create(SimpleType.STRING, element.cel), element, Map.of());
    }

    /** The type of a schema, without looking whether it is known. */
    static SchemaType schema(JsonNode schema, String path, Structs structs) {
        if (schema.path("x-kubernetes-int-or-string").asBoolean()) {
            return ANY;
        }
        return switch (schema.path("type").asText("")) {
            case "boolean" -> simple(ValueType.Simple.BOOL);
            case "integer" -> simple(ValueType.Simple.INT);
            case "number" -> simple(ValueType.Simple.DOUBLE);
            case "string" -> string(schema.path("format").asText(""));
            case "array" ->
                schema.path("items").isObject() ? list(schema(schema.path("items"), path + ".@idx", structs)) : ANY;
            case "object" -> object(schema, path, structs);
            default -> ANY;
        };
    }

    private static SchemaType string(String format) {
        return switch (format) {
            case "byte" -> simple(ValueType.Simple.BYTES);
            case "duration" -> simple(ValueType.Simple.DURATION);
            case "date-time" -> simple(ValueType.Simple.TIMESTAMP);
            case "date" -> scalar(Form.DATE, SimpleType.TIMESTAMP);
            default -> simple(ValueType.Simple.STRING);
        };
    }

    private static SchemaType object(JsonNode schema, String path, Structs structs) {
        JsonNode additional = schema.path("additionalProperties");
        if (additional.isObject()) {
            return map(schema(additional, path + ".@elem", structs));
        }
        boolean embedded = schema.path("x-kubernetes-embedded-resource").asBoolean();
        boolean open = schema.path("x-kubernetes-preserve-unknown-fields").asBoolean();
        if (schema.path("properties").isEmpty() && !embedded) {
            return open || !schema.has("properties") ? (open ? ANY : map(ANY)) : struct(path, Map.of(), structs);
        }
        Map<String, SchemaType> fields = new LinkedHashMap<>();
        if (embedded) {
            fields.put("apiVersion", simple(ValueType.Simple.STRING));
            fields.put("kind", simple(ValueType.Simple.STRING));
            fields.put("metadata", metadata(path + ".metadata", structs));
        }
        schema.path("properties").properties().forEach(property -> {
            String name = escape(property.getKey());
            boolean bareMetadata = name.equals("metadata")
                    && property.getValue().path("properties").isEmpty();
            if (!bareMetadata || !embedded) {
                fields.put(name, schema(property.getValue(), path + "." + name, structs));
            }
        });
        return struct(path, fields, structs);
    }

    private static SchemaType metadata(String path, Structs structs) {
        SchemaType string = simple(ValueType.Simple.STRING);
        return struct(path, Map.of("name", string, "generateName", string), structs);
    }

    private static SchemaType struct(String path, Map<String, SchemaType> fields, Structs structs) {
        StructType type = StructType.create(
                path,
                ImmutableSet.copyOf(fields.keySet()),
                name -> Optional.ofNullable(fields.get(name)).map(SchemaType::cel));
        structs.add(path, type);
        return new SchemaType(Form.STRUCT, type, null, fields);
    }

    /** The type of what a key of this holds. */
    SchemaType of(String field) {
        return switch (form) {
            case STRUCT -> fields.getOrDefault(field, ANY);
            case MAP -> elementOrAny();
            default -> ANY;
        };
    }

    SchemaType elementOrAny() {
        return element == null ? ANY : element;
    }

    boolean struct() {
        return form == Form.STRUCT;
    }

    /** A property's name as a CEL identifier, as Kubernetes escapes it. */
    static String escape(String name) {
        if (RESERVED.contains(name)) {
            return "__" + name + "__";
        }
        return name.replace("__", "__underscores__")
                .replace(".", "__dot__")
                .replace("-", "__dash__")
                .replace("/", "__slash__");
    }

    static String unescape(String name) {
        if (!name.contains("__")) {
            return name;
        }
        if (name.startsWith("__") && name.endsWith("__") && name.length() > 4) {
            String inner = name.substring(2, name.length() - 2);
            if (RESERVED.contains(inner)) {
                return inner;
            }
        }
        StringBuilder text = new StringBuilder();
        int at = 0;
        while (at < name.length()) {
            String escape = escapeAt(name, at);
            if (escape == null) {
                text.append(name.charAt(at++));
            } else {
                text.append(ESCAPED.get(ESCAPES.indexOf(escape)));
                at += escape.length();
            }
        }
        return text.toString();
    }

    private static final List<String> ESCAPES = List.of("__underscores__", "__dot__", "__dash__", "__slash__");
    private static final List<String> ESCAPED = List.of("__", ".", "-", "/");

    private static @Nullable String escapeAt(String name, int at) {
        for (String escape : ESCAPES) {
            if (name.startsWith(escape, at)) {
                return escape;
            }
        }
        return null;
    }
}
