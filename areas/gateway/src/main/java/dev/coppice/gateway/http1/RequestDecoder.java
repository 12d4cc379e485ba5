package dev.coppice.gateway.http1;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpVersion;
import java.util.List;
import java.util.Queue;

/** Reads requests, and notes the method of each for what their answers are to be. */
final class RequestDecoder extends HttpRequestDecoder {
    private static final int MOST_AHEAD = 128;

    private final PlainMessages plain;
    private final Queue<HttpMethod> asked;

    RequestDecoder(HttpDecoderConfig config, HeadReader reader, Queue<HttpMethod> asked) {
        super(config);
        this.asked = asked;
        this.plain = new PlainMessages() {
            @Override
            int read(ByteBuf in) {
                return reader.request(in, config.getMaxInitialLineLength(), config.getMaxHeaderSize())
                        ? reader.length()
                        : 0;
            }

            @Override
            HttpMessage message() {
                ask(reader.method());
                return new DefaultHttpRequest(HttpVersion.HTTP_1_1, reader.method(), reader.target(), reader.headers());
            }

            @Override
            long bodyLength() {
                return Math.max(0, reader.contentLength());
            }
        };
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
    public void channelReadComplete(ChannelHandlerContext context) throws Exception {
        if (plain.hasTold()) {
            // Netty's decoder takes a read of which it told nothing for one that was not enough, and reads on although
            // reading may have been stopped.
            discardSomeReadBytes();
            context.fireChannelReadComplete();
        } else {
            super.channelReadComplete(context);
        }
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) throws Exception {
        int before = out.size();
        int readable = in.readableBytes();
        super.decode(context, in, out);
        plain.decoded(readable - in.readableBytes(), out, before);
        for (int i = before; i < out.size(); i++) {
            if (out.get(i) instanceof HttpRequest request) {
                ask(request.method());
            }
        }
    }

    private void ask(HttpMethod method) {
        if (asked.size() >= MOST_AHEAD) {
            plain.end();
            throw new TooLongFrameException(
                    "more than " + MOST_AHEAD + " requests were sent ahead of the answers to those before");
        }
        asked.add(method);
    }
}
