package dev.coppice.schema.apply;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Schema;
import dev.coppice.schema.Values;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Checks that a tree fits its schema well enough to be merged (the validation of structured-merge-diff). */
final class TypedCheck {
    private final boolean allowDuplicates;
    private final List<String> errors = new ArrayList<>();

    private TypedCheck(boolean allowDuplicates) {
        this.allowDuplicates = allowDuplicates;
    }

    /** The errors as Kubernetes words them, or "" when there are none. */
    static String check(Schema schema, JsonNode tree, boolean allowDuplicates) {
        TypedCheck check = new TypedCheck(allowDuplicates);
        check.visit(schema, tree, "");
        if (check.errors.size() <= 1) {
            return check.errors.isEmpty() ? "" : check.errors.getFirst();
        }
        return "errors:\n  " + String.join("\n  ", check.errors);
    }

    private void visit(@Nullable Schema schema, JsonNode value, String path) {
        if (value.isNull()) {
            return;
        }
        Shape shape = Shape.of(schema, value);
        if (shape.isMap()) {
            visitMap(schema, value, path);
        } else if (shape.isList()) {
            visitList(schema, shape, value, path);
        } else if (schema != null && !Shape.deduced(schema)) {
            visitScalar(schema, value, path);
        }
    }

    private void visitMap(@Nullable Schema schema, JsonNode value, String path) {
        if (!(value instanceof ObjectNode object)) {
            error(path, "expected map, got &{" + shown(value) + "}");
            return;
        }
        for (String name : Values.sortedNames(object)) {
            Schema child = Shape.field(schema, name);
            JsonNode field = object.get(name);
            if (child == null) {
                error(path + "." + name, "field not declared in schema");
            } else if (field != null) {
                visit(child, field, path + "." + name);
            }
        }
    }

    private void visitList(@Nullable Schema schema, Shape shape, JsonNode value, String path) {
        if (!value.isArray()) {
            error(path, "expected list, got &{" + shown(value) + "}");
            return;
        }
        Schema items = schema == null ? null : schema.items();
        TreeSet<PathElement> seen = new TreeSet<>();
        for (int i = 0; i < value.size(); i++) {
            String at = "[" + i + "]";
            if (shape != Shape.ATOMIC_LIST && schema != null) {
                try {
                    PathElement element = Shape.item(shape, schema, value.get(i));
                    if (!seen.add(element) && !allowDuplicates) {
                        error(path, "duplicate entries for key " + element);
                    }
                    at = element.toString();
                } catch (Shape.UnidentifiedItemException e) {
                    error(path, "element " + i + ": " + e.getMessage());
                    return;
                }
            }
            visit(items, value.get(i), path + at);
        }
    }

    private void visitScalar(Schema schema, JsonNode value, String path) {
        switch (schema.intOrString() ? "any" : schema.type()) {
            case "integer", "number" -> {
                if (!value.isNumber()) {
                    error(path, "expected numeric (int or float), got " + goType(value));
                }
            }
            case "string" -> {
                if (!value.isTextual()) {
                    error(path, "expected string, got &value.valueUnstructured{Value:" + Values.goSyntax(value) + "}");
                }
            }
            case "boolean" -> {
                if (!value.isBoolean()) {
                    error(path, "expected boolean, got &{" + shown(value) + "}");
                }
            }
            default -> {
                if (value.isContainerNode()) {
                    error(path, "expected any scalar, got &{" + shown(value) + "}");
                }
            }
        }
    }

    private static String goType(JsonNode value) {
        return switch (value.getNodeType()) {
            case STRING, BINARY -> "string";
            case NUMBER -> value.isIntegralNumber() ? "int64" : "float64";
            case BOOLEAN -> "bool";
            case ARRAY -> "[]interface {}";
            case OBJECT, POJO -> "map[string]interface {}";
            case NULL, MISSING -> "<nil>";
        };
    }

    private static String shown(JsonNode value) {
        return value.isTextual() ? value.textValue() : Values.goSyntax(value);
    }

    private void error(String path, String message) {
        errors.add(path.isEmpty() ? message : path + ": " + message);
    }
}
