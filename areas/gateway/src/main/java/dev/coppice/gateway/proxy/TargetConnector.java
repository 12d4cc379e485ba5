package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.TrafficConfig;
import dev.coppice.gateway.proxyprotocol.ConnectionEnds;
import dev.coppice.gateway.proxyprotocol.ProxyHeader;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.handler.ssl.SslHandler;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Makes connections to endpoints, up to where bytes of the application can go through: with TLS that is after the handshake. Both together
 * take no longer than the time to connect. Used on its event loop only.
 */
final class TargetConnector {

    /** Who asked for a connection; hears of it exactly once, and never while it asks. */
    interface Caller {
        /**
         * It is there, with TLS where that is configured. Nothing was read from it yet: handlers that are added to its pipeline now miss nothing.
         *
         * @param protocol that was agreed upon in the handshake (ALPN); empty: none was, or there is no TLS
         */
        void connected(Channel channel, String protocol);

        /** There is none. */
        void failed(Attempt.Failure why);
    }

    /** Handlers come when the connection is there. */
    private static final ChannelInitializer<Channel> NO_HANDLERS = new ChannelInitializer<>() {
        @Override
        protected void initChannel(Channel channel) {}
    };

    private final EventLoopState state;

    TargetConnector(EventLoopState state) {
        this.state = state;
    }

    /**
     * Connects to an endpoint.
     *
     * @param ends of the client that it is for, which the endpoint is told if it wants to know; null: it is for no client
     */
    void connect(Upstream.Target target, @Nullable ConnectionEnds ends, Caller caller) {
        String problem = target.tls == null ? null : target.tls.problem();
        if (problem != null) {
            target.complain(problem);
            state.loop.execute(() -> caller.failed(Attempt.Failure.TLS));
            return;
        }
        long startNanos = state.now();
        Duration time = state.plane.options.connectTimeout();
        var _ = new Bootstrap()
                .group(state.loop)
                .channelFactory(state.plane.transport.client())
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, Math.toIntExact(time.toMillis()))
                .handler(NO_HANDLERS)
                .connect(target.address)
                .addListener((ChannelFutureListener) done -> {
                    // A channel tells this before it reads.
                    if (done.isSuccess()) {
                        introduce(done.channel(), target, ends);
                        opened(done.channel(), target, caller, time.minusNanos(state.now() - startNanos));
                    } else if (state.loop.inEventLoop()) {
                        caller.failed(Attempt.Failure.CONNECT);
                    } else {
                        // There was no socket left: Netty tells of this on a thread of its own.
                        state.loop.execute(() -> caller.failed(Attempt.Failure.CONNECT));
                    }
                });
    }

    /** Says whose connection it is, before anything else. */
    private static void introduce(Channel channel, Upstream.Target target, @Nullable ConnectionEnds ends) {
        TrafficConfig.ProxyProtocol version = target.proxyProtocol;
        if (version != null) {
            byte[] header = switch (version) {
                case V1 -> ProxyHeader.line(ends);
                case V2 -> ProxyHeader.binary(ends);
            };
            var _ = channel.writeAndFlush(Unpooled.wrappedBuffer(header));
        }
    }

    private static void opened(Channel channel, Upstream.Target target, Caller caller, Duration left) {
        EndpointTls tls = target.tls;
        if (tls == null) {
            caller.connected(channel, "");
            return;
        }
        SslHandler handler = tls.handler(channel.alloc(), target.address);
        handler.setHandshakeTimeoutMillis(Math.max(1, left.toMillis()));
        // The handshake begins as soon as its handler is there.
        channel.pipeline()
                .addLast(new EndpointHandshake(target, handler, caller))
                .addFirst(handler);
    }
}
