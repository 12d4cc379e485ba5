package dev.coppice.gateway.proxy;

import dev.coppice.gateway.transcode.Base64Reader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A call of gRPC-Web, which browsers make: without trailers, for which it has a last frame of the body, and perhaps in base64. Parts are passed on as they
 * come.
 *
 * <p>gRPC Web (grpc/grpc, doc/PROTOCOL-WEB.md).
 */
final class GrpcWebCall implements CallTranslation {
    private static final String TYPE = "application/grpc-web";
    private static final String TEXT = "application/grpc-web-text";
    private static final String GRPC = "application/grpc";
    private static final byte TRAILERS = (byte) 0x80;
    private static final int FRAME_HEAD = 5;
    /** Where an endpoint has nothing else to say than how the call went, they stand in its head, which pages of other origins may not read. */
    private static final List<String> STATUS = List.of("grpc-status", "grpc-message", "grpc-status-details-bin");

    private final String type;
    private final @Nullable Base64Reader reader;
    private final boolean text;
    private final StringBuilder trailers = new StringBuilder();
    private @Nullable HttpResponse head;
    private boolean framed;

    private GrpcWebCall(String type, boolean textual, boolean text) {
        this.type = type;
        this.reader = textual ? new Base64Reader() : null;
        this.text = text;
    }

    /** The call that a request is, whose head becomes that of a call of gRPC; null when it is none. */
    static @Nullable GrpcWebCall of(HttpRequest request) {
        HttpHeaders headers = request.headers();
        String type = headers.get(HttpHeaderNames.CONTENT_TYPE);
        if (type == null
                || !type.regionMatches(true, 0, TYPE, 0, TYPE.length())
                || !request.method().equals(HttpMethod.POST)) {
            return null;
        }
        String lower = type.toLowerCase(Locale.ROOT);
        boolean textual = begins(lower, TEXT);
        if (!textual && !begins(lower, TYPE)) {
            return null;
        }
        String accept = headers.get(HttpHeaderNames.ACCEPT, "").toLowerCase(Locale.ROOT);
        boolean text = textual ? !begins(accept, TYPE) : begins(accept, TEXT);
        int plus = lower.indexOf('+');
        String format =
                plus < 0 ? "+proto" : lower.substring(plus).split("[;,]", 2)[0].trim();
        headers.set(HttpHeaderNames.CONTENT_TYPE, GRPC + format);
        headers.set(HttpHeaderNames.TE, "trailers");
        headers.remove(HttpHeaderNames.ACCEPT);
        if (textual) {
            HttpUtil.setTransferEncodingChunked(request, true);
        }
        return new GrpcWebCall((text ? TEXT : TYPE) + format, textual, text);
    }

    private static boolean begins(String value, String type) {
        return value.startsWith(type)
                && (value.length() == type.length() || "+;, ".indexOf(value.charAt(type.length())) >= 0);
    }

    @Override
    public String form() {
        return reader == null ? "grpc-web" : "grpc-web-text";
    }

    @Override
    public HttpContent request(HttpContent part) throws MalformedException {
        Base64Reader from = reader;
        if (from == null) {
            return part;
        }
        boolean last = part instanceof LastHttpContent;
        try {
            byte[] bytes = from.read(ByteBufUtil.getBytes(part.content()));
            if (last && !from.complete()) {
                throw new MalformedException("the request's body ends in the middle of base64");
            }
            ByteBuf content = Unpooled.wrappedBuffer(bytes);
            return last ? new DefaultLastHttpContent(content) : new DefaultHttpContent(content);
        } catch (IllegalArgumentException e) {
            throw new MalformedException("the request's body is no base64: " + e.getMessage());
        } finally {
            part.release();
        }
    }

    @Override
    public void response(HttpResponse answer) {
        HttpHeaders headers = answer.headers();
        trailers.setLength(0);
        framed = GrpcStatus.isGrpc(headers);
        head = answer;
        if (!framed) {
            // No answer of gRPC, but of something in between: it goes through as it is.
            return;
        }
        headers.set(HttpHeaderNames.CONTENT_TYPE, type);
        headers.remove(HttpHeaderNames.CONTENT_LENGTH);
        headers.remove(HttpHeaderNames.TRAILER);
        for (String each : STATUS) {
            String value = headers.get(each);
            if (value != null) {
                headers.remove(each);
                trailer(each, value);
            }
        }
    }

    @Override
    public @Nullable HttpResponse head() {
        HttpResponse answer = head;
        head = null;
        return answer;
    }

    private void trailer(CharSequence name, CharSequence value) {
        trailers.append(name.toString().toLowerCase(Locale.ROOT))
                .append(':')
                .append(value)
                .append("\r\n");
    }

    @Override
    public HttpContent response(HttpContent part) {
        if (!framed) {
            return part;
        }
        boolean last = part instanceof LastHttpContent;
        if (!text && !last) {
            return part;
        }
        ByteBuf content = part.content();
        if (part instanceof LastHttpContent end) {
            for (Map.Entry<String, String> each : end.trailingHeaders()) {
                trailer(each.getKey(), each.getValue());
            }
            content = Unpooled.wrappedBuffer(content, frame());
        }
        if (text) {
            byte[] encoded = Base64.getEncoder().encode(ByteBufUtil.getBytes(content));
            content.release();
            content = Unpooled.wrappedBuffer(encoded);
        }
        return last ? new DefaultLastHttpContent(content) : new DefaultHttpContent(content);
    }

    private ByteBuf frame() {
        byte[] bytes = trailers.toString().getBytes(StandardCharsets.ISO_8859_1);
        return Unpooled.buffer(FRAME_HEAD + bytes.length)
                .writeByte(TRAILERS)
                .writeInt(bytes.length)
                .writeBytes(bytes);
    }

    @Override
    public DefaultFullHttpResponse own(DefaultFullHttpResponse answer, int code) {
        response((HttpResponse) answer);
        head = null;
        HttpContent whole = response((HttpContent) answer);
        if (whole == answer) {
            return answer;
        }
        DefaultFullHttpResponse made = new DefaultFullHttpResponse(
                answer.protocolVersion(),
                answer.status(),
                whole.content(),
                answer.headers(),
                EmptyHttpHeaders.INSTANCE);
        HttpUtil.setContentLength(made, whole.content().readableBytes());
        return made;
    }
}
