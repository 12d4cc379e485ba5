package dev.coppice.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One reason why an object is refused: an entry of {@code details.causes} of a Kubernetes Status, in Kubernetes' words.
 * Immutable.
 *
 * @param field the path, such as {@code spec.ports[0].name}; {@code <nil>} where Kubernetes has none
 * @param reason such as FieldValueInvalid
 * @param message such as {@code Invalid value: 0: must be greater than 0}
 */
public record Cause(String field, String reason, String message) {

    public static Cause required(String field, String detail) {
        return new Cause(field, "FieldValueRequired", with("Required value", detail));
    }

    public static Cause forbidden(String field, String detail) {
        return new Cause(field, "FieldValueForbidden", with("Forbidden", detail));
    }

    public static Cause invalid(String field, @Nullable JsonNode value, String detail) {
        return invalidShown(field, Values.shown(value), detail);
    }

    public static Cause invalid(String field, String value, String detail) {
        return invalidShown(field, Values.quote(value), detail);
    }

    public static Cause invalid(String field, long value, String detail) {
        return invalidShown(field, Long.toString(value), detail);
    }

    /** An invalid value of which the text to show is known already. */
    public static Cause invalidShown(String field, String shown, String detail) {
        return new Cause(field, "FieldValueInvalid", with("Invalid value: " + shown, detail));
    }

    public static Cause typeInvalid(String field, String value, String detail) {
        return new Cause(field, "FieldValueTypeInvalid", with("Invalid value: " + Values.quote(value), detail));
    }

    public static Cause notSupported(String field, @Nullable JsonNode value, Collection<String> supported) {
        String values = supported.stream().map(Values::quote).collect(Collectors.joining(", "));
        return new Cause(
                field,
                "FieldValueNotSupported",
                with(
                        "Unsupported value: " + Values.shown(value),
                        values.isEmpty() ? "" : "supported values: " + values));
    }

    public static Cause notSupported(String field, String value, Collection<String> supported) {
        return notSupported(field, TextNode.valueOf(value), supported);
    }

    public static Cause duplicate(String field, JsonNode value) {
        return new Cause(field, "FieldValueDuplicate", "Duplicate value: " + Values.shown(value));
    }

    public static Cause notFound(String field, String value) {
        return new Cause(field, "FieldValueNotFound", "Not found: " + Values.quote(value));
    }

    public static Cause tooLong(String field, long max) {
        return new Cause(field, "FieldValueTooLong", "Too long: may not be more than " + max + " bytes");
    }

    public static Cause tooMany(String field, long actual, long max) {
        return new Cause(field, "FieldValueTooMany", "Too many: " + actual + ": must have at most " + max + " items");
    }

    /** The field and its message, as they stand in a Status message. */
    public String text() {
        return field + ": " + message;
    }

    /** What follows {@code is invalid: } in a Status message: one cause plain, several in brackets. */
    public static String text(List<Cause> causes) {
        List<String> texts = causes.stream().map(Cause::text).distinct().toList();
        return texts.size() == 1 ? texts.getFirst() : "[" + String.join(", ", texts) + "]";
    }

    private static String with(String head, String detail) {
        return detail.isEmpty() ? head : head + ": " + detail;
    }
}
