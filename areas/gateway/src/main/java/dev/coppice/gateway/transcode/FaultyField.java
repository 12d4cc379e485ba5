package dev.coppice.gateway.transcode;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Finds which field of a message JSON does not fit, as {@link JsonFormat} tells only what is wrong with it: it is asked about each field alone, and then about
 * those within. Each level is looked at once, so that it takes a few times as long as reading the message did.
 */
final class FaultyField {
    private static final int MOST_LEVELS = 8;

    private final JsonFormat.Parser parser;
    private final NumberTexts numbers;

    /** @param numbers knows the fields of messages by their names */
    FaultyField(JsonFormat.Parser parser, NumberTexts numbers) {
        this.parser = parser;
        this.numbers = numbers;
    }

    /** The names that lead to it, such as {@code book.tags[3]}; empty when no field alone is the cause. */
    String of(Descriptor message, JsonNode said) {
        StringBuilder path = new StringBuilder();
        Descriptor type = message;
        JsonNode in = said;
        for (int i = 0; i < MOST_LEVELS && in != null && in.isObject(); i++) {
            Map.Entry<String, JsonNode> faulty = faulty(type, in);
            if (faulty == null) {
                break;
            }
            path.append(path.isEmpty() ? "" : ".").append(faulty.getKey());
            FieldDescriptor field = numbers.field(type, faulty.getKey());
            if (field == null || field.isMapField()) {
                break;
            }
            in = faulty.getValue();
            if (field.isRepeated()) {
                int element = element(type, faulty.getKey(), in);
                if (element >= 0) {
                    path.append('[').append(element).append(']');
                }
                in = in.get(element);
            }
            if (field.getJavaType() != FieldDescriptor.JavaType.MESSAGE
                    || field.getMessageType().getFullName().startsWith("google.protobuf.")) {
                // Those that JSON has in a form of their own.
                break;
            }
            type = field.getMessageType();
        }
        return path.toString();
    }

    private Map.@Nullable Entry<String, JsonNode> faulty(Descriptor type, JsonNode in) {
        for (Map.Entry<String, JsonNode> each : in.properties()) {
            if (!fits(type, each.getKey(), each.getValue())) {
                return each;
            }
        }
        return null;
    }

    private int element(Descriptor type, String name, JsonNode all) {
        for (int i = 0; all.isArray() && i < all.size(); i++) {
            if (!fits(type, name, JsonNodeFactory.instance.arrayNode().add(all.get(i)))) {
                return i;
            }
        }
        return -1;
    }

    private boolean fits(Descriptor type, String name, JsonNode value) {
        ObjectNode alone = JsonNodeFactory.instance.objectNode();
        alone.set(name, value);
        try {
            parser.merge(alone.toString(), DynamicMessage.newBuilder(type));
            return true;
        } catch (InvalidProtocolBufferException | RuntimeException e) {
            return false;
        }
    }
}
