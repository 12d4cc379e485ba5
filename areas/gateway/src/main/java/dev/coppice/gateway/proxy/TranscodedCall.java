package dev.coppice.gateway.proxy;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.coppice.gateway.transcode.JsonElements;
import dev.coppice.gateway.transcode.MessageFrames;
import dev.coppice.gateway.transcode.PercentText;
import dev.coppice.gateway.transcode.RequestException;
import dev.coppice.gateway.transcode.TranscodedRequest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A call of gRPC that its client makes in HTTP and JSON (google.api.http). One message is answered when it is known how the call went, as its status is that of
 * HTTP; of a stream each message is told as it comes, as an element of an array or a line, and so are the messages of a client. What a google.api.HttpBody has goes
 * through as it is.
 */
final class TranscodedCall implements CallTranslation {
    private static final String JSON = "application/json";
    private static final String LINES = "application/x-ndjson";
    private static final String ANY = "application/octet-stream";
    /** Of a body as it is that is sent in several messages. */
    private static final int MOST_PIECE = 64 << 10;

    private static final int INVALID_ARGUMENT = 3;
    private static final int INTERNAL = 13;

    private final TranscodedRequest call;
    private final int most;
    private final boolean lines;
    private final String contentType;
    /** What cuts the messages of a client that sends several; null: there is one. */
    private final @Nullable JsonElements elements;

    private long sent;
    private boolean broken;
    private final ByteArrayOutputStream body = new ByteArrayOutputStream(0);

    private MessageFrames frames;
    private @Nullable HttpResponse answer;
    private @Nullable HttpResponse ready;
    private byte @Nullable [] message;
    private String messageType = JSON;
    private boolean begun;
    private boolean passed;
    private @Nullable String fault;

    private TranscodedCall(TranscodedRequest call, int most, String contentType, boolean lines) {
        this.call = call;
        this.most = most;
        this.lines = lines;
        this.contentType = contentType;
        this.elements = call.clientStreams() && call.readsBody() && !call.takesRaw()
                ? new JsonElements(most, contentType.contains(LINES))
                : null;
        this.frames = new MessageFrames(most);
    }

    /** Makes a request's head that of a call. */
    static TranscodedCall of(TranscodedRequest call, HttpRequest request, int most) {
        HttpHeaders headers = request.headers();
        String type = headers.get(HttpHeaderNames.CONTENT_TYPE, "");
        String accept = headers.get(HttpHeaderNames.ACCEPT, "");
        // Who sends lines gets lines, unless it asks for something else.
        boolean lines = call.streams() && (accept.contains(LINES) || type.contains(LINES) && !accept.contains(JSON));
        request.setMethod(HttpMethod.POST);
        headers.set(HttpHeaderNames.CONTENT_TYPE, "application/grpc+proto");
        headers.set(HttpHeaderNames.TE, "trailers");
        headers.remove(HttpHeaderNames.ACCEPT);
        headers.remove(HttpHeaderNames.ACCEPT_ENCODING);
        headers.remove("grpc-accept-encoding");
        HttpUtil.setTransferEncodingChunked(request, true);
        return new TranscodedCall(call, most, type, lines);
    }

    @Override
    public String form() {
        return "json";
    }

    // ---- the request

    /** The whole body of a request that has none, or all of which has come. */
    LastHttpContent request() throws MalformedException {
        try {
            if (elements != null) {
                return new DefaultLastHttpContent(framed(elements.end()));
            }
            if (call.takesRaw()) {
                return new DefaultLastHttpContent(raw(true));
            }
            byte[] framed = MessageFrames.framed(call.message(body.toByteArray()));
            return new DefaultLastHttpContent(Unpooled.wrappedBuffer(framed));
        } catch (RequestException e) {
            throw new MalformedException(String.valueOf(e.getMessage()));
        }
    }

    @Override
    public @Nullable HttpContent request(HttpContent part) throws MalformedException {
        try {
            if (elements != null) {
                return streamed(elements, part);
            }
            if (call.takesRaw() && call.clientStreams()) {
                body.writeBytes(ByteBufUtil.getBytes(part.content()));
                ByteBuf all = raw(part instanceof LastHttpContent);
                if (part instanceof LastHttpContent) {
                    return new DefaultLastHttpContent(all);
                }
                return all.isReadable() ? new DefaultHttpContent(all) : null;
            }
            if (call.readsBody()) {
                if (body.size() + part.content().readableBytes() > most) {
                    throw new MalformedException("the request's body has more than " + most + " bytes");
                }
                body.writeBytes(ByteBufUtil.getBytes(part.content()));
            }
            return part instanceof LastHttpContent ? request() : null;
        } catch (RequestException e) {
            throw new MalformedException(String.valueOf(e.getMessage()));
        } finally {
            part.release();
        }
    }

    private @Nullable HttpContent streamed(JsonElements from, HttpContent part)
            throws RequestException, MalformedException {
        ByteBuf now = framed(from.read(ByteBufUtil.getBytes(part.content())));
        if (part instanceof LastHttpContent) {
            return new DefaultLastHttpContent(
                    Unpooled.wrappedBuffer(now, request().content()));
        }
        return now.isReadable() ? new DefaultHttpContent(now) : null;
    }

    private ByteBuf framed(List<byte[]> messages) throws RequestException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] each : messages) {
            all.writeBytes(MessageFrames.framed(call.message(each, ++sent)));
        }
        return Unpooled.wrappedBuffer(all.toByteArray());
    }

    /** What has come of a body as it is, in messages of no more than their bound. */
    private ByteBuf raw(boolean last) throws RequestException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] data = body.toByteArray();
        body.reset();
        int piece = call.clientStreams() ? Math.min(most / 2, MOST_PIECE) : data.length;
        for (int at = 0; at < data.length || last && sent == 0; at += Math.max(1, piece)) {
            byte[] each = Arrays.copyOfRange(data, at, Math.min(data.length, at + piece));
            all.writeBytes(MessageFrames.framed(call.raw(each, sent == 0 ? contentType : "", sent == 0)));
            sent++;
        }
        return Unpooled.wrappedBuffer(all.toByteArray());
    }

    // ---- the answer

    @Override
    public void response(HttpResponse head) {
        answer = head;
        frames = new MessageFrames(most);
        message = null;
        messageType = JSON;
        fault = null;
        passed = !GrpcStatus.isGrpc(head.headers());
        if (passed) {
            // Of something in between, which says it in its own way.
            ready = head;
        }
    }

    @Override
    public @Nullable HttpResponse head() {
        HttpResponse now = ready;
        ready = null;
        return now;
    }

    @Override
    public @Nullable HttpContent response(HttpContent part) {
        if (passed) {
            return part;
        }
        HttpHeaders trailers = part instanceof LastHttpContent last ? last.trailingHeaders() : null;
        byte[] out;
        try {
            out = messages(ByteBufUtil.getBytes(part.content()));
        } finally {
            part.release();
        }
        if (trailers != null) {
            byte[] end = end(trailers);
            return new DefaultLastHttpContent(Unpooled.wrappedBuffer(out, end));
        }
        return out.length == 0 ? null : new DefaultHttpContent(Unpooled.wrappedBuffer(out));
    }

    /** What the client gets of a stream now; of one message nothing yet. */
    private byte[] messages(byte[] part) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        if (fault != null) {
            return out.toByteArray();
        }
        try {
            List<byte[]> all = frames.read(part);
            for (byte[] each : all) {
                if (call.streams() && call.tellsRaw()) {
                    piece(out, call.raw(each));
                } else if (call.streams()) {
                    element(out, call.json(each));
                } else if (message != null) {
                    throw new IllegalArgumentException("more than one message");
                } else if (call.tellsRaw()) {
                    TranscodedRequest.Raw whole = call.raw(each);
                    messageType = type(whole);
                    message = whole.data();
                } else {
                    message = call.json(each);
                }
            }
        } catch (IllegalArgumentException | InvalidProtocolBufferException e) {
            fault = "the endpoint's answer is not what its descriptor says: " + e.getMessage();
        }
        return out.toByteArray();
    }

    /** The first one says what all of them are. */
    private void piece(ByteArrayOutputStream out, TranscodedRequest.Raw piece) {
        if (!begun) {
            String type = type(piece);
            begun = true;
            begin(HttpResponseStatus.OK, type);
        }
        out.writeBytes(piece.data());
    }

    private static String type(TranscodedRequest.Raw body) {
        String type = body.type();
        if (!type.chars().allMatch(c -> c >= ' ' && c < 0x7F)) {
            throw new IllegalArgumentException("a content_type that no header can have");
        }
        return type.isBlank() ? ANY : type;
    }

    private void element(ByteArrayOutputStream out, byte[] json) {
        if (!begun) {
            begun = true;
            begin(HttpResponseStatus.OK, lines ? LINES : JSON);
            out.writeBytes(lines ? new byte[0] : new byte[] {'['});
        } else if (!lines) {
            out.write(',');
        }
        out.writeBytes(json);
        if (lines) {
            out.write('\n');
        }
    }

    /** The head of gRPC becomes one of JSON. */
    private void begin(HttpResponseStatus status, String type) {
        HttpResponse head = Objects.requireNonNull(answer);
        head.setStatus(status);
        HttpHeaders headers = head.headers();
        headers.set(HttpHeaderNames.CONTENT_TYPE, type);
        headers.remove(HttpHeaderNames.CONTENT_LENGTH);
        headers.remove(HttpHeaderNames.TRAILER);
        headers.remove("grpc-encoding");
        headers.remove("grpc-accept-encoding");
        headers.remove("grpc-status");
        headers.remove("grpc-message");
        headers.remove("grpc-status-details-bin");
        ready = head;
    }

    private byte[] end(HttpHeaders trailers) {
        HttpResponse head = Objects.requireNonNull(answer);
        HttpHeaders said = trailers.contains("grpc-status") ? trailers : head.headers();
        String text = said.get("grpc-status");
        if (fault == null && (!frames.complete() || text == null)) {
            fault = "the endpoint's answer ends in the middle";
        }
        int code = fault == null ? GrpcStatus.code(said) : INTERNAL;
        if (code == 0 && !call.streams() && message == null) {
            fault = "the endpoint's answer has no message";
            code = INTERNAL;
        }
        if (code == 0) {
            return whole();
        }
        byte[] status = fault == null
                ? call.status(code, PercentText.message(said.get("grpc-message")), details(said))
                : call.status(code, fault, null);
        if (begun && call.tellsRaw()) {
            // Whatever is said now would be taken for a part of it.
            broken = true;
            return new byte[0];
        }
        if (begun) {
            // It has begun with 200: this is the only place left to say it.
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            element(out, wrapped(status));
            if (!lines) {
                out.write(']');
            }
            return out.toByteArray();
        }
        begin(HttpResponseStatus.valueOf(GrpcStatus.http(code)), JSON);
        return status;
    }

    private static byte[] wrapped(byte[] status) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes("{\"error\":".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        out.writeBytes(status);
        out.write('}');
        return out.toByteArray();
    }

    private byte[] whole() {
        if (!call.streams()) {
            begin(HttpResponseStatus.OK, messageType);
            return Objects.requireNonNull(message);
        }
        if (call.tellsRaw()) {
            if (!begun) {
                begin(HttpResponseStatus.OK, ANY);
            }
            return new byte[0];
        }
        String end = lines ? "" : begun ? "]" : "[]";
        if (!begun) {
            begin(HttpResponseStatus.OK, lines ? LINES : JSON);
        }
        return end.getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    }

    private static byte @Nullable [] details(HttpHeaders said) {
        String text = said.get("grpc-status-details-bin");
        try {
            return text == null ? null : Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    @Override
    public boolean broken() {
        return broken;
    }

    @Override
    public DefaultFullHttpResponse own(DefaultFullHttpResponse own, int code) {
        if (!own.headers().contains("grpc-status")) {
            return own;
        }
        byte[] status = call.status(
                code == HttpResponseStatus.BAD_REQUEST.code() ? INVALID_ARGUMENT : GrpcStatus.code(own.headers()),
                PercentText.message(own.headers().get("grpc-message")),
                null);
        own.release();
        DefaultFullHttpResponse made = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(code), Unpooled.wrappedBuffer(status));
        made.headers().set(own.headers());
        made.headers().remove("grpc-status").remove("grpc-message");
        made.headers().set(HttpHeaderNames.CONTENT_TYPE, JSON).set(HttpHeaderNames.CONTENT_LENGTH, status.length);
        return made;
    }
}
