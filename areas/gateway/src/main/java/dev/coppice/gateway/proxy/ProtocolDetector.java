package dev.coppice.gateway.proxy;

import dev.coppice.gateway.http1.Http1Codec;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.util.List;

/**
 * Finds out whether a new connection speaks HTTP/2: by what was agreed in TLS (RFC 7301), or in plain text by its first bytes (RFC 9113,
 * 3.4). Until then, and else, it is taken for HTTP/1.1, so that its time is limited from the beginning.
 */
final class ProtocolDetector extends ByteToMessageDecoder {
    private final ClientConnection client;
    private final ByteBuf preface = Http2CodecUtil.connectionPrefaceBuf();

    ProtocolDetector(ClientConnection client) {
        this.client = client;
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
        if (client.serverName() != null) {
            context.pipeline().remove(this);
            return;
        }
        int known = Math.min(in.readableBytes(), preface.readableBytes());
        if (!ByteBufUtil.equals(in, in.readerIndex(), preface, preface.readerIndex(), known)) {
            context.pipeline().remove(this);
        } else if (known == preface.readableBytes()) {
            speakHttp2(context);
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) throws Exception {
        super.userEventTriggered(context, event);
        if (event instanceof SslHandshakeCompletionEvent shaken && shaken.isSuccess()) {
            SslHandler tls = context.pipeline().get(SslHandler.class);
            if (tls != null && ApplicationProtocolNames.HTTP_2.equals(tls.applicationProtocol())) {
                speakHttp2(context);
            } else {
                context.pipeline().remove(this);
            }
        }
    }

    private void speakHttp2(ChannelHandlerContext context) {
        ChannelPipeline pipeline = context.pipeline();
        Http2ClientConnection next =
                new Http2ClientConnection(client.state(), client.port(), context.channel(), client.serverName());
        Http1Codec.remove(pipeline);
        pipeline.remove(client);
        pipeline.addLast(next.handler, next);
        pipeline.remove(this);
    }

    @Override
    protected void handlerRemoved0(ChannelHandlerContext context) {
        preface.release();
    }
}
