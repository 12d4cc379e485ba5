package dev.coppice.serving;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Service;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP/1.1 and HTTP/2 listener with routes: limits, access log, metrics, TLS with reload. A {@link Service} for the
 * supervision tree; routes outlive its restarts. Safe for use by many threads.
 *
 * <p>HTTP/2 is chosen by ALPN, or in plain text by its preface. Handlers run on virtual threads, connections on the few
 * I/O threads that all listeners of a process share.
 */
public final class HttpListener implements Service {
    private final HttpEngine engine;
    private final @Nullable TlsContexts tls;
    private final BoundAddress bound;
    private @Nullable Channel server;

    /** An authenticator of null leaves every request anonymous. */
    public HttpListener(Kernel kernel, ListenerOptions options, @Nullable Authenticator authenticator) {
        this.engine = new HttpEngine(kernel, options, authenticator);
        TlsSource source = options.tls();
        this.tls = source == null
                ? null
                : new TlsContexts(
                        options.name(),
                        source,
                        List.of(ApplicationProtocolNames.HTTP_2, ApplicationProtocolNames.HTTP_1_1));
        this.bound = new BoundAddress(options);
    }

    public Routes routes() {
        return engine.routes;
    }

    /**
     * Answers a request that came to another node, as an anonymous one.
     *
     * @return empty when nothing is mounted at its path
     */
    public Optional<RelayedRequest.Answer> relay(RelayedRequest request) throws Exception {
        RelayedExchange exchange = new RelayedExchange(request);
        Optional<RouteTable.Mounted> mounted = engine.route(exchange.path());
        if (mounted.isEmpty()) {
            return Optional.empty();
        }
        mounted.get().handler().handle(exchange);
        return Optional.of(exchange.answer());
    }

    /** The bound address, once started; it stays the same over restarts even when port 0 was asked for. */
    public Optional<InetSocketAddress> address() {
        return bound.address();
    }

    @Override
    public synchronized void start(Failure failure) throws Exception {
        if (server != null) {
            throw new IllegalStateException("listener " + engine.options.name() + " is started already");
        }
        if (tls != null) {
            tls.check();
        }
        engine.resume();
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(EventLoops.acquire())
                .channel(NioServerSocketChannel.class)
                .option(ChannelOption.SO_BACKLOG, 1_024)
                .option(ChannelOption.SO_REUSEADDR, true)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.SO_KEEPALIVE, true)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) throws Exception {
                        accept(channel);
                    }
                });
        try {
            Channel channel = bind(bootstrap);
            server = channel;
            bound.set((InetSocketAddress) channel.localAddress());
            channel.closeFuture().addListener(closed -> {
                synchronized (HttpListener.this) {
                    if (server == channel) {
                        failure.report(new IOException("listener " + engine.options.name() + " stopped listening"));
                    }
                }
            });
        } catch (IOException e) {
            EventLoops.release();
            throw e;
        }
    }

    private Channel bind(ServerBootstrap bootstrap) throws IOException, InterruptedException {
        InetSocketAddress wanted = bound.wanted();
        ChannelFuture future = bootstrap.bind(wanted).await();
        Throwable cause = future.cause();
        if (cause != null) {
            throw BoundAddress.explain(engine.options.name(), wanted, cause);
        }
        return future.channel();
    }

    private void accept(Channel channel) throws Exception {
        if (!engine.admit(channel)) {
            return;
        }
        ConnectionGuard guard = new ConnectionGuard(engine);
        if (tls == null) {
            channel.pipeline().addLast(guard).addLast(new ProtocolDetector(http2 -> {
                if (http2) {
                    engine.http2(channel, guard);
                } else {
                    engine.http1(channel, guard);
                }
            }));
            return;
        }
        channel.pipeline().addLast(tls.handler()).addLast(guard).addLast(new AfterHandshake(guard));
    }

    /** Completes the pipeline of a TLS connection with what ALPN agreed on. */
    private final class AfterHandshake extends ChannelInboundHandlerAdapter {
        private final ConnectionGuard guard;

        AfterHandshake(ConnectionGuard guard) {
            this.guard = guard;
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext ctx, Object event) throws Exception {
            if (!(event instanceof SslHandshakeCompletionEvent handshake)) {
                super.userEventTriggered(ctx, event);
                return;
            }
            SslHandler handler = ctx.pipeline().get(SslHandler.class);
            if (!handshake.isSuccess() || handler == null) {
                ctx.close();
                return;
            }
            if (TlsContexts.protocol(handler).equals(ApplicationProtocolNames.HTTP_2)) {
                engine.http2(ctx.channel(), guard);
            } else {
                engine.http1(ctx.channel(), guard);
            }
            ctx.pipeline().remove(this);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            ctx.close();
        }
    }

    @Override
    public void stop() throws Exception {
        Channel channel;
        synchronized (this) {
            channel = server;
            server = null;
        }
        if (channel == null) {
            return;
        }
        try {
            channel.close().await();
            engine.drain();
        } finally {
            EventLoops.release();
        }
    }
}
