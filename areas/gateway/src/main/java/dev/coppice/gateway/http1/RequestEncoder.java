package dev.coppice.gateway.http1;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestEncoder;
import java.util.Queue;

/** Writes requests, and notes the method of each for what their answers may be. */
final class RequestEncoder extends HttpRequestEncoder {
    private final Queue<HttpMethod> asked;
    private final PlainEncoding plain;

    RequestEncoder(HeadWriter writer, Queue<HttpMethod> asked) {
        this.asked = asked;
        this.plain = new PlainEncoding() {
            @Override
            ByteBuf head(ChannelHandlerContext context, HttpMessage message, ReceivedHeaders headers, int more) {
                return writer.request(context.alloc(), (HttpRequest) message, headers, more);
            }
        };
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) throws Exception {
        if (message instanceof HttpRequest request) {
            asked.add(request.method());
            // Other forms of targets have rules of their own.
            if (PlainEncoding.takes(request) && request.uri().startsWith("/")) {
                plain.write(context, request, promise);
                return;
            }
        } else if (plain.within() && message instanceof HttpContent part) {
            plain.write(context, part, promise);
            return;
        }
        plain.left(message);
        super.write(context, message, promise);
    }
}
