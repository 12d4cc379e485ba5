package dev.coppice.gateway.proxy;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.nio.charset.StandardCharsets;

/** Answers that come from the gateway itself: a line of plain text, or nothing. */
final class LocalAnswer {

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

    static DefaultFullHttpResponse redirect(int code, String location) {
        DefaultFullHttpResponse answer = of(HttpResponseStatus.valueOf(code), "");
        answer.headers().set(HttpHeaderNames.LOCATION, location);
        return answer;
    }
}
