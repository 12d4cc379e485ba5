package dev.coppice.serving;

import dev.coppice.kernel.Kernel;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2StreamFrameToHttpObjectCodec;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What the connections of one listener share: its routes, limits, metrics, and the requests in flight. Builds the HTTP/1.1
 * and HTTP/2 pipelines. Both turn into the same HTTP objects, so that one {@link RequestChannel} serves them.
 */
final class HttpEngine {
    private static final int MAX_REQUEST_LINE_BYTES = 32_768;
    private static final int MAX_HEADER_BYTES = 65_536;
    private static final int MAX_STREAMS = 1_000;
    private static final int STREAM_WINDOW_BYTES = 262_144;
    private static final int CONNECTION_WINDOW_BYTES = 1_048_576;
    private static final int MAX_RESETS = 2_000;
    private static final int RESET_WINDOW_SECONDS = 10;

    final Kernel kernel;
    final ListenerOptions options;
    final @Nullable Authenticator authenticator;
    final RouteTable routes = new RouteTable();
    final ServingMetrics metrics;
    final Executor handlers;
    final Set<Channel> connections = ConcurrentHashMap.newKeySet();
    final Set<NettyExchange> exchanges = ConcurrentHashMap.newKeySet();
    private final AtomicInteger open = new AtomicInteger();
    private volatile boolean draining;

    HttpEngine(Kernel kernel, ListenerOptions options, @Nullable Authenticator authenticator) {
        this.kernel = kernel;
        this.options = options;
        this.authenticator = authenticator;
        this.metrics = ServingMetrics.of(kernel.metrics());
        this.handlers = HandlerThreads.executor(kernel);
    }

    boolean draining() {
        return draining;
    }

    /** Counts a new connection; false, and closed, when the listener has its limit of them or stops. */
    boolean admit(Channel channel) {
        if (draining) {
            channel.close();
            return false;
        }
        if (open.incrementAndGet() > options.maxConnections()) {
            open.decrementAndGet();
            metrics.refused.labelValues(options.name()).inc();
            channel.close();
            return false;
        }
        metrics.accepted.labelValues(options.name()).inc();
        metrics.connections.labelValues(options.name()).inc();
        connections.add(channel);
        channel.closeFuture().addListener(f -> {
            open.decrementAndGet();
            connections.remove(channel);
            metrics.connections.labelValues(options.name()).dec();
        });
        return true;
    }

    /** Appends what serves HTTP/1.1. */
    void http1(Channel channel, ConnectionGuard guard) {
        ChannelPipeline pipeline = channel.pipeline();
        channel.config().setAutoRead(false);
        guard.http1();
        pipeline.addLast(
                "http1",
                new HttpServerCodec(new HttpDecoderConfig()
                        .setMaxInitialLineLength(MAX_REQUEST_LINE_BYTES)
                        .setMaxHeaderSize(MAX_HEADER_BYTES)
                        .setMaxChunkSize(16_384)));
        pipeline.addLast("requests", new RequestChannel(this, channel, guard, true));
    }

    /** Appends what serves HTTP/2. */
    void http2(Channel channel, ConnectionGuard guard) {
        channel.config().setAutoRead(true);
        Http2FrameCodec codec = Http2FrameCodecBuilder.forServer()
                .initialSettings(Http2Settings.defaultSettings()
                        .maxConcurrentStreams(MAX_STREAMS)
                        .maxHeaderListSize(MAX_HEADER_BYTES)
                        .initialWindowSize(STREAM_WINDOW_BYTES))
                .decoderEnforceMaxRstFramesPerWindow(MAX_RESETS, RESET_WINDOW_SECONDS)
                .gracefulShutdownTimeoutMillis(Drain.REQUESTS.toMillis())
                .build();
        ChannelPipeline pipeline = channel.pipeline();
        pipeline.addLast("http2", codec);
        pipeline.addLast("streams", new Http2MultiplexHandler(new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel stream) {
                stream.config().setAutoRead(false);
                stream.pipeline()
                        .addLast(
                                new Http2StreamFrameToHttpObjectCodec(true),
                                new RequestChannel(HttpEngine.this, channel, guard, false));
            }
        }));
        widenWindow(codec);
    }

    private static void widenWindow(Http2FrameCodec codec) {
        Http2Connection connection = codec.connection();
        try {
            connection
                    .local()
                    .flowController()
                    .incrementWindowSize(
                            connection.connectionStream(),
                            CONNECTION_WINDOW_BYTES - Http2CodecUtil.DEFAULT_WINDOW_SIZE);
        } catch (Http2Exception e) {
            throw new IllegalStateException(e);
        }
    }

    Optional<RouteTable.Mounted> route(String path) {
        return routes.find(path);
    }

    /** Lets a started listener take connections again. */
    void resume() {
        draining = false;
    }

    /** Ends all exchanges and closes all connections, within the bounds of {@link Drain}. */
    void drain() throws InterruptedException {
        draining = true;
        new Drain(this).run();
    }

    /** How a listener that stops treats what is in flight. */
    private record Drain(HttpEngine engine) {
        static final Duration REQUESTS = Duration.ofSeconds(5);
        static final Duration STREAMS = Duration.ofSeconds(1);
        private static final Duration POLL = Duration.ofMillis(10);

        void run() throws InterruptedException {
            engine.exchanges.forEach(NettyExchange::signalClose);
            engine.connections.forEach(c -> c.pipeline().fireUserEventTriggered(ConnectionGuard.Draining.INSTANCE));
            long start = engine.kernel.clock().nanoTime();
            while (!engine.exchanges.isEmpty()) {
                long waited = engine.kernel.clock().nanoTime() - start;
                boolean onlyStreams = engine.exchanges.stream().allMatch(NettyExchange::endless);
                Duration bound = onlyStreams ? STREAMS : REQUESTS;
                if (waited >= bound.toNanos()) {
                    break;
                }
                engine.kernel.timers().sleep(POLL);
            }
            engine.exchanges.forEach(NettyExchange::abort);
            engine.connections.forEach(Channel::close);
            start = engine.kernel.clock().nanoTime();
            for (Channel connection : engine.connections) {
                // The close itself wakes this up, whatever the kernel's clock does.
                long left = STREAMS.toNanos() - (engine.kernel.clock().nanoTime() - start);
                if (!connection.closeFuture().await(Math.max(0, left), TimeUnit.NANOSECONDS)) {
                    connection.eventLoop().execute(() -> connection.unsafe().closeForcibly());
                }
            }
        }
    }
}
