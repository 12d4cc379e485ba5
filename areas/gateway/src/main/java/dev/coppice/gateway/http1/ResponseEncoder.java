package dev.coppice.gateway.http1;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.codec.http.HttpStatusClass;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/** Writes responses, without bodies where they answer HEAD. */
final class ResponseEncoder extends HttpResponseEncoder {
    private final Queue<HttpMethod> asked;
    private final PlainEncoding plain;
    /** Of the request to which the response is that is being written. */
    private @Nullable HttpMethod method;

    /** @param asked the methods of the requests that have no answer yet */
    ResponseEncoder(HeadWriter writer, Queue<HttpMethod> asked) {
        this.asked = asked;
        this.plain = new PlainEncoding() {
            @Override
            ByteBuf head(ChannelHandlerContext context, HttpMessage message, ReceivedHeaders headers, int more) {
                return writer.response(context.alloc(), (HttpResponse) message, headers, more);
            }
        };
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) throws Exception {
        if (message instanceof HttpResponse response) {
            if (response.status().codeClass() != HttpStatusClass.INFORMATIONAL) {
                method = asked.poll();
                if (PlainEncoding.takes(response)
                        && ResponseDecoder.hasBody(response.status().code())
                        && !HttpMethod.HEAD.equals(method)) {
                    plain.write(context, response, promise);
                    return;
                }
            }
        } else if (plain.within() && message instanceof HttpContent part) {
            plain.write(context, part, promise);
            return;
        }
        plain.left(message);
        super.write(context, message, promise);
    }

    @Override
    protected boolean isContentAlwaysEmpty(HttpResponse response) {
        return HttpMethod.HEAD.equals(method) && response.status().codeClass() != HttpStatusClass.INFORMATIONAL
                || super.isContentAlwaysEmpty(response);
    }
}
