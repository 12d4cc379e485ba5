package dev.coppice.serving;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;

/**
 * Looks at the first bytes of a plain-text connection for HTTP/2's preface (RFC 9113 section 3.4), and has the pipeline
 * completed for what it is.
 */
final class ProtocolDetector extends ByteToMessageDecoder {
    private static final ByteBuf PREFACE =
            Unpooled.unreleasableBuffer(Unpooled.wrappedBuffer("PRI * HTTP/2.0".getBytes(StandardCharsets.US_ASCII))
                    .asReadOnly());

    private final Consumer<Boolean> complete;

    /** @param complete adds the handlers that follow; is told whether it is HTTP/2 */
    ProtocolDetector(Consumer<Boolean> complete) {
        this.complete = complete;
    }

    @Override
    protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {
        int compared = Math.min(in.readableBytes(), PREFACE.capacity());
        boolean alike = ByteBufUtil.equals(in, in.readerIndex(), PREFACE, 0, compared);
        if (alike && compared < PREFACE.capacity()) {
            return;
        }
        complete.accept(alike);
        // What was read so far goes on to the handlers just added.
        ctx.pipeline().remove(this);
    }
}
