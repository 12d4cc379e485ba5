package dev.coppice.schema.openapi;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Values;
import dev.coppice.schema.builtin.BuiltinSchemas;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Collects the definitions of a document: of its types, and of what they refer to. Not thread-safe. */
final class PublishedSchemas {
    private static final String V2 = "#/definitions/";
    private static final String V3 = "#/components/schemas/";
    private static final String CONFIG_MAP = "io.k8s.api.core.v1.ConfigMap";
    private static final List<String> LOGIC = List.of("oneOf", "anyOf", "allOf", "not");

    private final boolean v3;
    private final TreeMap<String, JsonNode> schemas = new TreeMap<>();
    private final Deque<String> wanted = new ArrayDeque<>();

    PublishedSchemas(boolean v3) {
        this.v3 = v3;
    }

    String prefix() {
        return v3 ? V3 : V2;
    }

    void add(ApiType type) {
        String name = type.definitionName();
        JsonNode custom = type.schema();
        if (custom == null) {
            want(name);
            if (BuiltinSchemas.definition(name + "List") != null) {
                want(name + "List");
            }
        } else {
            schemas.put(name, custom(type, custom));
            schemas.put(name + "List", list(type, name));
            want(BuiltinSchemas.OBJECT_META);
            want(BuiltinSchemas.LIST_META);
        }
    }

    void want(String name) {
        if (!schemas.containsKey(name)) {
            wanted.add(name);
        }
    }

    ObjectNode all() {
        while (!wanted.isEmpty()) {
            String name = wanted.remove();
            ObjectNode definition = schemas.containsKey(name) ? null : BuiltinSchemas.definition(name);
            if (definition != null) {
                schemas.put(name, builtin(definition));
            }
        }
        ObjectNode all = JsonNodeFactory.instance.objectNode();
        all.setAll(schemas);
        return all;
    }

    // built-in definitions

    private JsonNode builtin(ObjectNode definition) {
        ObjectNode copy = (ObjectNode) rewrite(definition);
        if (v3 && copy.path("format").asText().equals("int-or-string")) {
            copy.remove("type");
            either(copy, "integer", "string");
        } else if (copy.path("format").asText().equals("quantity")) {
            copy.remove("format");
            if (v3) {
                copy.remove("type");
                either(copy, "string", "number");
            }
        }
        return copy;
    }

    private static void either(ObjectNode schema, String first, String second) {
        ArrayNode oneOf = schema.putArray("oneOf");
        oneOf.addObject().put("type", first);
        oneOf.addObject().put("type", second);
    }

    /** A copy whose references suit the version; v3 has no fields beside a reference, but allOf. */
    private JsonNode rewrite(JsonNode node) {
        if (node instanceof ArrayNode array) {
            ArrayNode copy = JsonNodeFactory.instance.arrayNode(array.size());
            array.forEach(item -> copy.add(rewrite(item)));
            return copy;
        }
        if (!(node instanceof ObjectNode object)) {
            return node;
        }
        ObjectNode copy = JsonNodeFactory.instance.objectNode();
        for (Map.Entry<String, JsonNode> field : object.properties()) {
            JsonNode value = field.getValue();
            if (!field.getKey().equals("$ref") || !value.isTextual()) {
                copy.set(field.getKey(), rewrite(value));
                continue;
            }
            String name = value.textValue().substring(V2.length());
            want(name);
            if (v3 && object.size() > 1) {
                copy.putArray("allOf").addObject().put("$ref", V3 + name);
            } else {
                copy.put("$ref", prefix() + name);
            }
        }
        return copy;
    }

    // custom types

    private ObjectNode custom(ApiType type, JsonNode schema) {
        ObjectNode copy =
                schema instanceof ObjectNode object ? object.deepCopy() : JsonNodeFactory.instance.objectNode();
        if (!v3) {
            reduce(copy);
        }
        copy.put("type", "object");
        ObjectNode properties =
                copy.get("properties") instanceof ObjectNode given ? given : copy.putObject("properties");
        if (!copy.path("x-kubernetes-preserve-unknown-fields").asBoolean(false) || v3 || !properties.isEmpty()) {
            meta(properties);
        }
        copy.set("properties", Values.sorted(properties));
        kinds(copy, type, type.kind());
        return copy;
    }

    private void meta(ObjectNode properties) {
        for (String name : List.of("apiVersion", "kind")) {
            properties
                    .putObject(name)
                    .put("description", BuiltinSchemas.description(CONFIG_MAP, name))
                    .put("type", "string");
        }
        reference(
                properties.putObject("metadata"),
                "Standard object's metadata. More info: "
                        + "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
                BuiltinSchemas.OBJECT_META);
    }

    private void reference(ObjectNode schema, String description, String name) {
        schema.put("description", description);
        if (v3) {
            schema.putArray("allOf").addObject().put("$ref", V3 + name);
        } else {
            schema.put("$ref", V2 + name);
        }
    }

    private ObjectNode list(ApiType type, String name) {
        ObjectNode list = JsonNodeFactory.instance.objectNode();
        String kind = type.kind() + "List";
        list.put("description", kind + " is a list of " + type.kind());
        list.put("type", "object").putArray("required").add("items");
        ObjectNode properties = list.putObject("properties");
        properties
                .putObject("apiVersion")
                .put("description", BuiltinSchemas.description(CONFIG_MAP, "apiVersion"))
                .put("type", "string");
        ObjectNode items = properties.putObject("items");
        items.put(
                "description",
                "List of " + type.plural()
                        + ". More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md");
        items.put("type", "array").putObject("items").put("$ref", prefix() + name);
        properties
                .putObject("kind")
                .put("description", BuiltinSchemas.description(CONFIG_MAP, "kind"))
                .put("type", "string");
        reference(
                properties.putObject("metadata"),
                "Standard list metadata. More info: "
                        + "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds",
                BuiltinSchemas.LIST_META);
        kinds(list, type, kind);
        return list;
    }

    private static void kinds(ObjectNode schema, ApiType type, String kind) {
        schema.putArray("x-kubernetes-group-version-kind")
                .addObject()
                .put("group", type.group())
                .put("kind", kind)
                .put("version", type.version());
    }

    /** Cuts a v3 schema down to what v2 and its clients understand, as apiextensions does. */
    private static void reduce(ObjectNode schema) {
        schema.remove("default");
        schema.remove(LOGIC);
        if (schema.path("nullable").asBoolean(false)
                || schema.path("x-kubernetes-int-or-string").asBoolean(false)) {
            schema.remove(List.of("nullable", "type", "properties", "items", "additionalProperties", "required"));
        }
        if (schema.path("x-kubernetes-preserve-unknown-fields").asBoolean(false)) {
            schema.remove(List.of("properties", "items", "additionalProperties", "required"));
        }
        schema.remove("nullable");
        for (JsonNode property : schema.path("properties")) {
            reduceChild(property);
        }
        reduceChild(schema.path("items"));
        reduceChild(schema.path("additionalProperties"));
    }

    private static void reduceChild(JsonNode child) {
        if (child instanceof ObjectNode schema) {
            reduce(schema);
        }
    }
}
