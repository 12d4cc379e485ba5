package dev.coppice.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.re2j.PatternSyntaxException;
import dev.coppice.expression.BoundedPattern;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Compiles schema JSON. It is lenient: what is malformed is {@link StructuralCheck}'s to report. */
final class SchemaReader {
    static final int LARGEST_PATTERN = 100_000;
    private static final String REFERENCE = "#/definitions/";
    private static final String REFERENCE_V3 = "#/components/schemas/";

    private final @Nullable Function<String, Schema> definitions;

    SchemaReader(@Nullable Function<String, Schema> definitions) {
        this.definitions = definitions;
    }

    Schema read(JsonNode json) {
        return Schema.of(node(json));
    }

    Schema readResource(JsonNode json) {
        Schema.Node root = node(json);
        root.resourceRoot = true;
        root.properties.putIfAbsent("apiVersion", read(stringType()));
        root.properties.putIfAbsent("kind", read(stringType()));
        root.properties.put("metadata", ObjectMetaSchema.schema());
        JsonNode metadata = json.path("properties").path("metadata");
        if (metadata.isObject() && !metadata.path("properties").isEmpty()) {
            root.properties.put("metadata", Schema.of(constrained(metadata)));
        }
        return Schema.of(root);
    }

    /** ObjectMeta with the constraints on name and generateName that a CRD may add. */
    private Schema.Node constrained(JsonNode metadata) {
        Schema.Node node = node(metadata);
        ObjectMetaSchema.schema().properties().forEach(node.properties::putIfAbsent);
        return node;
    }

    private static ObjectNode stringType() {
        return JsonNodeFactory.instance.objectNode().put("type", "string");
    }

    private Schema child(JsonNode json) {
        JsonNode single = json.path("allOf");
        JsonNode ref =
                json.has("$ref") ? json : single.size() == 1 && single.get(0).has("$ref") ? single.get(0) : null;
        Function<String, Schema> resolver = definitions;
        if (ref == null || resolver == null) {
            return read(json);
        }
        String name = ref.path("$ref").asText().replace(REFERENCE, "").replace(REFERENCE_V3, "");
        if (overlays(json)) {
            return Schema.lazy(() -> Schema.of(overlay(resolver.apply(name), json)));
        }
        return Schema.lazy(() -> resolver.apply(name));
    }

    private static boolean overlays(JsonNode json) {
        return json.has("default")
                || json.has("x-kubernetes-map-type")
                || json.has("x-kubernetes-list-type")
                || json.has("x-kubernetes-patch-strategy");
    }

    /** A reference with siblings: the target, with what stands beside the reference. */
    private Schema.Node overlay(Schema target, JsonNode json) {
        ObjectNode merged = target.json().deepCopy();
        json.properties().forEach(e -> {
            if (!e.getKey().equals("$ref") && !e.getKey().equals("allOf")) {
                merged.set(e.getKey(), e.getValue());
            }
        });
        return node(merged);
    }

    private Schema.Node node(JsonNode given) {
        ObjectNode json = given instanceof ObjectNode object ? object : JsonNodeFactory.instance.objectNode();
        Schema.Node node = new Schema.Node(json);
        node.definition = definitions != null;
        node.type = Values.text(json, "type");
        node.format = Values.text(json, "format");
        node.nullable = flag(json, "nullable");
        node.intOrString = flag(json, "x-kubernetes-int-or-string")
                || node.format.equals("int-or-string")
                || node.definition && node.format.equals("quantity");
        node.preserveUnknown = flag(json, "x-kubernetes-preserve-unknown-fields");
        node.embedded = flag(json, "x-kubernetes-embedded-resource");
        node.uniqueItems = flag(json, "uniqueItems");
        node.listType = Values.text(json, "x-kubernetes-list-type");
        node.listMapKeys = texts(json, "x-kubernetes-list-map-keys");
        node.mapType = Values.text(json, "x-kubernetes-map-type");
        node.patchStrategy = Values.text(json, "x-kubernetes-patch-strategy");
        node.patchMergeKey = Values.text(json, "x-kubernetes-patch-merge-key");
        node.required = texts(json, "required");
        node.enumeration = Values.elements(json, "enum");
        JsonNode fallback = json.get("default");
        node.defaultValue = fallback == null || fallback.isNull() ? null : fallback;
        readBounds(node, json);
        readChildren(node, json);
        node.rules = rules(json);
        return node;
    }

    private static void readBounds(Schema.Node node, ObjectNode json) {
        node.minimum = decimal(json, "minimum");
        node.maximum = decimal(json, "maximum");
        node.multipleOf = decimal(json, "multipleOf");
        node.exclusiveMinimum = flag(json, "exclusiveMinimum");
        node.exclusiveMaximum = flag(json, "exclusiveMaximum");
        node.minLength = whole(json, "minLength");
        node.maxLength = whole(json, "maxLength");
        node.minItems = whole(json, "minItems");
        node.maxItems = whole(json, "maxItems");
        node.minProperties = whole(json, "minProperties");
        node.maxProperties = whole(json, "maxProperties");
        String pattern = Values.text(json, "pattern");
        if (!pattern.isEmpty()) {
            node.patternText = pattern;
            try {
                node.pattern = BoundedPattern.compile(pattern, LARGEST_PATTERN);
            } catch (PatternSyntaxException e) {
                node.pattern = null;
            }
        }
    }

    private void readChildren(Schema.Node node, ObjectNode json) {
        JsonNode properties = json.get("properties");
        if (properties != null) {
            for (Map.Entry<String, JsonNode> property : properties.properties()) {
                node.properties.put(property.getKey(), child(property.getValue()));
            }
        }
        JsonNode items = json.get("items");
        node.items = items != null && items.isObject() ? child(items) : null;
        JsonNode additional = json.get("additionalProperties");
        if (additional != null && additional.isObject()) {
            node.additional = child(additional);
        } else if (additional != null && additional.isBoolean() && additional.booleanValue()) {
            node.additional = Schema.any();
        }
        node.allOf = definitions == null ? schemas(json, "allOf") : List.of();
        node.anyOf = schemas(json, "anyOf");
        node.oneOf = definitions == null ? schemas(json, "oneOf") : List.of();
        JsonNode not = json.get("not");
        node.not = not != null && not.isObject() ? read(not) : null;
    }

    private List<Schema> schemas(ObjectNode json, String name) {
        List<Schema> all = new ArrayList<>();
        Values.elements(json, name).forEach(one -> all.add(read(one)));
        return List.copyOf(all);
    }

    private static List<ValidationRule> rules(ObjectNode json) {
        List<ValidationRule> all = new ArrayList<>();
        for (JsonNode rule : Values.elements(json, "x-kubernetes-validations")) {
            JsonNode optional = rule.get("optionalOldSelf");
            all.add(new ValidationRule(
                    Values.text(rule, "rule"),
                    Values.text(rule, "message"),
                    Values.text(rule, "messageExpression"),
                    Values.text(rule, "reason"),
                    Values.text(rule, "fieldPath"),
                    optional == null || !optional.isBoolean() ? null : optional.booleanValue()));
        }
        return List.copyOf(all);
    }

    private static boolean flag(ObjectNode json, String name) {
        JsonNode value = json.get(name);
        return value != null && value.isBoolean() && value.booleanValue();
    }

    private static List<String> texts(ObjectNode json, String name) {
        return Values.elements(json, name).stream().map(JsonNode::asText).toList();
    }

    private static @Nullable Double decimal(ObjectNode json, String name) {
        JsonNode value = json.get(name);
        return value != null && value.isNumber() ? value.doubleValue() : null;
    }

    private static @Nullable Long whole(ObjectNode json, String name) {
        JsonNode value = json.get(name);
        return value != null && value.isNumber() ? value.longValue() : null;
    }
}
