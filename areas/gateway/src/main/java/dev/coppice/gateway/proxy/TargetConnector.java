package dev.coppice.gateway.proxy;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;

/** Makes connections to endpoints, up to where bytes of the application can go through. Used on its event loop only. */
final class TargetConnector {

    /** Who asked for a connection; hears of it exactly once, and never while it asks. */
    interface Caller {
        /** It is there. Nothing was read from it yet: handlers that are added to its pipeline now miss nothing. */
        void connected(Channel channel);

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

    /** Connects to an endpoint. */
    void connect(Upstream.Target target, Caller caller) {
        var _ = new Bootstrap()
                .group(state.loop)
                .channelFactory(state.plane.transport.client())
                .option(ChannelOption.TCP_NODELAY, true)
                .option(
                        ChannelOption.CONNECT_TIMEOUT_MILLIS,
                        Math.toIntExact(state.plane.options.connectTimeout().toMillis()))
                .handler(NO_HANDLERS)
                .connect(target.address)
                .addListener((ChannelFutureListener) done -> {
                    // A channel tells this before it reads.
                    if (done.isSuccess()) {
                        caller.connected(done.channel());
                    } else if (state.loop.inEventLoop()) {
                        caller.failed(Attempt.Failure.CONNECT);
                    } else {
                        // There was no socket left: Netty tells of this on a thread of its own.
                        state.loop.execute(() -> caller.failed(Attempt.Failure.CONNECT));
                    }
                });
    }
}
