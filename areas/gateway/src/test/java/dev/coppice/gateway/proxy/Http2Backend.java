package dev.coppice.gateway.proxy;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2GoAwayFrame;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.DefaultHttp2ResetFrame;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2ResetFrame;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.util.ReferenceCountUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A backend that speaks HTTP/2 without TLS, by another part of the library than the gateway uses. The path says what it does; for
 * any other path it sends the body back, with trailers of gRPC.
 */
final class Http2Backend implements AutoCloseable {
    private final EventLoopGroup loops = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final Channel server;
    final List<Http2Headers> seen = new CopyOnWriteArrayList<>();
    /** The messages of health checks, framed. */
    final List<String> asked = new CopyOnWriteArrayList<>();

    final List<Http2Headers> trailers = new CopyOnWriteArrayList<>();
    final AtomicInteger connections = new AtomicInteger();
    final AtomicInteger resets = new AtomicInteger();
    final AtomicInteger refusals = new AtomicInteger();
    /** What it says of its health, as grpc.health.v1 has it; 1: SERVING. */
    volatile int health = 1;
    /** Of calls to /grpc and of checks. */
    volatile String grpcStatus = "0";

    private final String broken;

    Http2Backend(int mostStreams) throws InterruptedException {
        this(mostStreams, false);
    }

    /** @param webSockets whether it takes extended CONNECT (RFC 8441) */
    Http2Backend(int mostStreams, boolean webSockets) throws InterruptedException {
        this(mostStreams, webSockets, "/half-grpc");
    }

    /** @param broken path of calls whose answers have a head, and are reset then */
    Http2Backend(int mostStreams, boolean webSockets, String broken) throws InterruptedException {
        this.broken = broken;
        server = new ServerBootstrap()
                .group(loops)
                .channel(NioServerSocketChannel.class)
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        connections.incrementAndGet();
                        Http2FrameCodec codec = Http2FrameCodecBuilder.forServer()
                                .initialSettings(Http2Settings.defaultSettings()
                                        .maxConcurrentStreams(mostStreams)
                                        .connectProtocolEnabled(webSockets))
                                .build();
                        channel.pipeline().addLast(codec, new Http2MultiplexHandler(new Stream()));
                    }
                })
                .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .sync()
                .channel();
    }

    int port() {
        return ((InetSocketAddress) server.localAddress()).getPort();
    }

    @io.netty.channel.ChannelHandler.Sharable
    private final class Stream extends ChannelInboundHandlerAdapter {
        private static final io.netty.util.AttributeKey<String> PATH = io.netty.util.AttributeKey.valueOf("path");

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            switch (message) {
                case Http2HeadersFrame head
                when head.headers().method() == null -> {
                    trailers.add(head.headers());
                    end(context);
                }
                case Http2HeadersFrame head -> begin(context, head);
                case Http2DataFrame data -> {
                    if (String.valueOf(path(context)).endsWith("/Check") && data.isEndStream()) {
                        asked.add(data.content().toString(StandardCharsets.ISO_8859_1));
                        context.write(grpc());
                        context.write(new DefaultHttp2DataFrame(
                                Unpooled.wrappedBuffer(new byte[] {0, 0, 0, 0, 2, 8, (byte) health})));
                        end(context);
                    } else if (path(context).startsWith("/echo")) {
                        context.write(new DefaultHttp2DataFrame(data.content().retain(), false));
                        if (data.isEndStream()) {
                            end(context);
                        }
                        context.flush();
                    }
                    data.release();
                }
                case Http2ResetFrame _ -> resets.incrementAndGet();
                default -> ReferenceCountUtil.release(message);
            }
        }

        private @Nullable String path(ChannelHandlerContext context) {
            return context.channel().attr(PATH).get();
        }

        private void begin(ChannelHandlerContext context, Http2HeadersFrame head) {
            seen.add(head.headers());
            String path = String.valueOf(head.headers().path());
            context.channel().attr(PATH).set(path);
            if (path.equals(broken)) {
                context.write(grpc());
                context.writeAndFlush(new DefaultHttp2ResetFrame(Http2Error.INTERNAL_ERROR));
                return;
            }
            switch (path) {
                case "/silent", "/grpc.health.v1.Health/Check" -> {}
                case "/grpc" -> {
                    context.write(grpc());
                    end(context);
                }
                case "/reset" -> context.writeAndFlush(new DefaultHttp2ResetFrame(Http2Error.INTERNAL_ERROR));
                case "/refused-once" -> {
                    if (refusals.getAndIncrement() == 0) {
                        context.writeAndFlush(new DefaultHttp2ResetFrame(Http2Error.REFUSED_STREAM));
                    } else {
                        answer(context, "taken");
                    }
                }
                case "/go-away-once" -> {
                    if (refusals.getAndIncrement() == 0) {
                        // It has not looked at any stream.
                        DefaultHttp2GoAwayFrame away = new DefaultHttp2GoAwayFrame(Http2Error.NO_ERROR);
                        away.setExtraStreamIds(0);
                        context.channel().parent().write(away);
                        context.channel().parent().flush();
                        context.writeAndFlush(new DefaultHttp2ResetFrame(Http2Error.REFUSED_STREAM));
                    } else {
                        answer(context, "taken");
                    }
                }
                case "/half" -> {
                    context.write(new DefaultHttp2HeadersFrame(new DefaultHttp2Headers().status("200")));
                    context.write(new DefaultHttp2DataFrame(Unpooled.copiedBuffer("half", StandardCharsets.UTF_8)));
                    context.writeAndFlush(new DefaultHttp2ResetFrame(Http2Error.INTERNAL_ERROR));
                }
                case "/early" -> answer(context, "early");
                case "/large" -> {
                    context.write(new DefaultHttp2HeadersFrame(new DefaultHttp2Headers().status("200")));
                    for (int i = 0; i < 64; i++) {
                        context.write(new DefaultHttp2DataFrame(Unpooled.wrappedBuffer(new byte[64 << 10]), i == 63));
                    }
                    context.flush();
                }
                case "/bad-status" ->
                    context.writeAndFlush(
                            new DefaultHttp2HeadersFrame(new DefaultHttp2Headers(false).status("abc"), true));
                default -> {
                    if (path.startsWith("/echo")) {
                        context.writeAndFlush(grpc());
                        if (head.isEndStream()) {
                            end(context);
                        }
                    } else {
                        answer(context, "hello");
                    }
                }
            }
        }

        private DefaultHttp2HeadersFrame grpc() {
            return new DefaultHttp2HeadersFrame(
                    new DefaultHttp2Headers().status("200").add("content-type", "application/grpc"));
        }

        private void answer(ChannelHandlerContext context, String text) {
            context.write(new DefaultHttp2HeadersFrame(new DefaultHttp2Headers().status("200")));
            context.writeAndFlush(new DefaultHttp2DataFrame(Unpooled.copiedBuffer(text, StandardCharsets.UTF_8), true));
        }

        private void end(ChannelHandlerContext context) {
            context.writeAndFlush(new DefaultHttp2HeadersFrame(
                    new DefaultHttp2Headers().add("grpc-status", grpcStatus).add("grpc-message", "fine"), true));
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event instanceof Http2ResetFrame) {
                resets.incrementAndGet();
            }
            ReferenceCountUtil.release(event);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }

    @Override
    public void close() {
        server.close();
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
}
