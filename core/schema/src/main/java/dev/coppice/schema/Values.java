package dev.coppice.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * JSON values as Kubernetes sees them: equality in which 1 and 1.0 are the same number, a total order, and the texts that
 * Go's {@code %v}, {@code %q} and {@code %#v} print, which stand in Kubernetes' messages. Pure functions.
 */
public final class Values {
    private Values() {}

    /** Tells whether two trees mean the same: numbers by value, objects whatever the order of their fields. */
    public static boolean same(@Nullable JsonNode a, @Nullable JsonNode b) {
        if (a == b) {
            return true;
        }
        if (a == null || b == null) {
            return false;
        }
        if (a.isNumber() && b.isNumber()) {
            return sameNumber(a, b);
        }
        if (a.isObject() && b.isObject()) {
            return sameObject(a, b);
        }
        if (a.isArray() && b.isArray()) {
            return sameArray(a, b);
        }
        if (a.isTextual() && b.isTextual()) {
            return a.textValue().equals(b.textValue());
        }
        return a.equals(b);
    }

    private static boolean sameNumber(JsonNode a, JsonNode b) {
        if (a.isIntegralNumber() && b.isIntegralNumber() && a.canConvertToLong() && b.canConvertToLong()) {
            return a.longValue() == b.longValue();
        }
        if (special(a) || special(b)) {
            return Double.compare(a.doubleValue(), b.doubleValue()) == 0;
        }
        return a.decimalValue().compareTo(b.decimalValue()) == 0;
    }

    private static boolean special(JsonNode number) {
        return number.isFloatingPointNumber() && !Double.isFinite(number.doubleValue());
    }

    private static boolean sameObject(JsonNode a, JsonNode b) {
        if (a.size() != b.size()) {
            return false;
        }
        for (Map.Entry<String, JsonNode> field : a.properties()) {
            if (!same(field.getValue(), b.get(field.getKey()))) {
                return false;
            }
        }
        return true;
    }

    private static boolean sameArray(JsonNode a, JsonNode b) {
        if (a.size() != b.size()) {
            return false;
        }
        for (int i = 0; i < a.size(); i++) {
            if (!same(a.get(i), b.get(i))) {
                return false;
            }
        }
        return true;
    }

    /** Orders values as structured-merge-diff does: numbers, strings, booleans, null, lists, maps. */
    public static int compare(JsonNode a, JsonNode b) {
        int rank = Integer.compare(rank(a), rank(b));
        if (rank != 0) {
            return rank;
        }
        return switch (rank(a)) {
            case 0 ->
                special(a) || special(b)
                        ? Double.compare(a.doubleValue(), b.doubleValue())
                        : a.decimalValue().compareTo(b.decimalValue());
            case 1 -> a.textValue().compareTo(b.textValue());
            case 2 -> Boolean.compare(a.booleanValue(), b.booleanValue());
            case 4 -> compareArrays(a, b);
            case 5 -> compareObjects(a, b);
            default -> 0;
        };
    }

    private static int rank(JsonNode node) {
        return switch (node.getNodeType()) {
            case NUMBER -> 0;
            case STRING, BINARY -> 1;
            case BOOLEAN -> 2;
            case NULL, MISSING -> 3;
            case ARRAY -> 4;
            case OBJECT, POJO -> 5;
        };
    }

    private static int compareArrays(JsonNode a, JsonNode b) {
        for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
            int order = compare(a.get(i), b.get(i));
            if (order != 0) {
                return order;
            }
        }
        return Integer.compare(a.size(), b.size());
    }

    private static int compareObjects(JsonNode a, JsonNode b) {
        Iterator<Map.Entry<String, JsonNode>> left = sortedFields(a).entrySet().iterator();
        Iterator<Map.Entry<String, JsonNode>> right = sortedFields(b).entrySet().iterator();
        while (left.hasNext() && right.hasNext()) {
            Map.Entry<String, JsonNode> l = left.next();
            Map.Entry<String, JsonNode> r = right.next();
            int order = l.getKey().compareTo(r.getKey());
            order = order != 0 ? order : compare(l.getValue(), r.getValue());
            if (order != 0) {
                return order;
            }
        }
        return Boolean.compare(left.hasNext(), right.hasNext());
    }

    private static TreeMap<String, JsonNode> sortedFields(JsonNode object) {
        TreeMap<String, JsonNode> sorted = new TreeMap<>();
        object.properties().forEach(e -> sorted.put(e.getKey(), e.getValue()));
        return sorted;
    }

    /** The field names of an object, sorted. */
    public static List<String> sortedNames(JsonNode object) {
        List<String> names = new ArrayList<>(object.size());
        object.fieldNames().forEachRemaining(names::add);
        Collections.sort(names);
        return names;
    }

    /** The text at a path of field names, or "" when it is missing or no string. */
    public static String text(@Nullable JsonNode node, String... path) {
        JsonNode at = node;
        for (String name : path) {
            at = at == null ? null : at.get(name);
        }
        return at != null && at.isTextual() ? at.textValue() : "";
    }

    /** The object at a path of field names, or null. */
    public static @Nullable ObjectNode object(@Nullable JsonNode node, String... path) {
        JsonNode at = node;
        for (String name : path) {
            at = at == null ? null : at.get(name);
        }
        return at instanceof ObjectNode object ? object : null;
    }

    /** The elements of the array at a path of field names; none when it is missing. */
    public static List<JsonNode> elements(@Nullable JsonNode node, String... path) {
        JsonNode at = node;
        for (String name : path) {
            at = at == null ? null : at.get(name);
        }
        if (!(at instanceof ArrayNode array)) {
            return List.of();
        }
        List<JsonNode> all = new ArrayList<>(array.size());
        array.forEach(all::add);
        return all;
    }

    /** A tree whose objects have their fields sorted, as Kubernetes writes custom resources. */
    public static JsonNode sorted(JsonNode node) {
        if (node instanceof ObjectNode object) {
            ObjectNode copy = object.objectNode();
            sortedFields(object).forEach((name, value) -> copy.set(name, sorted(value)));
            return copy;
        }
        if (node instanceof ArrayNode array) {
            ArrayNode copy = array.arrayNode(array.size());
            array.forEach(value -> copy.add(sorted(value)));
            return copy;
        }
        return node;
    }

    /** A Go string literal ({@code %q}). */
    public static String quote(String text) {
        StringBuilder out = new StringBuilder(text.length() + 2).append('"');
        text.codePoints().forEach(c -> appendQuoted(out, c));
        return out.append('"').toString();
    }

    private static void appendQuoted(StringBuilder out, int c) {
        switch (c) {
            case '"' -> out.append("\\\"");
            case '\\' -> out.append("\\\\");
            case '\n' -> out.append("\\n");
            case '\t' -> out.append("\\t");
            case '\r' -> out.append("\\r");
            case 7 -> out.append("\\a");
            case 8 -> out.append("\\b");
            case 11 -> out.append("\\v");
            case 12 -> out.append("\\f");
            default -> {
                if (c < 32 || c == 127) {
                    out.append(String.format(Locale.ROOT, "\\x%02x", c));
                } else if (Character.isISOControl(c) || !Character.isDefined(c)) {
                    out.append(String.format(Locale.ROOT, c > 0xffff ? "\\U%08x" : "\\u%04x", c));
                } else {
                    out.appendCodePoint(c);
                }
            }
        }
    }

    /** A number as Go prints it ({@code %v}): 0.5, 5, 1e+21. */
    public static String number(JsonNode number) {
        return number.isIntegralNumber() ? number.bigIntegerValue().toString() : number(number.doubleValue());
    }

    /** A float64 as Go prints it ({@code %v}). */
    public static String number(double value) {
        if (value == 0) {
            return "0";
        }
        if (!Double.isFinite(value)) {
            return Double.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
        }
        BigDecimal exact = new BigDecimal(Double.toString(value)).stripTrailingZeros();
        int exponent = exact.precision() - exact.scale() - 1;
        if (exponent >= -4 && exponent < 21) {
            return exact.toPlainString();
        }
        String digits = exact.unscaledValue().abs().toString();
        return (value < 0 ? "-" : "")
                + digits.charAt(0)
                + (digits.length() > 1 ? "." + digits.substring(1) : "")
                + String.format(Locale.ROOT, "e%s%02d", exponent < 0 ? "-" : "+", Math.abs(exponent));
    }

    /** A value as field errors show it after their type: strings quoted, numbers plain, trees in Go syntax. */
    public static String shown(@Nullable JsonNode value) {
        return value == null || value.isNull() ? "\"null\"" : goSyntax(value);
    }

    /** A value in Go syntax ({@code %#v} of map[string]interface{} trees). */
    public static String goSyntax(JsonNode value) {
        return switch (value.getNodeType()) {
            case STRING, BINARY -> quote(value.asText());
            case NUMBER -> number(value);
            case BOOLEAN -> value.asText();
            case NULL, MISSING, POJO -> "interface {}(nil)";
            case ARRAY -> {
                StringBuilder out = new StringBuilder("[]interface {}{");
                for (int i = 0; i < value.size(); i++) {
                    out.append(i == 0 ? "" : ", ").append(goSyntax(value.get(i)));
                }
                yield out.append('}').toString();
            }
            case OBJECT -> {
                StringBuilder out = new StringBuilder("map[string]interface {}{");
                sortedFields(value)
                        .forEach((name, field) -> out.append(out.charAt(out.length() - 1) == '{' ? "" : ", ")
                                .append(quote(name))
                                .append(':')
                                .append(goSyntax(field)));
                yield out.append('}').toString();
            }
        };
    }
}
