package dev.coppice.gateway.transcode;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.util.JsonFormat;
import java.math.BigDecimal;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Which texts may stand for numbers. JSON has 64-bit integers as strings, and {@link JsonFormat} makes a {@link BigDecimal} of whatever stands where a
 * number or an enum's value belongs: the square of a text's length in time, and with a large exponent all memory. Safe for use by many threads.
 */
final class NumberTexts {
    private static final int MOST_CHARACTERS = 64;
    /** Of ten; a double has 308. */
    private static final int MOST_EXPONENT = 1000;

    private static final String VALUE = "value";

    private final JsonFormat.TypeRegistry registry;
    /** By their names, and as JSON has them; of the descriptors' messages, so that there are no more. */
    private final Map<Descriptor, Map<String, FieldDescriptor>> fields = new ConcurrentHashMap<>();

    NumberTexts(JsonFormat.TypeRegistry registry) {
        this.registry = registry;
    }

    /** By its name, or as JSON has it. */
    @Nullable
    FieldDescriptor field(Descriptor type, String name) {
        return fields.computeIfAbsent(type, NumberTexts::byName).get(name);
    }

    private static Map<String, FieldDescriptor> byName(Descriptor type) {
        Map<String, FieldDescriptor> all = new HashMap<>();
        type.getFields().forEach(each -> all.put(each.getJsonName(), each));
        type.getFields().forEach(each -> all.put(each.getName(), each));
        return all;
    }

    /** Looks at all that is said of a message. What does not fit it in other ways is not told. */
    void check(Descriptor type, JsonNode said) throws RequestException {
        switch (type.getFullName()) {
            case "google.protobuf.Any" -> any(said);
            case "google.protobuf.BoolValue",
                    "google.protobuf.Int32Value",
                    "google.protobuf.UInt32Value",
                    "google.protobuf.Int64Value",
                    "google.protobuf.UInt64Value",
                    "google.protobuf.FloatValue",
                    "google.protobuf.DoubleValue" -> value(type.findFieldByName(VALUE), said);
            case "google.protobuf.Timestamp", "google.protobuf.Duration" -> text(type.getName(), said);
            // What stands in them is text, or a double that JSON has as a number.
            case "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue" -> {}
            default -> members(type, said);
        }
    }

    private void members(Descriptor type, JsonNode said) throws RequestException {
        for (Map.Entry<String, JsonNode> each : said.properties()) {
            FieldDescriptor field = field(type, each.getKey());
            if (field != null && field.isMapField()) {
                map(field, each.getValue());
            } else if (field != null) {
                value(field, each.getValue());
            }
        }
    }

    private void map(FieldDescriptor field, JsonNode said) throws RequestException {
        FieldDescriptor key = field.getMessageType().findFieldByName("key");
        FieldDescriptor value = field.getMessageType().findFieldByName(VALUE);
        for (Map.Entry<String, JsonNode> each : said.properties()) {
            if (key.getJavaType() != FieldDescriptor.JavaType.STRING) {
                number(field.getFullName(), each.getKey());
            }
            value(value, each.getValue());
        }
    }

    /** An array of one element is read as this element, also where no array belongs. */
    private void value(FieldDescriptor field, JsonNode said) throws RequestException {
        if (said.isArray()) {
            for (JsonNode each : said) {
                value(field, each);
            }
            return;
        }
        switch (field.getJavaType()) {
            case MESSAGE -> check(field.getMessageType(), said);
            case STRING, BYTE_STRING -> {}
            case ENUM -> {
                if (field.getEnumType().findValueByName(said.asText()) == null) {
                    number(field.getFullName(), said);
                }
            }
            default -> number(field.getFullName(), said);
        }
    }

    private void any(JsonNode said) throws RequestException {
        JsonNode url = said.path("@type");
        if (url.isMissingNode()) {
            return;
        }
        String[] parts = url.asText().split("/");
        Descriptor type = parts.length < 2 ? null : registry.find(parts[parts.length - 1]);
        if (type == null || !url.isTextual()) {
            throw new RequestException("\"@type\": expected the URL of a type that the descriptors have");
        }
        check(type, said);
        JsonNode value = said.path(VALUE);
        if (!value.isMissingNode() && type.getFile().getPackage().equals("google.protobuf")) {
            // Those that JSON has in a form of their own.
            check(type, value);
        }
    }

    private static void text(String name, JsonNode said) throws RequestException {
        if (said.asText().length() > MOST_CHARACTERS) {
            throw new RequestException(name + ": there may be " + MOST_CHARACTERS + " characters");
        }
    }

    private static void number(String name, JsonNode said) throws RequestException {
        if (said.isNumber()) {
            exponent(name, said.decimalValue());
        } else if (said.isTextual()) {
            number(name, said.asText());
        }
    }

    private static void number(String name, String said) throws RequestException {
        if (said.length() > MOST_CHARACTERS) {
            throw new RequestException(name + ": a number, or a name, may have " + MOST_CHARACTERS + " characters");
        }
        BigDecimal value;
        try {
            value = new BigDecimal(said);
        } catch (NumberFormatException e) {
            // Perhaps a name; else it is refused for that.
            return;
        }
        exponent(name, value);
    }

    private static void exponent(String name, BigDecimal value) throws RequestException {
        if (Math.abs((long) value.scale()) > MOST_EXPONENT) {
            throw new RequestException(name + ": a number's exponent may be " + MOST_EXPONENT);
        }
    }
}
