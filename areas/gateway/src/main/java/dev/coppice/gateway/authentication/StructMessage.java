package dev.coppice.gateway.authentication;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.CodedInputStream;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Reads messages of the type {@code google.protobuf.Struct} as JSON. Bounded: {@value #MOST_VALUES} values, one within another up to {@value #MOST_LEVELS} levels. Used
 * once, by one thread.
 */
final class StructMessage {
    private static final int MOST_VALUES = 1000;
    private static final int MOST_LEVELS = 16;

    private int values;

    /**
     * Reads a message.
     *
     * @throws IOException when it is none, or has more than it may
     */
    ObjectNode read(CodedInputStream in) throws IOException {
        return struct(in, 0);
    }

    private ObjectNode struct(CodedInputStream in, int level) throws IOException {
        if (level == MOST_LEVELS) {
            throw new IOException("more than " + MOST_LEVELS + " levels");
        }
        ObjectNode all = JsonNodeFactory.instance.objectNode();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (tag >>> 3 == 1) {
                entry(in.readBytes().newCodedInput(), level, all);
            } else {
                boolean _ = in.skipField(tag);
            }
        }
        return all;
    }

    private void entry(CodedInputStream in, int level, ObjectNode to) throws IOException {
        String name = "";
        JsonNode value = JsonNodeFactory.instance.nullNode();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (tag >>> 3) {
                case 1 -> name = in.readString();
                case 2 -> value = value(in.readBytes().newCodedInput(), level);
                default -> {
                    boolean _ = in.skipField(tag);
                }
            }
        }
        to.set(name, value);
    }

    private JsonNode value(CodedInputStream in, int level) throws IOException {
        if (++values > MOST_VALUES) {
            throw new IOException("more than " + MOST_VALUES + " values");
        }
        JsonNode value = JsonNodeFactory.instance.nullNode();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            JsonNode read = kind(tag >>> 3, in, level);
            if (read == null) {
                boolean _ = in.skipField(tag);
            } else {
                value = read;
            }
        }
        return value;
    }

    /** Null: the field is not known, and was not read. */
    private @Nullable JsonNode kind(int field, CodedInputStream in, int level) throws IOException {
        return switch (field) {
            case 1 -> {
                int _ = in.readEnum();
                yield JsonNodeFactory.instance.nullNode();
            }
            case 2 -> number(in.readDouble());
            case 3 -> JsonNodeFactory.instance.textNode(in.readString());
            case 4 -> JsonNodeFactory.instance.booleanNode(in.readBool());
            case 5 -> struct(in.readBytes().newCodedInput(), level + 1);
            case 6 -> list(in.readBytes().newCodedInput(), level + 1);
            default -> null;
        };
    }

    /** Whole numbers as those, as tokens have them. */
    private static JsonNode number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1L << 53
                ? JsonNodeFactory.instance.numberNode((long) value)
                : JsonNodeFactory.instance.numberNode(value);
    }

    private ArrayNode list(CodedInputStream in, int level) throws IOException {
        if (level == MOST_LEVELS) {
            throw new IOException("more than " + MOST_LEVELS + " levels");
        }
        ArrayNode all = JsonNodeFactory.instance.arrayNode();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (tag >>> 3 == 1) {
                all.add(value(in.readBytes().newCodedInput(), level));
            } else {
                boolean _ = in.skipField(tag);
            }
        }
        return all;
    }
}
