package dev.coppice.serving;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Service;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallExecutorSupplier;
import io.grpc.ServerInterceptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.ssl.ApplicationProtocolNames;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A gRPC listener, by grpc-java on Netty; calls run on virtual threads, but for those of methods that never wait. HTTP/1.1 requests on the same port (a JSON
 * gateway, health, metrics) go to its routes, as etcd's port does. A {@link Service} for the supervision tree. Safe for
 * use by many threads.
 *
 * <p>A message may have {@link ListenerOptions#maxBodyBytes} at most. A call finds the client's TLS session and address
 * under {@link io.grpc.Grpc#TRANSPORT_ATTR_SSL_SESSION} and {@link io.grpc.Grpc#TRANSPORT_ATTR_REMOTE_ADDR}.
 */
public final class GrpcListener implements Service {
    private static final int FLOW_CONTROL_WINDOW_BYTES = 1_048_576;
    private static final int MAX_METADATA_BYTES = 65_536;
    private static final int MAX_CALLS_PER_CONNECTION = 10_000;
    private static final int DRAIN_SECONDS = 2;

    private final Kernel kernel;
    private final HttpEngine engine;
    private final List<ServerServiceDefinition> services;
    private final List<ServerInterceptor> interceptors;
    private final Set<String> direct;
    private final @Nullable TlsContexts tls;
    private final BoundAddress bound;
    private @Nullable Server server;
    volatile @Nullable Channel listening;

    /** @param interceptors the first sees a call first */
    public GrpcListener(
            Kernel kernel,
            ListenerOptions options,
            List<ServerServiceDefinition> services,
            List<ServerInterceptor> interceptors) {
        this(kernel, options, services, interceptors, Set.of());
    }

    /**
     * @param interceptors the first sees a call first
     * @param direct full names of methods that never wait: their calls run on the I/O threads
     */
    public GrpcListener(
            Kernel kernel,
            ListenerOptions options,
            List<ServerServiceDefinition> services,
            List<ServerInterceptor> interceptors,
            Set<String> direct) {
        this.direct = Set.copyOf(direct);
        this.kernel = kernel;
        this.engine = new HttpEngine(kernel, options, null);
        this.services = List.copyOf(services);
        this.interceptors = List.copyOf(interceptors);
        TlsSource source = options.tls();
        this.tls = source == null
                ? null
                : new TlsContexts(
                        options.name(),
                        source,
                        List.of(ApplicationProtocolNames.HTTP_1_1, ApplicationProtocolNames.HTTP_2));
        this.bound = new BoundAddress(options);
    }

    /** Where HTTP/1.1 requests on this port go. */
    public Routes routes() {
        return engine.routes;
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
        InetSocketAddress wanted = bound.wanted();
        EventLoopGroup loops = EventLoops.acquire();
        try {
            Server started = build(wanted, loops, failure).start();
            server = started;
            bound.set((InetSocketAddress) started.getListenSockets().getFirst());
        } catch (IOException e) {
            EventLoops.release();
            throw BoundAddress.explain(engine.options.name(), wanted, e.getCause() == null ? e : e.getCause());
        }
    }

    /** The socket that listens; reports when it closes though nobody stopped the listener. */
    private NioServerSocketChannel socket(Failure failure) {
        NioServerSocketChannel socket = new NioServerSocketChannel();
        socket.closeFuture().addListener(closed -> {
            synchronized (GrpcListener.this) {
                if (server != null && socket == listening) {
                    failure.report(new IOException("listener " + engine.options.name() + " stopped listening"));
                }
            }
        });
        listening = socket;
        return socket;
    }

    private Server build(InetSocketAddress wanted, EventLoopGroup loops, Failure failure) {
        NettyServerBuilder builder = NettyServerBuilder.forAddress(wanted)
                .bossEventLoopGroup(loops)
                .workerEventLoopGroup(loops)
                .channelFactory(() -> socket(failure))
                .withOption(ChannelOption.SO_REUSEADDR, true)
                .withOption(ChannelOption.SO_BACKLOG, 1_024)
                .protocolNegotiator(new SharedPortNegotiator(engine, tls))
                .flowControlWindow(FLOW_CONTROL_WINDOW_BYTES)
                .maxConcurrentCallsPerConnection(MAX_CALLS_PER_CONNECTION)
                .maxInboundMessageSize((int) Math.min(engine.options.maxBodyBytes(), Integer.MAX_VALUE))
                .maxInboundMetadataSize(MAX_METADATA_BYTES)
                .keepAliveTime(60, TimeUnit.SECONDS)
                .keepAliveTimeout(20, TimeUnit.SECONDS)
                .permitKeepAliveTime(1, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(true);
        if (direct.isEmpty()) {
            builder.executor(engine.handlers);
        } else {
            builder.directExecutor().callExecutor(new Executors(engine.handlers, direct));
        }
        services.forEach(builder::addService);
        // gRPC runs the interceptor that was added last first.
        interceptors.reversed().forEach(builder::intercept);
        builder.intercept(new GrpcCallMetrics(engine.options.name(), engine.metrics, kernel.clock()));
        return builder.build();
    }

    /** Where a call runs. */
    private record Executors(Executor handlers, Set<String> direct) implements ServerCallExecutorSupplier {
        @Override
        public <Q, A> Executor getExecutor(ServerCall<Q, A> call, Metadata headers) {
            return direct.contains(call.getMethodDescriptor().getFullMethodName()) ? Runnable::run : handlers;
        }
    }

    /** Lets unary calls end for a short while, then cancels whatever is left, such as watches. */
    @Override
    public void stop() throws Exception {
        Server current;
        synchronized (this) {
            current = server;
            server = null;
        }
        if (current == null) {
            return;
        }
        try {
            if (!current.shutdown().awaitTermination(DRAIN_SECONDS, TimeUnit.SECONDS)) {
                var _ = current.shutdownNow().awaitTermination(DRAIN_SECONDS, TimeUnit.SECONDS);
            }
            engine.drain();
        } finally {
            EventLoops.release();
        }
    }
}
