package dev.coppice.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.re2j.PatternSyntaxException;
import dev.coppice.expression.BoundedPattern;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Checks a CRD's schema: structural, with valid defaults, patterns and list types; in apiextensions' words. */
final class StructuralCheck {
    private static final Set<String> TYPES = Set.of("array", "boolean", "integer", "number", "object", "string");
    private static final List<String> TYPE_NAMES = List.of("array", "boolean", "integer", "number", "object", "string");
    private static final Set<String> SCALARS = Set.of("string", "integer", "number", "boolean");
    private static final int MAX_DEPTH = 200;

    private enum Level {
        ROOT,
        FIELD,
        ITEM
    }

    private final List<Cause> causes = new ArrayList<>();

    List<Cause> check(JsonNode json, String path) {
        visit(json, path, Level.ROOT, 0);
        if (causes.isEmpty() && json.path("nullable").asBoolean(false)) {
            causes.add(Cause.forbidden(path + ".nullable", "nullable cannot be true at the root"));
        }
        return List.copyOf(causes);
    }

    private void visit(JsonNode given, String path, Level level, int depth) {
        if (!(given instanceof ObjectNode json)) {
            causes.add(Cause.invalid(path, given, "must be an object"));
            return;
        }
        if (depth > MAX_DEPTH) {
            causes.add(Cause.forbidden(path, "must not be nested deeper than " + MAX_DEPTH + " levels"));
            return;
        }
        checkForbidden(json, path);
        checkType(json, path, level);
        checkNumbers(json, path);
        checkExtensions(json, path);
        checkList(json, path);
        checkLogic(json, path);
        visitChildren(json, path, depth);
        checkDefault(json, path);
    }

    private void visitChildren(ObjectNode json, String path, int depth) {
        JsonNode properties = json.path("properties");
        for (Map.Entry<String, JsonNode> property : properties.properties()) {
            visit(property.getValue(), path + ".properties[" + property.getKey() + "]", Level.FIELD, depth + 1);
        }
        JsonNode items = json.path("items");
        if (items.isObject()) {
            visit(items, path + ".items", Level.ITEM, depth + 1);
        } else if (items.isArray()) {
            causes.add(Cause.forbidden(path + ".items", "items must be a schema object and not an array"));
        } else if (Values.text(json, "type").equals("array")) {
            causes.add(Cause.required(path + ".items", "must be specified"));
        }
        JsonNode additional = json.path("additionalProperties");
        if (additional.isObject()) {
            visit(additional, path + ".additionalProperties", Level.FIELD, depth + 1);
        }
    }

    private void checkForbidden(ObjectNode json, String path) {
        for (String name :
                List.of("definitions", "dependencies", "patternProperties", "$schema", "id", "additionalItems")) {
            if (json.has(name) && !json.path(name).isNull()) {
                causes.add(Cause.forbidden(path + "." + name, name + " is not supported"));
            }
        }
        if (json.has("$ref")) {
            causes.add(Cause.forbidden(path + ".$ref", "$ref is not supported"));
        }
        if (json.path("uniqueItems").asBoolean(false)) {
            causes.add(Cause.forbidden(
                    path + ".uniqueItems",
                    "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"));
        }
        JsonNode additional = json.path("additionalProperties");
        if (additional.isBoolean() && !additional.booleanValue()) {
            causes.add(Cause.forbidden(path + ".additionalProperties", "additionalProperties cannot be set to false"));
        }
        if (!json.path("properties").isEmpty() && !additional.isMissingNode() && !additional.isNull()) {
            causes.add(Cause.forbidden(
                    path + ".additionalProperties", "additionalProperties and properties are mutual exclusive"));
        }
    }

    private void checkType(ObjectNode json, String path, Level level) {
        String type = Values.text(json, "type");
        boolean intOrString = json.path("x-kubernetes-int-or-string").asBoolean(false);
        boolean preserve = json.path("x-kubernetes-preserve-unknown-fields").asBoolean(false);
        boolean embedded = json.path("x-kubernetes-embedded-resource").asBoolean(false);
        if (embedded && !type.equals("object")) {
            String detail = "must be object if x-kubernetes-embedded-resource is true";
            causes.add(
                    type.isEmpty()
                            ? Cause.required(path + ".type", detail)
                            : Cause.invalid(path + ".type", type, detail));
        } else if (type.isEmpty() && !intOrString && !preserve) {
            causes.add(Cause.required(
                    path + ".type",
                    switch (level) {
                        case ROOT -> "must not be empty at the root";
                        case FIELD -> "must not be empty for specified object fields";
                        case ITEM -> "must not be empty for specified array items";
                    }));
        } else if (type.isEmpty() && level == Level.ROOT) {
            causes.add(Cause.required(path + ".type", "must not be empty at the root"));
        }
        if (!type.isEmpty() && !TYPES.contains(type)) {
            causes.add(Cause.notSupported(path + ".type", type, TYPE_NAMES));
        } else if (level == Level.ROOT && !type.isEmpty() && !type.equals("object")) {
            causes.add(Cause.invalid(path + ".type", type, "must be object at the root"));
        }
        if (intOrString && !type.isEmpty()) {
            causes.add(Cause.invalid(path + ".type", type, "must be empty if x-kubernetes-int-or-string is true"));
        }
        if (embedded && !preserve && json.path("properties").isEmpty()) {
            causes.add(
                    Cause.required(
                            path + ".properties",
                            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"));
        }
        if (level == Level.ROOT || embedded) {
            checkMeta(json, path);
        }
    }

    private void checkMeta(ObjectNode json, String path) {
        for (String name : List.of("apiVersion", "kind")) {
            JsonNode property = json.path("properties").path(name);
            if (property.isObject() && !Values.text(property, "type").equals("string")) {
                causes.add(Cause.invalid(
                        path + ".properties[" + name + "].type", Values.text(property, "type"), "must be string"));
            }
        }
        JsonNode metadata = json.path("properties").path("metadata");
        if (metadata.isObject() && !Values.text(metadata, "type").equals("object")) {
            causes.add(Cause.invalid(
                    path + ".properties[metadata].type", Values.text(metadata, "type"), "must be object"));
        }
        metadata.path("properties").fieldNames().forEachRemaining(name -> {
            if (!name.equals("name") && !name.equals("generateName")) {
                causes.add(
                        Cause.forbidden(
                                path + ".properties[metadata]",
                                "must not specify anything other than name and generateName, but metadata is implicitly specified"));
            }
        });
    }

    private void checkNumbers(ObjectNode json, String path) {
        String pattern = Values.text(json, "pattern");
        if (!pattern.isEmpty()) {
            try {
                var compiled = BoundedPattern.compile(pattern, SchemaReader.LARGEST_PATTERN);
                if (compiled.pattern().isEmpty()) {
                    return;
                }
            } catch (PatternSyntaxException e) {
                causes.add(Cause.invalid(
                        path + ".pattern",
                        pattern,
                        "must be a valid regular expression, but isn't: " + e.getMessage()));
            }
        }
        for (String name :
                List.of("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")) {
            JsonNode value = json.path(name);
            if (value.isNumber() && value.longValue() < 0) {
                causes.add(Cause.invalid(path + "." + name, value, "must be greater than or equal to 0"));
            }
        }
    }

    private void checkExtensions(ObjectNode json, String path) {
        JsonNode preserve = json.path("x-kubernetes-preserve-unknown-fields");
        if (preserve.isBoolean() && !preserve.booleanValue()) {
            causes.add(Cause.invalid(
                    path + ".x-kubernetes-preserve-unknown-fields", preserve, "must be true or undefined"));
        }
        String mapType = Values.text(json, "x-kubernetes-map-type");
        if (!mapType.isEmpty()) {
            String type = Values.text(json, "type");
            if (!type.equals("object")) {
                String detail = "must be object if x-kubernetes-map-type is specified";
                causes.add(
                        type.isEmpty()
                                ? Cause.required(path + ".type", detail)
                                : Cause.invalid(path + ".type", type, detail));
            }
            if (!mapType.equals("atomic") && !mapType.equals("granular")) {
                causes.add(Cause.notSupported(path + ".x-kubernetes-map-type", mapType, List.of("atomic", "granular")));
            }
        }
        List<JsonNode> rules = Values.elements(json, "x-kubernetes-validations");
        for (int i = 0; i < rules.size(); i++) {
            checkRule(rules.get(i), path + ".x-kubernetes-validations[" + i + "]");
        }
    }

    private void checkRule(JsonNode rule, String path) {
        if (Values.text(rule, "rule").isBlank()) {
            causes.add(Cause.required(path + ".rule", "rule is not specified"));
        }
        String message = Values.text(rule, "message");
        if (rule.has("message") && !message.isEmpty() && message.isBlank()) {
            causes.add(Cause.invalid(path + ".message", message, "message must be non-empty if specified"));
        } else if (message.contains("\n") || message.contains("\r")) {
            causes.add(Cause.invalid(path + ".message", message, "message must not contain line breaks"));
        } else if (Values.text(rule, "rule").contains("\n") && message.isEmpty()) {
            causes.add(Cause.required(path + ".message", "message must be specified if rule contains line breaks"));
        }
        String reason = Values.text(rule, "reason");
        List<String> reasons =
                List.of("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired");
        if (!reason.isEmpty() && !reasons.contains(reason)) {
            causes.add(Cause.notSupported(path + ".reason", reason, reasons));
        }
    }

    private void checkList(ObjectNode json, String path) {
        String listType = Values.text(json, "x-kubernetes-list-type");
        List<JsonNode> keys = Values.elements(json, "x-kubernetes-list-map-keys");
        String type = Values.text(json, "type");
        if (!listType.isEmpty()) {
            if (!type.equals("array")) {
                String detail = "must be array if x-kubernetes-list-type is specified";
                causes.add(
                        type.isEmpty()
                                ? Cause.required(path + ".type", detail)
                                : Cause.invalid(path + ".type", type, detail));
            }
            if (!List.of("atomic", "set", "map").contains(listType)) {
                causes.add(Cause.notSupported(
                        path + ".x-kubernetes-list-type", listType, List.of("atomic", "map", "set")));
            }
        }
        if (!keys.isEmpty() && !listType.equals("map")) {
            String detail = "must be map if x-kubernetes-list-map-keys is non-empty";
            causes.add(
                    listType.isEmpty()
                            ? Cause.required(path + ".x-kubernetes-list-type", detail)
                            : Cause.invalid(path + ".x-kubernetes-list-type", listType, detail));
        }
        if (listType.equals("map")) {
            checkKeys(json, keys, path);
        }
        if (listType.equals("set")) {
            checkSet(json.path("items"), path + ".items");
        }
    }

    private void checkKeys(ObjectNode json, List<JsonNode> keys, String path) {
        String keysPath = path + ".x-kubernetes-list-map-keys";
        if (keys.isEmpty()) {
            causes.add(Cause.required(keysPath, "must not be empty if x-kubernetes-list-type is map"));
            return;
        }
        JsonNode items = json.path("items");
        if (!items.isObject()) {
            return;
        }
        if (!Values.text(items, "type").equals("object")) {
            causes.add(Cause.invalid(
                    path + ".items.type",
                    Values.text(items, "type"),
                    "must be object if parent array's x-kubernetes-list-type is map"));
        }
        Set<String> seen = new HashSet<>();
        List<String> required = Values.elements(items, "required").stream()
                .map(JsonNode::asText)
                .toList();
        for (int i = 0; i < keys.size(); i++) {
            String key = keys.get(i).asText();
            JsonNode property = items.path("properties").path(key);
            if (!seen.add(key)) {
                causes.add(Cause.duplicate(keysPath + "[" + i + "]", keys.get(i)));
            } else if (property.isMissingNode()) {
                causes.add(Cause.invalid(keysPath, key, "entries must all be names of item properties"));
            } else if (!SCALARS.contains(Values.text(property, "type"))) {
                causes.add(Cause.invalid(
                        path + ".items.properties[" + key + "].type",
                        Values.text(property, "type"),
                        "must be a scalar type if parent array's x-kubernetes-list-type is map"));
            } else if (!property.has("default") && !required.contains(key)) {
                causes.add(
                        Cause.required(
                                path + ".items.properties[" + key + "].default",
                                "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"));
            }
        }
    }

    private void checkSet(JsonNode items, String path) {
        if (items.path("nullable").asBoolean(false)) {
            causes.add(Cause.forbidden(path + ".nullable", "cannot be nullable when x-kubernetes-list-type is set"));
        }
        String type = Values.text(items, "type");
        if (type.equals("object")
                && !Values.text(items, "x-kubernetes-map-type").equals("atomic")) {
            causes.add(Cause.invalid(
                    path + ".x-kubernetes-map-type",
                    Values.text(items, "x-kubernetes-map-type"),
                    "must be atomic as item of a list with x-kubernetes-list-type=set"));
        }
        String listType = Values.text(items, "x-kubernetes-list-type");
        if (type.equals("array") && !listType.isEmpty() && !listType.equals("atomic")) {
            causes.add(Cause.invalid(
                    path + ".x-kubernetes-list-type",
                    listType,
                    "must be atomic as item of a list with x-kubernetes-list-type=set"));
        }
    }

    /** Inside allOf, anyOf, oneOf and not, only constraints may stand. */
    private void checkLogic(ObjectNode json, String path) {
        boolean intOrString = json.path("x-kubernetes-int-or-string").asBoolean(false);
        for (String name : List.of("allOf", "anyOf", "oneOf")) {
            List<JsonNode> branches = Values.elements(json, name);
            for (int i = 0; i < branches.size(); i++) {
                boolean typed = !(intOrString && (name.equals("anyOf") || name.equals("allOf")));
                checkBranch(branches.get(i), path + "." + name + "[" + i + "]", typed);
            }
        }
        if (json.path("not").isObject()) {
            checkBranch(json.path("not"), path + ".not", true);
        }
    }

    private void checkBranch(JsonNode branch, String path, boolean typed) {
        for (String name : List.of("description", "type", "default", "title", "additionalProperties", "nullable")) {
            JsonNode value = branch.path(name);
            boolean given = !value.isMissingNode() && !value.isNull() && !(value.isBoolean() && !value.booleanValue());
            if (given && (typed || !name.equals("type"))) {
                causes.add(Cause.forbidden(path + "." + name, "must be empty to be structural"));
            }
        }
        for (Map.Entry<String, JsonNode> property : branch.path("properties").properties()) {
            checkBranch(property.getValue(), path + ".properties[" + property.getKey() + "]", true);
        }
        for (String name : List.of("allOf", "anyOf", "oneOf")) {
            List<JsonNode> inner = Values.elements(branch, name);
            for (int i = 0; i < inner.size(); i++) {
                checkBranch(inner.get(i), path + "." + name + "[" + i + "]", typed);
            }
        }
    }

    private void checkDefault(ObjectNode json, String path) {
        JsonNode value = json.get("default");
        if (value == null || value.isNull()) {
            return;
        }
        String at = path + ".default";
        Schema schema = Schema.of(json);
        JsonNode copy = value.deepCopy();
        if (!schema.prune(copy).isEmpty()) {
            causes.add(Cause.invalid(at, value, "must not have unknown fields"));
            return;
        }
        Defaulting.apply(schema, copy);
        causes.addAll(Validation.validate(schema, copy, at));
    }
}
