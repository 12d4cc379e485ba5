package dev.coppice.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Checks trees against schemas in the words, and with the quirks, of kube-openapi's validator: bounds are cut to whole
 * numbers where the value is whole, and length is counted in code points.
 */
final class Validation {
    private static final String NO_FIELD = "<nil>";

    private final String base;

    private Validation(String base) {
        this.base = base;
    }

    static List<Cause> validate(Schema schema, JsonNode tree, String base) {
        List<Cause> causes = new ArrayList<>();
        Validation validation = new Validation(base);
        validation.check(schema.node(), tree, "", causes);
        ListTypes.check(schema, tree, base, causes);
        EmbeddedResources.check(schema, tree, base, causes);
        return List.copyOf(causes);
    }

    /** The checks of the schema alone, without those of list types and embedded resources. */
    static List<Cause> validateValue(Schema schema, JsonNode tree, String base) {
        List<Cause> causes = new ArrayList<>();
        new Validation(base).check(schema.node(), tree, "", causes);
        return causes;
    }

    private void check(Schema.Node schema, JsonNode value, String path, List<Cause> causes) {
        if (value.isNull()) {
            checkNull(schema, path, causes);
            return;
        }
        checkType(schema, value, path, causes);
        checkCombinations(schema, value, path, causes);
        if (value.isTextual()) {
            checkString(schema, value, path, causes);
            checkFormat(schema, value, path, causes);
        } else if (value.isNumber()) {
            checkNumber(schema, value, path, causes);
        } else if (value.isArray()) {
            checkArray(schema, value, path, causes);
        }
        checkEnumeration(schema, value, path, causes);
        if (value instanceof ObjectNode object) {
            checkObject(schema, object, path, causes);
        }
    }

    private void checkNull(Schema.Node schema, String path, List<Cause> causes) {
        if (!schema.type.isEmpty() && !schema.nullable && !schema.definition) {
            typeError(path, schema.type, "null", causes);
        } else if (schema.intOrString && !schema.nullable) {
            typeError(path, "integer,string", "null", causes);
        }
        checkEnumeration(schema, JsonNodeFactory.instance.nullNode(), path, causes);
    }

    private void checkType(Schema.Node schema, JsonNode value, String path, List<Cause> causes) {
        String actual = actualType(value);
        boolean text = value.isTextual() || value.isArray();
        if (schema.intOrString) {
            if (!actual.equals("integer") && !actual.equals("string")) {
                typeError(path, "integer,string", actual, causes);
            }
            return;
        }
        if (schema.type.isEmpty()) {
            return;
        }
        boolean numeric = schema.type.equals("number") || schema.type.equals("integer");
        boolean matches = schema.type.equals(actual)
                || schema.type.equals("number") && actual.equals("integer")
                || schema.type.equals("integer") && wholeFloat(value);
        if (!schema.format.isEmpty() && !text && !matches) {
            typeError(path, schema.format, actualFormat(value), causes);
            return;
        }
        if (!numeric && !schema.format.isEmpty() && text) {
            return;
        }
        if (!matches) {
            typeError(path, schema.type, actual, causes);
        }
    }

    private static String actualType(JsonNode value) {
        return switch (value.getNodeType()) {
            case STRING, BINARY -> "string";
            case NUMBER -> value.isIntegralNumber() ? "integer" : "number";
            case BOOLEAN -> "boolean";
            case ARRAY -> "array";
            case OBJECT, POJO -> "object";
            case NULL, MISSING -> "null";
        };
    }

    private static String actualFormat(JsonNode value) {
        return value.isNumber() ? value.isIntegralNumber() ? "int64" : "double" : "";
    }

    private static boolean wholeFloat(JsonNode value) {
        return value.isFloatingPointNumber() && value.doubleValue() == Math.rint(value.doubleValue());
    }

    private void typeError(String path, String expected, String actual, List<Cause> causes) {
        causes.add(Cause.typeInvalid(
                field(path),
                actual,
                name(path) + " in body must be of type " + expected + ": " + Values.quote(actual)));
    }

    private void checkCombinations(Schema.Node schema, JsonNode value, String path, List<Cause> causes) {
        if (!schema.anyOf.isEmpty()) {
            List<List<Cause>> failures = failures(schema.anyOf, value, path);
            if (failures.size() == schema.anyOf.size()) {
                causes.add(combination(path, "must validate at least one schema (anyOf)"));
                causes.addAll(failures.getFirst());
            }
        }
        if (!schema.oneOf.isEmpty()) {
            List<List<Cause>> failures = failures(schema.oneOf, value, path);
            int valid = schema.oneOf.size() - failures.size();
            if (valid != 1) {
                String found = valid == 0 ? "Found none valid" : "Found " + valid + " valid alternatives";
                causes.add(combination(path, "must validate one and only one schema (oneOf). " + found));
                if (valid == 0) {
                    causes.addAll(failures.getFirst());
                }
            }
        }
        if (!schema.allOf.isEmpty()) {
            List<List<Cause>> failures = failures(schema.allOf, value, path);
            failures.forEach(causes::addAll);
            if (!failures.isEmpty()) {
                String none = failures.size() == schema.allOf.size() ? ". None validated" : "";
                causes.add(combination(path, "must validate all the schemas (allOf)" + none));
            }
        }
        if (schema.not != null && failures(List.of(schema.not), value, path).isEmpty()) {
            causes.add(combination(path, "must not validate the schema (not)"));
        }
    }

    private List<List<Cause>> failures(List<Schema> schemas, JsonNode value, String path) {
        List<List<Cause>> failures = new ArrayList<>();
        for (Schema schema : schemas) {
            List<Cause> found = new ArrayList<>();
            check(schema.node(), value, path, found);
            if (!found.isEmpty()) {
                failures.add(found);
            }
        }
        return failures;
    }

    private Cause combination(String path, String text) {
        return new Cause(
                base.isEmpty() ? NO_FIELD : base,
                "FieldValueInvalid",
                "Invalid value: \"\": " + Values.quote(name(path)) + " " + text);
    }

    private void checkString(Schema.Node schema, JsonNode value, String path, List<Cause> causes) {
        String text = value.textValue();
        if (schema.maxLength != null && length(text) > schema.maxLength) {
            causes.add(Cause.tooLong(field(path), schema.maxLength));
        }
        if (schema.minLength != null && length(text) < schema.minLength) {
            invalid(path, value, "should be at least " + schema.minLength + " chars long", causes);
        }
        if (schema.pattern != null && !schema.pattern.matcher(text).find()) {
            invalid(path, value, "should match '" + schema.patternText + "'", causes);
        }
    }

    private static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    private void checkFormat(Schema.Node schema, JsonNode value, String path, List<Cause> causes) {
        if (schema.format.isEmpty() || schema.definition || Formats.valid(schema.format, value.textValue())) {
            return;
        }
        causes.add(Cause.typeInvalid(
                field(path),
                value.textValue(),
                name(path) + " in body must be of type " + schema.format + ": " + Values.quote(value.textValue())));
    }

    private void checkNumber(Schema.Node schema, JsonNode value, String path, List<Cause> causes) {
        boolean whole = value.isIntegralNumber();
        if (schema.multipleOf != null) {
            checkMultiple(schema.multipleOf, value, whole, path, causes);
        }
        if (schema.maximum != null) {
            int order = order(value, schema.maximum, whole);
            if (schema.exclusiveMaximum ? order >= 0 : order > 0) {
                String how = schema.exclusiveMaximum ? "should be less than " : "should be less than or equal to ";
                invalid(path, value, how + bound(schema.maximum, whole), causes);
            }
        }
        if (schema.minimum != null) {
            int order = order(value, schema.minimum, whole);
            if (schema.exclusiveMinimum ? order <= 0 : order < 0) {
                String how =
                        schema.exclusiveMinimum ? "should be greater than " : "should be greater than or equal to ";
                invalid(path, value, how + bound(schema.minimum, whole), causes);
            }
        }
    }

    private static int order(JsonNode value, double bound, boolean whole) {
        return whole ? Long.compare(value.longValue(), (long) bound) : Double.compare(value.doubleValue(), bound);
    }

    private static String bound(double bound, boolean whole) {
        return whole ? Long.toString((long) bound) : Values.number(bound);
    }

    private void checkMultiple(double factor, JsonNode value, boolean whole, String path, List<Cause> causes) {
        if (whole ? (long) factor <= 0 : factor <= 0) {
            String shown = bound(factor, whole);
            causes.add(Cause.invalidShown(
                    field(path),
                    shown,
                    "factor MultipleOf declared for " + name(path) + " must be positive: " + shown));
            return;
        }
        boolean multiple;
        if (whole) {
            multiple = value.longValue() % (long) factor == 0;
        } else {
            double times = factor < 1 ? 1 / factor * value.doubleValue() : value.doubleValue() / factor;
            multiple = times == Math.rint(times);
        }
        if (!multiple) {
            invalid(path, value, "should be a multiple of " + bound(factor, whole), causes);
        }
    }

    private void checkArray(Schema.Node schema, JsonNode value, String path, List<Cause> causes) {
        int size = value.size();
        if (schema.items != null) {
            for (int i = 0; i < size; i++) {
                check(schema.items.node(), value.get(i), path + "[" + i + "]", causes);
            }
        }
        if (schema.minItems != null && size < schema.minItems) {
            sized(path, size, "should have at least " + schema.minItems + " items", causes);
        }
        if (schema.maxItems != null && size > schema.maxItems) {
            causes.add(Cause.tooMany(field(path), size, schema.maxItems));
        }
        if (schema.uniqueItems) {
            TreeSet<JsonNode> seen = new TreeSet<>(Values::compare);
            value.forEach(seen::add);
            if (seen.size() < size) {
                causes.add(
                        Cause.invalidShown(field(path), "\"\"", name(path) + " in body shouldn't contain duplicates"));
            }
        }
    }

    private void checkEnumeration(Schema.Node schema, JsonNode value, String path, List<Cause> causes) {
        if (schema.enumeration.isEmpty() || schema.enumeration.stream().anyMatch(one -> Values.same(one, value))) {
            return;
        }
        List<String> values = schema.enumeration.stream()
                .map(one -> one.isTextual() ? one.textValue() : one.toString())
                .toList();
        causes.add(Cause.notSupported(field(path), value, values));
    }

    private void checkObject(Schema.Node schema, ObjectNode object, String path, List<Cause> causes) {
        for (String name : schema.required) {
            if (!object.has(name)) {
                causes.add(Cause.required(field(path + "." + name), ""));
            }
        }
        for (String name : Values.sortedNames(object)) {
            Schema property = schema.properties.get(name);
            Schema child = property != null ? property : schema.additional;
            JsonNode value = object.get(name);
            boolean metadata = name.equals("metadata") && (schema.resourceRoot || schema.embedded);
            if (child != null && value != null && !(metadata && child == ObjectMetaSchema.schema())) {
                check(child.node(), value, path.isEmpty() ? name : path + "." + name, causes);
            }
        }
        if (schema.minProperties != null && object.size() < schema.minProperties) {
            sized(path, object.size(), "should have at least " + schema.minProperties + " properties", causes);
        }
        if (schema.maxProperties != null && object.size() > schema.maxProperties) {
            causes.add(Cause.tooMany(field(path), object.size(), schema.maxProperties));
        }
    }

    private void sized(String path, int size, String text, List<Cause> causes) {
        causes.add(Cause.invalid(field(path), size, name(path) + " in body " + text));
    }

    private void invalid(String path, JsonNode value, String text, List<Cause> causes) {
        causes.add(Cause.invalid(field(path), value, name(path) + " in body " + text));
    }

    private static @Nullable String blankToNull(String path) {
        return path.isEmpty() ? null : path;
    }

    private String field(String path) {
        String own = blankToNull(path.startsWith(".") ? path.substring(1) : path);
        if (own == null) {
            return base.isEmpty() ? NO_FIELD : base;
        }
        return base.isEmpty() ? own : own.startsWith("[") ? base + own : base + "." + own;
    }

    private static String name(String path) {
        return path;
    }
}
