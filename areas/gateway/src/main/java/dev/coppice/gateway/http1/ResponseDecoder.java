package dev.coppice.gateway.http1;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseDecoder;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.HttpVersion;
import java.util.List;
import java.util.Queue;

/** Reads responses, of which those to HEAD have no body. */
final class ResponseDecoder extends HttpResponseDecoder {
    private final PlainMessages plain;
    private final Queue<HttpMethod> asked;

    /** @param asked the methods of the requests that have no answer yet */
    ResponseDecoder(HttpDecoderConfig config, HeadReader reader, Queue<HttpMethod> asked) {
        super(config);
        this.asked = asked;
        this.plain = new PlainMessages() {
            @Override
            int read(ByteBuf in) {
                HttpMethod method = asked.peek();
                boolean clear = method != null
                        && !method.equals(HttpMethod.HEAD)
                        && !method.equals(HttpMethod.CONNECT)
                        && reader.response(in, config.getMaxInitialLineLength(), config.getMaxHeaderSize())
                        && reader.contentLength() >= 0
                        && hasBody(reader.status().code());
                return clear ? reader.length() : 0;
            }

            @Override
            HttpMessage message() {
                var _ = asked.poll();
                return new DefaultHttpResponse(HttpVersion.HTTP_1_1, reader.status(), reader.headers());
            }

            @Override
            long bodyLength() {
                return reader.contentLength();
            }
        };
    }

    /** Whether an answer with that status has a body wherever it says so (RFC 9110, 15). */
    static boolean hasBody(int code) {
        return code >= 200 && code != 204 && code != 205 && code != 304;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
        Object left = message instanceof ByteBuf bytes && plain.haveTurn() ? plain.take(context, bytes) : message;
        if (left != null) {
            super.channelRead(context, left);
            plain.decoded(actualReadableBytes());
        }
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) throws Exception {
        int before = out.size();
        int readable = in.readableBytes();
        super.decode(context, in, out);
        plain.decoded(readable - in.readableBytes(), out, before);
        for (int i = before; i < out.size(); i++) {
            if (out.get(i) instanceof HttpResponse response
                    && response.status().code() == HttpResponseStatus.SWITCHING_PROTOCOLS.code()) {
                plain.end();
            }
        }
    }

    @Override
    protected boolean isContentAlwaysEmpty(HttpMessage message) {
        if (!(message instanceof HttpResponse response)
                || response.status().codeClass() == HttpStatusClass.INFORMATIONAL) {
            return super.isContentAlwaysEmpty(message);
        }
        HttpMethod method = asked.poll();
        return HttpMethod.HEAD.equals(method) || super.isContentAlwaysEmpty(message);
    }
}
