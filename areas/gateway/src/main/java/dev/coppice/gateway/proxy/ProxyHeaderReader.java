package dev.coppice.gateway.proxy;

import dev.coppice.gateway.proxyprotocol.ConnectionEnds;
import dev.coppice.gateway.proxyprotocol.ProxyHeader;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.util.AttributeKey;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Reads the header of the PROXY protocol with which a connection begins. Only then does it become known whose connection it is, and what it speaks. A
 * header that is malformed, too long or slow ends it.
 */
final class ProxyHeaderReader extends ByteToMessageDecoder {
    private static final AttributeKey<ConnectionEnds> ENDS =
            AttributeKey.valueOf(ProxyHeaderReader.class, "connection ends");

    private final ProxyDataPlane plane;
    private final boolean optional;
    private final Runnable next;
    private @Nullable Future<?> deadline;

    /** @param next adds the handlers that come after this one */
    ProxyHeaderReader(ProxyDataPlane plane, boolean optional, Runnable next) {
        this.plane = plane;
        this.optional = optional;
        this.next = next;
    }

    /** What a header said of a channel's connection; null when there was none. */
    static @Nullable ConnectionEnds ends(Channel channel) {
        return channel.hasAttr(ENDS) ? channel.attr(ENDS).get() : null;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        deadline = context.executor()
                .schedule(
                        () -> refuse(context, "proxy-slow"),
                        plane.options.connectTimeout().toMillis(),
                        TimeUnit.MILLISECONDS);
    }

    @Override
    protected void handlerRemoved0(ChannelHandlerContext context) {
        if (deadline != null) {
            deadline.cancel(false);
        }
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
        switch (ProxyHeader.read(in.nioBuffer())) {
            case ProxyHeader.Reading.Incomplete _ -> {}
            case ProxyHeader.Reading.Absent _ -> {
                if (optional) {
                    proceed(context);
                } else {
                    in.skipBytes(in.readableBytes());
                    refuse(context, "proxy-missing");
                }
            }
            case ProxyHeader.Reading.Malformed _ -> {
                in.skipBytes(in.readableBytes());
                refuse(context, "proxy-malformed");
            }
            case ProxyHeader.Reading.Found found -> {
                in.skipBytes(found.bytes());
                if (found.ends() != null) {
                    context.channel().attr(ENDS).set(found.ends());
                }
                proceed(context);
            }
        }
    }

    private void proceed(ChannelHandlerContext context) {
        next.run();
        context.pipeline().remove(this);
    }

    private void refuse(ChannelHandlerContext context, String reason) {
        if (!context.isRemoved() && context.channel().isActive()) {
            plane.metrics.refused.labelValues(reason).inc();
            var _ = context.close();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (!(cause instanceof IOException)) {
            plane.unexpected(cause);
        }
        var _ = context.close();
    }
}
