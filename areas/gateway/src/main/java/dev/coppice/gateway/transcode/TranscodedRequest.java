package dev.coppice.gateway.transcode;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request in JSON that is a call of a method: how its message is made, and how the answer's messages are told. Immutable.
 */
public final class TranscodedRequest {
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .build();
    private static final int MOST_PARAMETERS = 256;
    /** Fields of google.api.HttpBody. */
    private static final int CONTENT_TYPE = 1;

    private static final int DATA = 2;

    private final Transcoder transcoder;
    private final Transcoder.Binding binding;
    private final Map<String, String> fields;
    private final String query;

    TranscodedRequest(Transcoder transcoder, Transcoder.Binding binding, Map<String, String> fields, String query) {
        this.transcoder = transcoder;
        this.binding = binding;
        this.fields = fields;
        this.query = query;
    }

    /** The path of the method, {@code /PACKAGE.SERVICE/METHOD}. */
    public String path() {
        return binding.path();
    }

    /** Whether the answer may be any number of messages. */
    public boolean streams() {
        return binding.streams();
    }

    /** Whether the request's body says something. */
    public boolean readsBody() {
        return binding.wholeBody() || binding.bodyField() != null;
    }

    /** Whether the request may be any number of messages. */
    public boolean clientStreams() {
        return binding.clientStreams();
    }

    /** Whether the request's body is what a google.api.HttpBody has, and no JSON. */
    public boolean takesRaw() {
        return binding.takesRaw();
    }

    /** Whether the answer's body is what a google.api.HttpBody has, and no JSON. */
    public boolean tellsRaw() {
        return binding.tellsRaw();
    }

    // ---- the request

    /** Makes the message. What the path says goes before what a body says. */
    public byte[] message(byte[] body) throws RequestException {
        DynamicMessage.Builder message = DynamicMessage.newBuilder(binding.input());
        if (readsBody() && body.length > 0) {
            merge(body(body, "the body"), message, "the body");
        }
        return completed(message);
    }

    /**
     * Makes one of several messages. What the path and query say is said in the first one, as Envoy and others do it.
     *
     * @param number of the message, from 1 on
     */
    public byte[] message(byte[] json, long number) throws RequestException {
        DynamicMessage.Builder message = DynamicMessage.newBuilder(binding.input());
        String what = "message " + number + " of the body";
        merge(body(json, what), message, what);
        return number == 1 ? completed(message) : message.buildPartial().toByteArray();
    }

    /**
     * Makes a message of a body, or a piece of one, as it is.
     *
     * @param type of the content; empty: it is not said
     * @param first of the messages, which alone has what the path and query say
     */
    public byte[] raw(byte[] data, String type, boolean first) throws RequestException {
        FieldDescriptor field = binding.bodyField();
        Descriptor body = field == null ? binding.input() : field.getMessageType();
        DynamicMessage.Builder raw =
                DynamicMessage.newBuilder(body).setField(body.findFieldByNumber(DATA), ByteString.copyFrom(data));
        if (!type.isEmpty()) {
            raw.setField(body.findFieldByNumber(CONTENT_TYPE), type);
        }
        DynamicMessage.Builder message =
                field == null ? raw : DynamicMessage.newBuilder(binding.input()).setField(field, raw.build());
        return first ? completed(message) : message.buildPartial().toByteArray();
    }

    /** With what the path and query say. */
    private byte[] completed(DynamicMessage.Builder message) throws RequestException {
        ObjectNode parameters = JsonNodeFactory.instance.objectNode();
        if (!binding.wholeBody() && !query.isEmpty()) {
            parameters(parameters);
        }
        for (Map.Entry<String, String> each : fields.entrySet()) {
            put(parameters, binding.input(), each.getKey(), each.getValue());
        }
        if (!parameters.isEmpty()) {
            DynamicMessage.Builder said = DynamicMessage.newBuilder(binding.input());
            merge(parameters, said, "the path or query");
            message.mergeFrom(said.buildPartial());
        }
        return message.buildPartial().toByteArray();
    }

    private JsonNode body(byte[] bytes, String what) throws RequestException {
        JsonNode tree;
        try {
            tree = JSON.readTree(bytes);
        } catch (JsonProcessingException e) {
            throw new RequestException(what + " is no JSON: " + e.getOriginalMessage());
        } catch (java.io.IOException | RuntimeException e) {
            throw new RequestException(what + " is no JSON");
        }
        FieldDescriptor field = binding.bodyField();
        return field == null ? tree : JsonNodeFactory.instance.objectNode().set(field.getName(), tree);
    }

    private void merge(JsonNode tree, DynamicMessage.Builder into, String what) throws RequestException {
        transcoder.numbers.check(binding.input(), tree);
        try {
            transcoder.parser.merge(tree.toString(), into);
        } catch (InvalidProtocolBufferException | RuntimeException e) {
            // Not each library's exception for what is too deep, or no valid value, is a checked one.
            String field = transcoder.faulty.of(binding.input(), tree);
            throw new RequestException(what + " does not fit " + binding.input().getFullName() + ": "
                    + (field.isEmpty() ? "" : field + ": ") + e.getMessage());
        }
    }

    private void parameters(ObjectNode to) throws RequestException {
        String[] all = query.split("&", MOST_PARAMETERS + 1);
        if (all.length > MOST_PARAMETERS) {
            throw new RequestException("there may be " + MOST_PARAMETERS + " query parameters");
        }
        for (String each : all) {
            if (each.isEmpty()) {
                continue;
            }
            int equals = each.indexOf('=');
            String name = unescaped(equals < 0 ? each : each.substring(0, equals));
            String value = unescaped(equals < 0 ? "" : each.substring(equals + 1));
            put(to, binding.input(), name, value);
        }
    }

    private static String unescaped(String text) throws RequestException {
        String value = PercentText.decoded(text.replace('+', ' '), false);
        if (value == null) {
            throw new RequestException("a query parameter is malformed");
        }
        return value;
    }

    private void put(ObjectNode to, Descriptor message, String path, String value) throws RequestException {
        ObjectNode in = to;
        Descriptor type = message;
        String[] names = path.split("\\.", -1);
        for (int i = 0; i < names.length; i++) {
            FieldDescriptor field = transcoder.numbers.field(type, names[i]);
            if (field == null) {
                if (transcoder.options.ignoreUnknownFields()) {
                    return;
                }
                throw new RequestException("\"" + path + "\": " + type.getFullName() + " has no field " + names[i]);
            }
            boolean nested = field.getJavaType() == FieldDescriptor.JavaType.MESSAGE;
            if (i == names.length - 1) {
                set(in, field, path, value);
            } else if (nested && !field.isRepeated()) {
                type = field.getMessageType();
                JsonNode known = in.get(field.getName());
                in = known instanceof ObjectNode object ? object : in.putObject(field.getName());
            } else {
                throw new RequestException("\"" + path + "\": " + names[i] + " has no fields of its own");
            }
        }
    }

    private static void set(ObjectNode in, FieldDescriptor field, String path, String value) throws RequestException {
        if (field.isMapField()) {
            throw new RequestException("\"" + path + "\" is a map, which is said in a body");
        }
        if (field.isRepeated()) {
            ArrayNode all = in.get(field.getName()) instanceof ArrayNode known ? known : in.putArray(field.getName());
            all.add(value);
        } else {
            in.put(field.getName(), value);
        }
    }

    // ---- the answer

    /**
     * A message of the answer as JSON.
     *
     * @throws InvalidProtocolBufferException when it is none of its type
     */
    public byte[] json(byte[] bytes) throws InvalidProtocolBufferException {
        DynamicMessage message = DynamicMessage.parseFrom(binding.output(), bytes);
        String text = transcoder.printer.print(message);
        FieldDescriptor field = binding.answerField();
        return (field == null ? text : part(text, field)).getBytes(StandardCharsets.UTF_8);
    }

    private String part(String text, FieldDescriptor field) {
        try {
            JsonNode part =
                    JSON.readTree(text).path(transcoder.options.protoNames() ? field.getName() : field.getJsonName());
            return part.isMissingNode() ? field.isRepeated() && !field.isMapField() ? "[]" : "null" : part.toString();
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("it is too long to take a part of it", e);
        }
    }

    /**
     * A body, or a piece of one.
     *
     * @param type of the content; empty: it is not said
     */
    public record Raw(String type, byte[] data) {}

    /**
     * What a message of the answer has for the client.
     *
     * @throws InvalidProtocolBufferException when it is none of its type
     */
    public Raw raw(byte[] bytes) throws InvalidProtocolBufferException {
        DynamicMessage message = DynamicMessage.parseFrom(binding.output(), bytes);
        FieldDescriptor field = binding.answerField();
        Message body = field == null ? message : (Message) message.getField(field);
        Descriptor type = body.getDescriptorForType();
        return new Raw(
                String.valueOf(body.getField(type.findFieldByNumber(CONTENT_TYPE))),
                ((ByteString) body.getField(type.findFieldByNumber(DATA))).toByteArray());
    }

    /** How a call went, as JSON. */
    public byte[] status(int code, String message, byte @Nullable [] details) {
        return transcoder.status(code, message, details).getBytes(StandardCharsets.UTF_8);
    }
}
