package dev.coppice.acceptance.gateway;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2StreamFrameToHttpObjectCodec;
import io.netty.handler.ssl.SslContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One replica of an echo backend, on a loopback address of its own. One for HTTP serves HTTP/1.1 with WebSocket on port 3000,
 * HTTP/2 without TLS on 3001, HTTPS on 8443 where it has a certificate, and remembers which requests came, for tests of mirrors.
 * One for gRPC serves that on 3000; one for TCP lines on 3000 and TLS on 8443; one for UDP datagrams on 8080. One of a mesh serves HTTP/1.1 on 8080,
 * gRPC on 7070, and lines over TCP on 9090.
 */
public final class EchoPod implements AutoCloseable {
    static final int HTTP_PORT = 3000;
    static final int H2C_PORT = 3001;
    static final int HTTPS_PORT = 8443;
    static final int DATAGRAM_PORT = 8080;
    static final int DNS_PORT = 53;
    static final int MESH_HTTP_PORT = 8080;
    static final int MESH_GRPC_PORT = 7070;
    static final int MESH_STREAM_PORT = 9090;

    /** What a TCP echo server says first. */
    static final String WELCOME = "Gateway API Test TCP Server";

    /** Requests that are told apart; more are not counted. */
    private static final int LOG_LIMIT = 100_000;

    private static final int BODY_LIMIT = 1 << 20;

    private final String namespace;
    private final String name;
    private final String address;
    private final String service;
    private final Map<String, LongAdder> requests = new ConcurrentHashMap<>();
    private final Map<String, LongAdder> attempts = new ConcurrentHashMap<>();
    private final List<Channel> channels = new ArrayList<>();

    EchoPod(String namespace, String name, String address, String service) {
        this.namespace = namespace;
        this.name = name;
        this.address = address;
        this.service = service;
    }

    public String namespace() {
        return namespace;
    }

    public String name() {
        return name;
    }

    public String address() {
        return address;
    }

    /** Serves HTTP; and HTTPS, too, if {@code tls} is given. */
    void serve(EventLoopGroup group, @Nullable SslContext tls) throws InterruptedException {
        listen(group, HTTP_PORT, this::http1);
        listen(group, H2C_PORT, this::http2);
        if (tls != null) {
            listen(group, HTTPS_PORT, pipeline -> {
                pipeline.addLast(tls.newHandler(pipeline.channel().alloc()));
                http1(pipeline);
            });
        }
    }

    /** Serves what a pod of a mesh does. */
    void serveAll(EventLoopGroup group) throws InterruptedException {
        listen(group, MESH_HTTP_PORT, this::http1);
        listen(group, MESH_GRPC_PORT, this::http2);
        listen(group, MESH_STREAM_PORT, pipeline -> StreamEchoHandler.addTo(pipeline, this));
    }

    /** Serves gRPC without TLS. */
    void serveGrpc(EventLoopGroup group) throws InterruptedException {
        listen(group, HTTP_PORT, this::http2);
    }

    /** Serves lines over TCP; and over TLS, too, if {@code tls} is given. */
    void serveStreams(EventLoopGroup group, @Nullable SslContext tls) throws InterruptedException {
        listen(group, HTTP_PORT, pipeline -> StreamEchoHandler.addTo(pipeline, this));
        if (tls != null) {
            listen(group, HTTPS_PORT, pipeline -> {
                pipeline.addLast(tls.newHandler(pipeline.channel().alloc()));
                StreamEchoHandler.addTo(pipeline, this);
            });
        }
    }

    /** Serves datagrams on a port. */
    void serveDatagrams(EventLoopGroup group, int port) throws InterruptedException {
        channels.add(new Bootstrap()
                .group(group)
                .channel(NioDatagramChannel.class)
                .handler(new DatagramEchoHandler(this))
                .bind(address, port)
                .sync()
                .channel());
    }

    private void http2(ChannelPipeline connection) {
        connection.addLast(
                Http2FrameCodecBuilder.forServer().build(),
                new Http2MultiplexHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel stream) {
                        stream.pipeline()
                                .addLast(
                                        new Http2StreamFrameToHttpObjectCodec(true),
                                        new HttpObjectAggregator(BODY_LIMIT),
                                        new EchoHandler(EchoPod.this, "HTTP/2.0"));
                    }
                }));
    }

    private void http1(ChannelPipeline pipeline) {
        pipeline.addLast(
                new HttpServerCodec(), new HttpObjectAggregator(BODY_LIMIT), new EchoHandler(this, "HTTP/1.1"));
    }

    private void listen(EventLoopGroup group, int port, Consumer<ChannelPipeline> protocol)
            throws InterruptedException {
        channels.add(new ServerBootstrap()
                .group(group)
                .channel(NioServerSocketChannel.class)
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel connection) {
                        protocol.accept(connection.pipeline());
                        connection.pipeline().addLast(new CloseOnError());
                    }
                })
                .bind(address, port)
                .sync()
                .channel());
    }

    /** Notes that a request came, by its target and by its mark ({@link ExchangeRunner#MARK}). */
    void note(String target, String mark) {
        count(requests, target);
        if (!mark.isEmpty()) {
            count(requests, mark);
        }
    }

    /** How often a request with this target or mark came. */
    public long count(String targetOrMark) {
        LongAdder seen = requests.get(targetOrMark);
        return seen == null ? 0 : seen.sum();
    }

    /** Which attempt this is of those with this id, from 1. */
    long attempt(String id) {
        return count(attempts, id);
    }

    private static long count(Map<String, LongAdder> counts, String key) {
        if (counts.size() >= LOG_LIMIT && !counts.containsKey(key)) {
            throw new IllegalStateException("an echo backend saw more than " + LOG_LIMIT + " different requests");
        }
        LongAdder count = counts.computeIfAbsent(key, _ -> new LongAdder());
        count.increment();
        return count.sum();
    }

    /** Says in an answer who this is. */
    void describe(ObjectNode answer) {
        answer.put("namespace", namespace)
                .put("ingress", "")
                .put("service", service)
                .put("pod", name);
    }

    @Override
    public void close() {
        channels.forEach(channel -> channel.close().syncUninterruptibly());
    }

    /** Peers may vanish: a node that is killed resets its connections. */
    private static final class CloseOnError extends ChannelInboundHandlerAdapter {
        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }
}
