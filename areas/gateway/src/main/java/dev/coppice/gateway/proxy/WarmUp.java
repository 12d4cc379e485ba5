package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.TlsConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Sends requests through a data plane of its own, on ports of 127.0.0.1 that the system chooses, so that the JVM has compiled the way of a
 * request before the first client comes. It counts in no metric, and writes no access log. Safe for use by many threads.
 */
public final class WarmUp {
    private static final String NAME = "warm-up";
    private static final int CONNECTIONS = 16;
    /** The JVM compiles in full what was called some ten thousand times. */
    private static final int REQUESTS = 40_000;

    private static final int BODY_BYTES = 1024;

    private final Kernel kernel;
    private final long deadlineNanos;
    private final int requests;
    private final EventLoopGroup loop = new MultiThreadIoEventLoopGroup(
            1,
            new DefaultThreadFactory("coppice-gateway-warm-up", true),
            Transport.best().io());

    private WarmUp(Kernel kernel, Duration limit, int requests) {
        this.kernel = kernel;
        this.requests = requests;
        this.deadlineNanos = kernel.clock().nanoTime() + limit.toNanos();
    }

    /**
     * Warms up, which takes as long as it needs, and {@code limit} at most.
     *
     * @param supervisor for what runs meanwhile
     * @param tls what the clients that are awaited will be shown; null: there is no TLS
     * @return requests that were answered
     */
    public static long run(Kernel kernel, Supervisor supervisor, @Nullable TlsConfig tls, Duration limit)
            throws StartException, InterruptedException {
        return run(kernel, supervisor, tls, limit, REQUESTS).values().stream()
                .mapToLong(Integer::longValue)
                .sum();
    }

    /**
     * With so many requests in each protocol.
     *
     * @return those that were answered
     */
    static Map<WarmUpClient.Protocol, Integer> run(
            Kernel kernel, Supervisor supervisor, @Nullable TlsConfig tls, Duration limit, int requests)
            throws StartException, InterruptedException {
        Supervisor below = supervisor.startSupervisor(NAME, supervisor.options());
        WarmUp made = new WarmUp(kernel, limit, requests);
        try (ProxyDataPlane plane = new ProxyDataPlane(kernel, below, ProxyOptions.DEFAULT, new PrometheusRegistry())) {
            return made.run(plane, tls);
        } finally {
            boolean _ = made.loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).await(2, TimeUnit.SECONDS);
            boolean _ = supervisor.stop(NAME);
        }
    }

    private Map<WarmUpClient.Protocol, Integer> run(ProxyDataPlane plane, @Nullable TlsConfig tls)
            throws InterruptedException {
        int backend = ((InetSocketAddress) backend().localAddress()).getPort();
        UpstreamConfig upstream = new UpstreamConfig(
                NAME, UpstreamConfig.Protocol.HTTP, List.of(new UpstreamConfig.Endpoint("127.0.0.1", backend)));
        Map<WarmUpClient.Protocol, Integer> answered = new EnumMap<>(WarmUpClient.Protocol.class);
        List<WarmUpClient.Protocol> protocols = WarmUpClient.Protocol.with(tls != null);
        for (int i = 0; i < protocols.size(); i++) {
            WarmUpClient.Protocol protocol = protocols.get(i);
            ListenerConfig listener = listener(protocol.secure() ? tls : null);
            if (!plane.apply(new GatewayConfig(List.of(listener), List.of(upstream)))
                    .isEmpty()) {
                return answered;
            }
            long now = kernel.clock().nanoTime();
            long share = Math.max(0, deadlineNanos - now) / (protocols.size() - i);
            answered.put(
                    protocol,
                    new WarmUpClient(protocol, plane.boundPort(), requests, kernel.clock(), now + share)
                            .run(loop, CONNECTIONS));
        }
        return answered;
    }

    private static ListenerConfig listener(@Nullable TlsConfig tls) {
        RuleConfig rule =
                new RuleConfig(List.of(MatchConfig.ANY), List.of(), List.of(new BackendConfig(NAME, 1, List.of())));
        RouteConfig route = new RouteConfig("HTTPRoute", NAME, NAME, 0, List.of(WarmUpClient.HOST), List.of(rule));
        // Clients need not show a certificate here.
        return new ListenerConfig(
                NAME + "/" + NAME,
                NAME,
                "127.0.0.1",
                0,
                ListenerConfig.Protocol.HTTP,
                "",
                tls == null ? null : new TlsConfig(tls.certificates(), null),
                List.of(route));
    }

    /** Answers each request with so many bytes. */
    private Channel backend() {
        ChannelFuture bound = new ServerBootstrap()
                .group(loop)
                .channelFactory(Transport.best().server())
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new HttpServerCodec(), new Answers());
                    }
                })
                .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .awaitUninterruptibly();
        return bound.channel();
    }

    private static final class Answers extends SimpleChannelInboundHandler<HttpObject> {
        @Override
        protected void channelRead0(ChannelHandlerContext context, HttpObject part) {
            if (part instanceof LastHttpContent) {
                DefaultFullHttpResponse answer = new DefaultFullHttpResponse(
                        HttpVersion.HTTP_1_1, HttpResponseStatus.OK, Unpooled.wrappedBuffer(new byte[BODY_BYTES]));
                answer.headers()
                        .set(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(BODY_BYTES))
                        .set(HttpHeaderNames.CONTENT_TYPE, "text/plain");
                var _ = context.writeAndFlush(answer);
            }
        }
    }
}
