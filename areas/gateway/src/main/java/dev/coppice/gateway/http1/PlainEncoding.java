package dev.coppice.gateway.http1;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;

/**
 * The messages of a connection that are sent on as they came: in HTTP/1.1, with a length instead of chunks. A body that is there with its head is in one buffer with it, if it is small. What is not of
 * that form is for Netty's encoder. Used on one event loop only.
 */
abstract class PlainEncoding {
    /** A larger body is not copied. */
    private static final int SMALL_BYTES = 8 << 10;

    /** The body of a message whose head was written here is not complete. */
    private boolean within;
    /** The same, of one that was left to Netty's encoder. */
    private boolean leftWithin;

    /** @param more bytes for which there is to be room behind it */
    abstract ByteBuf head(ChannelHandlerContext context, HttpMessage message, ReceivedHeaders headers, int more);

    /** Whether a head is for here. */
    static boolean takes(HttpMessage message) {
        return message.headers() instanceof ReceivedHeaders headers
                && message.protocolVersion() == HttpVersion.HTTP_1_1
                && !headers.contains(HttpHeaderNames.TRANSFER_ENCODING);
    }

    /** Whether what comes belongs to a message whose head was written here. */
    boolean within() {
        return within;
    }

    /** Something is left to Netty's encoder. */
    void left(Object message) {
        if (message instanceof LastHttpContent) {
            leftWithin = false;
        } else if (message instanceof HttpMessage) {
            leftWithin = true;
        }
    }

    /** Writes a head, and its body if it is a part of the message. */
    void write(ChannelHandlerContext context, HttpMessage message, ChannelPromise promise) {
        if (within || leftWithin) {
            ReferenceCountUtil.release(message);
            throw new IllegalStateException("a head came before the end of the message before it");
        }
        if (!(message instanceof HttpContent whole)) {
            ByteBuf head = head(context, message, (ReceivedHeaders) message.headers(), 0);
            within = true;
            var _ = context.write(head, promise);
            return;
        }
        ByteBuf body = whole.content();
        int length = body.readableBytes();
        boolean small = length <= SMALL_BYTES;
        ByteBuf head;
        try {
            head = head(context, message, (ReceivedHeaders) message.headers(), small ? length : 0);
        } catch (RuntimeException e) {
            body.release();
            throw e;
        }
        within = !(whole instanceof LastHttpContent);
        if (small) {
            head.writeBytes(body);
            body.release();
            var _ = context.write(head, promise);
        } else {
            var _ = context.write(head, context.voidPromise());
            var _ = context.write(body, promise);
        }
    }

    /** Writes a part of a body. */
    void write(ChannelHandlerContext context, HttpContent part, ChannelPromise promise) {
        within = !(part instanceof LastHttpContent);
        ByteBuf body = part.content();
        if (body.isReadable()) {
            var _ = context.write(body, promise);
        } else {
            ReferenceCountUtil.release(part);
            // Its promise is to be kept all the same, after all that was written before.
            if (!promise.isVoid()) {
                var _ = context.write(Unpooled.EMPTY_BUFFER, promise);
            }
        }
    }
}
