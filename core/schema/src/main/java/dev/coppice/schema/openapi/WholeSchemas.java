package dev.coppice.schema.openapi;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Schema;
import dev.coppice.schema.builtin.BuiltinSchemas;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** Schemas of kinds as one tree without references, with apiVersion, kind and metadata. Pure functions. */
public final class WholeSchemas {
    private static final String REFERENCE = "#/definitions/";

    private WholeSchemas() {}

    /** The schema of a kind, built in or custom; a type within itself is left open. */
    public static ObjectNode of(String apiVersion, String kind, Schema schema) {
        BuiltinSchemas.GroupVersionKind type = BuiltinSchemas.GroupVersionKind.of(apiVersion, kind);
        String name = BuiltinSchemas.name(type.group(), type.version(), type.kind());
        ObjectNode whole = name == null ? schema.json().deepCopy() : named(name, new ArrayDeque<>());
        ObjectNode properties = whole.withObjectProperty("properties");
        for (String field : new String[] {"apiVersion", "kind"}) {
            if (!properties.has(field)) {
                properties.putObject(field).put("type", "string");
            }
        }
        properties.set("metadata", named(BuiltinSchemas.OBJECT_META, new ArrayDeque<>()));
        return whole;
    }

    private static ObjectNode named(String name, Deque<String> within) {
        ObjectNode definition = within.contains(name) ? null : BuiltinSchemas.definition(name);
        if (definition == null) {
            return open();
        }
        within.push(name);
        ObjectNode resolved = resolved(definition, within);
        within.pop();
        return resolved;
    }

    private static ObjectNode open() {
        return JsonNodeFactory.instance.objectNode().put("x-kubernetes-preserve-unknown-fields", true);
    }

    private static ObjectNode resolved(JsonNode schema, Deque<String> within) {
        String reference = reference(schema);
        if (reference != null) {
            return named(reference, within);
        }
        if (!(schema.deepCopy() instanceof ObjectNode copy)) {
            return open();
        }
        if (copy.path("format").asText().equals("int-or-string")) {
            copy.put("x-kubernetes-int-or-string", true);
        }
        if (copy.get("properties") instanceof ObjectNode properties) {
            schema.path("properties").properties().forEach(each -> {
                properties.set(each.getKey(), resolved(each.getValue(), within));
            });
        }
        for (String part : new String[] {"items", "additionalProperties"}) {
            if (copy.path(part).isObject()) {
                copy.set(part, resolved(copy.path(part), within));
            }
        }
        return copy;
    }

    private static @Nullable String reference(JsonNode schema) {
        String text = schema.path("$ref").asText("");
        return text.startsWith(REFERENCE) ? text.substring(REFERENCE.length()) : null;
    }
}
