package dev.coppice.gateway.authentication;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The messages of Envoy's external authorization ({@code envoy.service.auth.v3.Authorization/Check}), in the wire format of protocol buffers. Of
 * an answer, dynamic metadata is not looked at. Pure functions.
 *
 * @see <a href="https://github.com/envoyproxy/envoy/blob/main/api/envoy/service/auth/v3/external_auth.proto">its definition</a>
 */
public final class CheckMessages {
    public static final String PATH = "/envoy.service.auth.v3.Authorization/Check";

    private static final int MOST_HEADERS = 100;
    /** Of the prefix of a message. */
    private static final int PREFIX = 5;
    /** Nobody else may say how long a message is, or for which host. */
    private static final Set<String> FRAMING = Set.of(
            "connection",
            "content-length",
            "host",
            "keep-alive",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade");

    private static final ObjectNode NO_METADATA = JsonNodeFactory.instance.objectNode();

    private CheckMessages() {}

    /** An end of a connection. */
    public record Peer(String address, int port) {}

    /**
     * What the service is told of a request.
     *
     * @param headers with names in lower case
     * @param body null: it does not see it
     * @param size of the body; -1: nobody knows
     */
    public record Request(
            Peer source,
            Peer destination,
            long millis,
            String method,
            String target,
            String host,
            String scheme,
            String protocol,
            Map<String, String> headers,
            byte @Nullable [] body,
            long size) {}

    /** What is to become of a header. */
    public enum Change {
        SET,
        APPEND,
        ADD_IF_ABSENT,
        OVERWRITE_IF_EXISTS
    }

    /**
     * A header that is to be changed.
     *
     * @param name in lower case
     */
    public record HeaderChange(Change change, String name, String value) {}

    /**
     * What the service says.
     *
     * @param allowed whether the request goes on
     * @param status that the client gets if not
     * @param headers of the request to the backend, or of the answer to the client
     * @param removed names of headers that the backend does not see, in lower case
     * @param toClient headers of the answer, when the request goes on
     * @param metadata what else it has to say of the request, an object not to be changed
     */
    public record Response(
            boolean allowed,
            int status,
            List<HeaderChange> headers,
            List<String> removed,
            List<HeaderChange> toClient,
            byte[] body,
            ObjectNode metadata) {}

    // ---- what is asked

    private interface Writing {
        void to(CodedOutputStream out) throws IOException;
    }

    private static ByteString message(Writing writing) {
        try {
            ByteString.Output bytes = ByteString.newOutput();
            CodedOutputStream out = CodedOutputStream.newInstance(bytes);
            writing.to(out);
            out.flush();
            return bytes.toByteString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A CheckRequest. */
    public static byte[] write(Request request) {
        ByteString attributes = message(out -> {
            out.writeBytes(1, peer(request.source()));
            out.writeBytes(2, peer(request.destination()));
            out.writeBytes(4, message(all -> {
                all.writeBytes(1, message(time -> {
                    time.writeInt64(1, Math.floorDiv(request.millis(), 1000L));
                    time.writeInt32(2, Math.floorMod(request.millis(), 1000) * 1_000_000);
                }));
                all.writeBytes(2, http(request));
            }));
        });
        return message(out -> out.writeBytes(1, attributes)).toByteArray();
    }

    private static ByteString peer(Peer peer) {
        ByteString socket = message(out -> {
            out.writeString(2, peer.address());
            out.writeUInt32(3, peer.port());
        });
        ByteString address = message(out -> out.writeBytes(1, socket));
        return message(out -> out.writeBytes(1, address));
    }

    private static ByteString http(Request request) {
        return message(out -> {
            out.writeString(2, request.method());
            for (Map.Entry<String, String> each : request.headers().entrySet()) {
                out.writeBytes(3, message(entry -> {
                    entry.writeString(1, each.getKey());
                    entry.writeString(2, each.getValue());
                }));
            }
            out.writeString(4, request.target());
            out.writeString(5, request.host());
            out.writeString(6, request.scheme());
            out.writeInt64(9, request.size());
            out.writeString(10, request.protocol());
            byte[] body = request.body();
            if (body != null) {
                // A string for what is text, and bytes for all else: servers look at the one or the other.
                ByteString bytes = ByteString.copyFrom(body);
                if (bytes.isValidUtf8()) {
                    out.writeBytes(11, bytes);
                }
                out.writeBytes(12, bytes);
            }
        });
    }

    // ---- what is answered

    private interface Reading {
        /** Takes a field over; false: it is not known. */
        boolean field(int number, CodedInputStream in) throws IOException;
    }

    private static void read(CodedInputStream in, Reading reading) throws IOException {
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (!reading.field(tag >>> 3, in)) {
                boolean _ = in.skipField(tag);
            }
        }
    }

    private static void nested(CodedInputStream in, Reading reading) throws IOException {
        read(in.readBytes().newCodedInput(), reading);
    }

    private static final class Read {
        int status = 403;
        final List<HeaderChange> denied = new ArrayList<>();
        final List<HeaderChange> set = new ArrayList<>();
        final List<HeaderChange> toClient = new ArrayList<>();
        final List<String> removed = new ArrayList<>();
        byte[] body = new byte[0];
        /** Of the request that goes on, as the first versions had it. */
        final ObjectNode early = JsonNodeFactory.instance.objectNode();

        final ObjectNode metadata = JsonNodeFactory.instance.objectNode();
    }

    /** The status of a CheckResponse: what was read of it counts, whatever comes after. */
    private static final class Code {
        int code;

        void read(CodedInputStream message) throws IOException {
            CheckMessages.read(message, (number, in) -> {
                if (number == 1) {
                    // In its place, as it may be cut off.
                    int length = in.readRawVarint32();
                    int outer = in.pushLimit(Math.min(length, in.getBytesUntilLimit()));
                    CheckMessages.read(in, (field, status) -> {
                        if (field == 1) {
                            code = status.readInt32();
                        }
                        return field == 1;
                    });
                    in.popLimit(outer);
                }
                return number == 1;
            });
        }
    }

    /** Whether what has come of an answer, in gRPC's frame, refuses the request. */
    public static boolean refuses(byte[] beginning) {
        if (beginning.length <= PREFIX || beginning[0] != 0) {
            return false;
        }
        Code code = new Code();
        try {
            code.read(CodedInputStream.newInstance(beginning, PREFIX, beginning.length - PREFIX));
        } catch (IOException e) {
            // It is cut off.
        }
        return code.code != 0;
    }

    /**
     * A CheckResponse. One that refuses does so whatever else it says: with 403, and nothing more, when the rest cannot be read.
     *
     * @throws IOException when it is none, or has what no header can have
     */
    public static Response read(byte[] message) throws IOException {
        Code code = new Code();
        try {
            code.read(CodedInputStream.newInstance(message));
            return read(message, code.code == 0);
        } catch (IOException e) {
            if (code.code == 0) {
                throw e;
            }
            return new Response(false, 403, List.of(), List.of(), List.of(), new byte[0], NO_METADATA);
        }
    }

    private static void struct(CodedInputStream in, ObjectNode to) throws IOException {
        to.setAll(new StructMessage().read(in.readBytes().newCodedInput()));
    }

    private static Response read(byte[] message, boolean allowed) throws IOException {
        Read all = new Read();
        read(CodedInputStream.newInstance(message), (number, in) -> {
            switch (number) {
                case 2 -> nested(in, (field, denied) -> denied(field, denied, all));
                case 3 -> nested(in, (field, ok) -> allowed(field, ok, all));
                case 4 -> struct(in, all.metadata);
                default -> {
                    return false;
                }
            }
            return true;
        });
        if (all.status < 200 || all.status > 599) {
            throw new IOException("the status " + all.status);
        }
        return new Response(
                allowed,
                all.status,
                List.copyOf(allowed ? all.set : all.denied),
                List.copyOf(all.removed),
                List.copyOf(all.toClient),
                all.body,
                all.early.setAll(all.metadata));
    }

    private static boolean denied(int field, CodedInputStream in, Read all) throws IOException {
        switch (field) {
            case 1 ->
                nested(in, (number, status) -> {
                    if (number == 1) {
                        all.status = status.readEnum();
                    }
                    return number == 1;
                });
            case 2 -> option(in, Change.APPEND, all.denied);
            case 3 -> all.body = in.readByteArray();
            default -> {
                return false;
            }
        }
        return true;
    }

    private static boolean allowed(int field, CodedInputStream in, Read all) throws IOException {
        switch (field) {
            case 2 -> option(in, Change.SET, all.set);
            case 3 -> struct(in, all.early);
            case 5 -> {
                String name = in.readString().toLowerCase(Locale.ROOT);
                if (changeable(name)) {
                    bounded(all.removed).add(name);
                }
            }
            case 6 -> option(in, Change.APPEND, all.toClient);
            default -> {
                return false;
            }
        }
        return true;
    }

    private static <T> List<T> bounded(List<T> list) throws IOException {
        if (list.size() >= MOST_HEADERS) {
            throw new IOException("more than " + MOST_HEADERS + " headers");
        }
        return list;
    }

    private static final class Option {
        String name = "";
        String value = "";
        byte[] raw = new byte[0];

        @Nullable
        Boolean append;

        int action;
    }

    /**
     * A HeaderValueOption.
     *
     * @param unsaid what is to be done if it does not say
     */
    private static void option(CodedInputStream in, Change unsaid, List<HeaderChange> to) throws IOException {
        Option option = new Option();
        nested(in, (field, each) -> {
            switch (field) {
                case 1 -> nested(each, (number, header) -> header(number, header, option));
                case 2 -> {
                    // A BoolValue, which is empty for false.
                    option.append = false;
                    nested(each, (number, value) -> {
                        if (number == 1) {
                            option.append = value.readBool();
                        }
                        return number == 1;
                    });
                }
                case 3 -> option.action = each.readEnum();
                default -> {
                    return false;
                }
            }
            return true;
        });
        String name = option.name.toLowerCase(Locale.ROOT);
        String value = option.value.isEmpty() ? new String(option.raw, StandardCharsets.ISO_8859_1) : option.value;
        if (!changeable(name)) {
            return;
        }
        if (!token(name) || !value.chars().allMatch(CheckMessages::inValue)) {
            throw new IOException("a header that is none");
        }
        Change change = switch (option.action) {
            case 1 -> Change.ADD_IF_ABSENT;
            case 2 -> Change.SET;
            case 3 -> Change.OVERWRITE_IF_EXISTS;
            // The first value of the enumeration, which is there when nothing is said.
            default -> option.append == null ? unsaid : option.append ? Change.APPEND : Change.SET;
        };
        bounded(to).add(new HeaderChange(change, name, value.strip()));
    }

    private static boolean header(int field, CodedInputStream in, Option option) throws IOException {
        switch (field) {
            case 1 -> option.name = in.readString();
            case 2 -> option.value = in.readString();
            case 3 -> option.raw = in.readByteArray();
            default -> {
                return false;
            }
        }
        return true;
    }

    /** Pseudo-headers and those of the framing are passed over, as Envoy does. */
    private static boolean changeable(String name) {
        return !name.startsWith(":") && !FRAMING.contains(name);
    }

    private static boolean token(String name) {
        return !name.isEmpty()
                && name.chars()
                        .allMatch(
                                c -> c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || "!#$%&'*+-.^_`|~".indexOf(c) >= 0);
    }

    private static boolean inValue(int c) {
        return c >= ' ' && c != 0x7F && c <= 0xFF || c == '\t';
    }

    /**
     * What a backend is told.
     *
     * @param request the values that a header of the request has, by its name in lower case
     */
    public static List<Outcome.Header> applied(List<HeaderChange> changes, Function<String, List<String>> request) {
        Map<String, List<String>> all = new LinkedHashMap<>();
        for (HeaderChange each : changes) {
            List<String> now = all.getOrDefault(each.name(), request.apply(each.name()));
            List<String> next = switch (each.change()) {
                case SET -> List.of(each.value());
                case APPEND -> {
                    List<String> more = new ArrayList<>(now);
                    more.add(each.value());
                    yield more;
                }
                case ADD_IF_ABSENT -> now.isEmpty() ? List.of(each.value()) : now;
                case OVERWRITE_IF_EXISTS -> now.isEmpty() ? now : List.of(each.value());
            };
            all.put(each.name(), next);
        }
        List<Outcome.Header> headers = new ArrayList<>();
        all.forEach((name, values) -> values.forEach(value -> headers.add(new Outcome.Header(name, value))));
        return headers;
    }

    // ---- gRPC's frames

    /** A message with its prefix (gRPC over HTTP/2, Length-Prefixed-Message). */
    public static byte[] framed(byte[] message) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(message.length + PREFIX);
        out.write(0);
        for (int shift = 24; shift >= 0; shift -= 8) {
            out.write(message.length >> shift);
        }
        out.writeBytes(message);
        return out.toByteArray();
    }

    /**
     * The one message of an answer.
     *
     * @throws IOException when it is not whole, not the only one, or compressed
     */
    public static byte[] unframed(byte[] body) throws IOException {
        if (body.length < PREFIX || body[0] != 0 || ByteBuffer.wrap(body, 1, 4).getInt() != body.length - PREFIX) {
            throw new IOException("no message that is whole and uncompressed");
        }
        return Arrays.copyOfRange(body, PREFIX, body.length);
    }
}
