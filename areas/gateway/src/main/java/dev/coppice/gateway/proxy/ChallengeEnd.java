package dev.coppice.gateway.proxy;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;

/** A connection that is for nothing but a handshake (RFC 8737, 3): with that it ends. Used on its event loop only. */
final class ChallengeEnd extends Client {
    private final String serverName;

    ChallengeEnd(EventLoopState state, Port port, Channel channel, String serverName) {
        super(state, port, channel);
        this.serverName = serverName;
    }

    @Override
    String serverName() {
        return serverName;
    }

    @Override
    void drain() {
        close();
    }

    /** TLS limits its handshake by itself. */
    @Override
    void checkIdle(long now) {}

    @Override
    void gone() {}

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof SslHandshakeCompletionEvent shaken) {
            if (shaken.isSuccess()) {
                state().plane.metrics.challenges.labelValues("tls-alpn-01").inc();
            }
            close();
        }
        ReferenceCountUtil.release(event);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ReferenceCountUtil.release(message);
        close();
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {}

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {}

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        close();
    }
}
