package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.Outcome;
import dev.coppice.gateway.config.ResilienceConfig.Fallback;
import dev.coppice.gateway.transcode.PercentText;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.AsciiString;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Answers that come from the gateway itself: a line of plain text, or nothing. */
final class LocalAnswer {

    private static final String GRPC = "application/grpc";
    private static final AsciiString GRPC_STATUS = AsciiString.cached("grpc-status");
    private static final AsciiString GRPC_MESSAGE = AsciiString.cached("grpc-message");

    private LocalAnswer() {}

    static DefaultFullHttpResponse of(HttpResponseStatus code, String text) {
        byte[] bytes = text.isEmpty() ? new byte[0] : (text + "\n").getBytes(StandardCharsets.UTF_8);
        DefaultFullHttpResponse answer =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, code, Unpooled.wrappedBuffer(bytes));
        if (code.code() != HttpResponseStatus.NO_CONTENT.code()) {
            answer.headers().set(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(bytes.length));
        }
        if (bytes.length > 0) {
            answer.headers().set(HttpHeaderNames.CONTENT_TYPE, "text/plain; charset=utf-8");
        }
        return answer;
    }

    /** A text as it is, without an end of its line. */
    static DefaultFullHttpResponse file(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        DefaultFullHttpResponse answer =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK, Unpooled.wrappedBuffer(bytes));
        answer.headers()
                .set(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(bytes.length))
                .set(HttpHeaderNames.CONTENT_TYPE, "application/octet-stream");
        return answer;
    }

    /** In the form that the request's sender looks at. */
    static DefaultFullHttpResponse of(HttpResponseStatus code, String text, HttpHeaders request) {
        return GrpcStatus.isGrpc(request) ? grpc(code, text) : of(code, text);
    }

    /** One that somebody else has made, for requests that are no calls of gRPC. */
    static DefaultFullHttpResponse of(
            HttpResponseStatus code, List<Outcome.Header> headers, byte[] body, HttpHeaders request) {
        if (GrpcStatus.isGrpc(request)) {
            return grpc(code, "this is not allowed");
        }
        DefaultFullHttpResponse answer =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, code, Unpooled.wrappedBuffer(body));
        headers.forEach(each -> answer.headers().add(each.name(), each.value()));
        answer.headers().set(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(body.length));
        return answer;
    }

    /**
     * For a call of gRPC, which looks at the status in its own headers only (gRPC over HTTP2, Responses, Trailers-Only).
     *
     * @param text in any script
     */
    private static DefaultFullHttpResponse grpc(HttpResponseStatus code, String text) {
        DefaultFullHttpResponse answer = of(HttpResponseStatus.OK, "");
        answer.headers()
                .remove(HttpHeaderNames.CONTENT_LENGTH)
                .set(HttpHeaderNames.CONTENT_TYPE, GRPC)
                .set(GRPC_STATUS, Integer.toString(grpcStatus(code.code())))
                .set(GRPC_MESSAGE, PercentText.encoded(text));
        return answer;
    }

    /** As gRPC's own clients read statuses of HTTP, but that a limit of ours is told from an endpoint that is away. */
    private static int grpcStatus(int code) {
        return switch (code) {
            case 400 -> 13;
            case 401 -> 16;
            case 403 -> 7;
            case 404 -> 12;
            case 429 -> 8;
            case 502, 503, 504 -> 14;
            default -> 2;
        };
    }

    /** What is configured for when an upstream is not there. A call of gRPC could not read it. */
    static DefaultFullHttpResponse fallback(Fallback.Response response) {
        byte[] bytes = response.body().getBytes(StandardCharsets.UTF_8);
        HttpResponseStatus status = HttpResponseStatus.valueOf(response.status());
        DefaultFullHttpResponse answer =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status, Unpooled.wrappedBuffer(bytes));
        response.headers().forEach(each -> answer.headers().add(each.name(), each.value()));
        if (status.code() != HttpResponseStatus.NO_CONTENT.code()) {
            answer.headers().set(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(bytes.length));
        }
        if (bytes.length > 0 && !answer.headers().contains(HttpHeaderNames.CONTENT_TYPE)) {
            answer.headers().set(HttpHeaderNames.CONTENT_TYPE, "text/plain; charset=utf-8");
        }
        return answer;
    }

    static DefaultFullHttpResponse redirect(int code, String location) {
        DefaultFullHttpResponse answer = of(HttpResponseStatus.valueOf(code), "");
        answer.headers().set(HttpHeaderNames.LOCATION, location);
        return answer;
    }
}
