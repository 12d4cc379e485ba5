package dev.coppice.control.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Turns protobuf bodies of Kubernetes' clients ({@code k8s\0}, then runtime.Unknown) into JSON trees. The messages stand in a
 * table, so neither generated classes nor descriptors are loaded. Safe for use by many threads.
 */
final class ProtobufBodies {
    static final String MEDIA_TYPE = "application/vnd.kubernetes.protobuf";
    private static final byte[] MAGIC = {'k', '8', 's', 0};
    private static final int MAX_DEPTH = 64;
    private static final DateTimeFormatter MICROS =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);

    /** A field's shape. */
    private record Field(String name, String type, boolean list, boolean map, boolean keepZero) {}

    /** Loaded on the first protobuf body. */
    private static final class Table {
        static final Map<String, Map<Integer, Field>> MESSAGES = load();
    }

    private ProtobufBodies() {}

    private static Map<String, Map<Integer, Field>> load() {
        Map<String, Map<Integer, Field>> result = new HashMap<>();
        try (InputStream in = Objects.requireNonNull(
                        ProtobufBodies.class.getResourceAsStream("/dev/coppice/control/http/protobuf.txt"));
                BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                if (!line.startsWith("#") && !line.isBlank()) {
                    int colon = line.indexOf(':');
                    result.put(line.substring(0, colon), fields(line.substring(colon + 1)));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return result;
    }

    private static Map<Integer, Field> fields(String text) {
        Map<Integer, Field> result = new HashMap<>();
        for (String word : text.trim().split(" ")) {
            if (word.isEmpty()) {
                continue;
            }
            int equals = word.indexOf('=');
            int colon = word.indexOf(':');
            String type = word.substring(colon + 1);
            boolean keep = type.endsWith("*");
            type = keep ? type.substring(0, type.length() - 1) : type;
            boolean list = type.startsWith("list<");
            boolean map = type.startsWith("map<");
            String inner = list || map ? type.substring(type.indexOf('<') + 1, type.length() - 1) : type;
            result.put(
                    Integer.parseInt(word.substring(equals + 1, colon)),
                    new Field(word.substring(0, equals), inner, list, map, keep));
        }
        return result;
    }

    /** The object in a body. */
    static ObjectNode decode(byte[] body) {
        try {
            return decodeEnvelope(body);
        } catch (IndexOutOfBoundsException | IllegalArgumentException | java.time.DateTimeException e) {
            throw malformed("it is cut short or not protobuf");
        }
    }

    private static ApiException malformed(String why) {
        return Statuses.badRequest("the body is no protobuf-encoded object: " + why);
    }

    private static ObjectNode decodeEnvelope(byte[] body) {
        if (body.length < 4 || !java.util.Arrays.equals(body, 0, 4, MAGIC, 0, 4)) {
            throw malformed("it does not start with the bytes k8s\\0");
        }
        Wire unknown = new Wire(body, 4, body.length);
        String apiVersion = "";
        String kind = "";
        @Nullable Wire raw = null;
        while (unknown.more()) {
            int tag = unknown.tag();
            switch (tag >>> 3) {
                case 1 -> {
                    Wire meta = unknown.message();
                    while (meta.more()) {
                        int t = meta.tag();
                        switch (t >>> 3) {
                            case 1 -> apiVersion = meta.string();
                            case 2 -> kind = meta.string();
                            default -> meta.skip(t);
                        }
                    }
                }
                case 2 -> raw = unknown.message();
                default -> unknown.skip(tag);
            }
        }
        ObjectNode result = Json.object();
        result.put("apiVersion", apiVersion).put("kind", kind);
        String name = messageName(apiVersion, kind);
        if (!Table.MESSAGES.containsKey(name)) {
            throw Statuses.of(
                    415,
                    "UnsupportedMediaType",
                    "protobuf is not understood for " + kind + " of " + apiVersion + "; send application/json");
        }
        if (raw != null) {
            read(raw, name, result, 0);
        }
        return result;
    }

    private static String messageName(String apiVersion, String kind) {
        if (kind.equals("DeleteOptions")) {
            return "meta.v1.DeleteOptions";
        }
        int slash = apiVersion.indexOf('/');
        String group = slash < 0 ? "core" : apiVersion.substring(0, slash);
        int dot = group.indexOf('.');
        return (dot < 0 ? group : group.substring(0, dot)) + "." + apiVersion.substring(slash + 1) + "." + kind;
    }

    private static void read(Wire in, String message, ObjectNode into, int depth) {
        if (depth > MAX_DEPTH) {
            throw malformed("it is nested deeper than " + MAX_DEPTH + " messages");
        }
        Map<Integer, Field> fields = Table.MESSAGES.getOrDefault(message, Map.of());
        while (in.more()) {
            int tag = in.tag();
            Field field = fields.get(tag >>> 3);
            if (field == null) {
                in.skip(tag);
            } else if (field.map) {
                entry(in.message(), field, (ObjectNode) Json.child(into, field.name), depth);
            } else if (field.list) {
                ArrayNode array = into.get(field.name) instanceof ArrayNode a ? a : into.putArray(field.name);
                array.add(value(in, field, true, depth));
            } else {
                JsonNode value = value(in, field, field.keepZero, depth);
                if (value != null && !value.isMissingNode()) {
                    into.set(field.name, value);
                }
            }
        }
    }

    private static void entry(Wire in, Field field, ObjectNode into, int depth) {
        String key = "";
        JsonNode value = switch (field.type) {
            case "string", "bytes" -> Json.object().textNode("");
            default -> Json.object();
        };
        while (in.more()) {
            int tag = in.tag();
            switch (tag >>> 3) {
                case 1 -> key = in.string();
                case 2 -> value = value(in, field, true, depth);
                default -> in.skip(tag);
            }
        }
        into.set(key, value);
    }

    /** Missing when it is a zero value that is not kept. */
    private static JsonNode value(Wire in, Field field, boolean keepZero, int depth) {
        var factory = Json.mapper().getNodeFactory();
        var missing = com.fasterxml.jackson.databind.node.MissingNode.getInstance();
        switch (field.type) {
            case "string" -> {
                String text = in.string();
                return text.isEmpty() && !keepZero ? missing : factory.textNode(text);
            }
            case "bytes" -> {
                byte[] bytes = in.bytes();
                return bytes.length == 0 && !keepZero
                        ? missing
                        : factory.textNode(Base64.getEncoder().encodeToString(bytes));
            }
            case "bool" -> {
                boolean bit = in.varint() != 0;
                return !bit && !keepZero ? missing : factory.booleanNode(bit);
            }
            case "int32", "int64" -> {
                long number = in.varint();
                return number == 0 && !keepZero ? missing : factory.numberNode(number);
            }
            case "double" -> {
                return factory.numberNode(Double.longBitsToDouble(in.fixed64()));
            }
            default -> {
                return special(in.message(), field, keepZero, depth);
            }
        }
    }

    private static JsonNode special(Wire in, Field field, boolean keepZero, int depth) {
        var factory = Json.mapper().getNodeFactory();
        var missing = com.fasterxml.jackson.databind.node.MissingNode.getInstance();
        return switch (field.type) {
            case "meta.v1.Time" -> time(in, false);
            case "meta.v1.MicroTime" -> time(in, true);
            case "resource.Quantity" -> {
                ObjectNode o = Json.object();
                read(in, field.type, o, depth + 1);
                yield factory.textNode(o.path("string").asText("0"));
            }
            case "util.intstr.IntOrString" -> {
                ObjectNode o = Json.object();
                read(in, field.type, o, depth + 1);
                yield o.path("type").asInt(0) == 1
                        ? factory.textNode(o.path("strVal").asText(""))
                        : factory.numberNode(o.path("intVal").asInt(0));
            }
            case "meta.v1.FieldsV1" -> {
                ObjectNode o = Json.object();
                read(in, field.type, o, depth + 1);
                String raw = o.path("Raw").asText("");
                yield raw.isEmpty() ? missing : Json.parse(Base64.getDecoder().decode(raw));
            }
            case "authentication.v1.ExtraValue", "authorization.v1.ExtraValue" -> {
                ObjectNode o = Json.object();
                read(in, field.type, o, depth + 1);
                yield o.path("items");
            }
            case "admissionregistration.v1.NamedRuleWithOperations" -> {
                ObjectNode o = Json.object();
                read(in, field.type, o, depth + 1);
                JsonNode with = o.remove("ruleWithOperations");
                if (with instanceof ObjectNode w) {
                    JsonNode rule = w.remove("rule");
                    o.setAll(w);
                    if (rule instanceof ObjectNode r) {
                        o.setAll(r);
                    }
                }
                yield o;
            }
            default -> {
                ObjectNode o = Json.object();
                read(in, field.type, o, depth + 1);
                yield o.isEmpty() && !keepZero && !field.name.equals("metadata") ? missing : o;
            }
        };
    }

    private static JsonNode time(Wire in, boolean micros) {
        long seconds = 0;
        long nanos = 0;
        boolean any = false;
        while (in.more()) {
            int tag = in.tag();
            any = true;
            switch (tag >>> 3) {
                case 1 -> seconds = in.varint();
                case 2 -> nanos = in.varint();
                default -> in.skip(tag);
            }
        }
        if (!any) {
            return com.fasterxml.jackson.databind.node.MissingNode.getInstance();
        }
        Instant instant = Instant.ofEpochSecond(seconds, micros ? nanos : 0);
        return Json.mapper()
                .getNodeFactory()
                .textNode(micros ? MICROS.format(instant) : DateTimeFormatter.ISO_INSTANT.format(instant));
    }

    /** Reads protobuf's wire format. Running over the end throws IndexOutOfBoundsException. */
    private static final class Wire {
        private final byte[] bytes;
        private final int end;
        private int at;

        Wire(byte[] bytes, int start, int end) {
            this.bytes = bytes;
            this.at = start;
            this.end = end;
        }

        boolean more() {
            return at < end;
        }

        int tag() {
            return (int) varint();
        }

        long varint() {
            long result = 0;
            for (int shift = 0; shift < 70; shift += 7) {
                byte b = next();
                result |= (long) (b & 0x7f) << shift;
                if (b >= 0) {
                    return result;
                }
            }
            throw new IllegalArgumentException("varint");
        }

        private byte next() {
            if (at >= end) {
                throw new IndexOutOfBoundsException(at);
            }
            return bytes[at++];
        }

        long fixed64() {
            long result = 0;
            for (int i = 0; i < 8; i++) {
                result |= (next() & 0xffL) << (8 * i);
            }
            return result;
        }

        Wire message() {
            int length = length();
            Wire inner = new Wire(bytes, at, at + length);
            at += length;
            return inner;
        }

        private int length() {
            long length = varint();
            if (length < 0 || length > end - at) {
                throw new IndexOutOfBoundsException(at);
            }
            return (int) length;
        }

        byte[] bytes() {
            int length = length();
            byte[] result = java.util.Arrays.copyOfRange(bytes, at, at + length);
            at += length;
            return result;
        }

        String string() {
            return new String(bytes(), StandardCharsets.UTF_8);
        }

        void skip(int tag) {
            switch (tag & 7) {
                case 0 -> varint();
                case 1 -> fixed64();
                case 2 -> bytes();
                case 5 -> {
                    for (int i = 0; i < 4; i++) {
                        next();
                    }
                }
                default -> throw new IllegalArgumentException("wire type");
            }
        }
    }
}
