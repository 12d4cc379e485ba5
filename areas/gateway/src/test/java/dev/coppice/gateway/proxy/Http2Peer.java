package dev.coppice.gateway.proxy;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.DefaultHttp2ResetFrame;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2GoAwayFrame;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2ResetFrame;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2StreamChannel;
import io.netty.handler.codec.http2.Http2StreamChannelBootstrap;
import io.netty.util.ReferenceCountUtil;
import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A client that speaks HTTP/2 without TLS, and does not mind what it is allowed to. */
final class Http2Peer implements AutoCloseable {
    private static final EventLoopGroup LOOPS = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());

    private final List<Stream> streams = new CopyOnWriteArrayList<>();
    private final int port;
    private final Http2Settings settings;
    private final String first;
    private @Nullable Channel connected;
    final CountDownLatch goneAway = new CountDownLatch(1);

    /** An answer. */
    record Answer(
            int status,
            Http2Headers head,
            String body,
            @Nullable Http2Headers trailers,
            @Nullable Long reset) {}

    Http2Peer(int port) {
        this(port, Http2Settings.defaultSettings());
    }

    /** Connects when it is first used. */
    Http2Peer(int port, Http2Settings settings) {
        this(port, settings, "");
    }

    /** Says something before it speaks HTTP/2. */
    Http2Peer(int port, String first) {
        this(port, Http2Settings.defaultSettings(), first);
    }

    private Http2Peer(int port, Http2Settings settings, String first) {
        this.port = port;
        this.settings = settings;
        this.first = first;
    }

    Channel channel() throws InterruptedException {
        Channel channel = connected;
        if (channel == null) {
            channel = connect();
            connected = channel;
        }
        return channel;
    }

    private Channel connect() throws InterruptedException {
        return new Bootstrap()
                .group(LOOPS)
                .channel(NioSocketChannel.class)
                .handler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel made) {
                        if (!first.isEmpty()) {
                            made.pipeline().addLast(new ChannelOutboundHandlerAdapter() {
                                private boolean said;

                                @Override
                                public void write(ChannelHandlerContext context, Object message, ChannelPromise done) {
                                    if (!said) {
                                        said = true;
                                        context.write(Unpooled.copiedBuffer(first, StandardCharsets.ISO_8859_1));
                                    }
                                    context.write(message, done);
                                }
                            });
                        }
                        made.pipeline()
                                .addLast(
                                        Http2FrameCodecBuilder.forClient()
                                                .validateHeaders(false)
                                                .initialSettings(settings)
                                                .build(),
                                        new Http2MultiplexHandler(new ChannelInboundHandlerAdapter()),
                                        new ChannelInboundHandlerAdapter() {
                                            @Override
                                            public void channelRead(ChannelHandlerContext context, Object message) {
                                                if (message instanceof Http2GoAwayFrame) {
                                                    goneAway.countDown();
                                                }
                                                ReferenceCountUtil.release(message);
                                            }
                                        });
                    }
                })
                .connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
                .sync()
                .channel();
    }

    static Http2Headers head(String method, String path, String... more) {
        DefaultHttp2Headers head = new DefaultHttp2Headers(false);
        head.method(method).path(path).scheme("http").authority("example.org");
        for (int i = 0; i < more.length; i += 2) {
            head.add(more[i], more[i + 1]);
        }
        return head;
    }

    Stream open() throws Exception {
        Stream stream = new Stream();
        streams.add(stream);
        stream.channel = new Http2StreamChannelBootstrap(channel())
                .handler(stream)
                .open()
                .sync()
                .getNow();
        return stream;
    }

    Answer get(String path, String... more) throws Exception {
        return open().send(head("GET", path, more), true).answer();
    }

    /** One request and its answer. */
    static final class Stream extends ChannelInboundHandlerAdapter {
        private final BlockingQueue<Object> frames = new LinkedBlockingQueue<>();
        private Http2StreamChannel channel;

        Stream send(Http2Headers head, boolean end) {
            channel.writeAndFlush(new DefaultHttp2HeadersFrame(head, end));
            return this;
        }

        Stream send(String data, boolean end) {
            channel.writeAndFlush(
                    new DefaultHttp2DataFrame(Unpooled.copiedBuffer(data, StandardCharsets.ISO_8859_1), end));
            return this;
        }

        /** The same, with when it was sent: the other side may not let it yet. */
        ChannelFuture sending(String data) {
            return channel.writeAndFlush(
                    new DefaultHttp2DataFrame(Unpooled.copiedBuffer(data, StandardCharsets.ISO_8859_1), false));
        }

        void reset() throws InterruptedException {
            channel.writeAndFlush(new DefaultHttp2ResetFrame(Http2Error.CANCEL)).sync();
        }

        void reading(boolean on) {
            channel.config().setAutoRead(on);
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            frames.add(message);
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event instanceof Http2ResetFrame) {
                frames.add(event);
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            frames.add("the stream is closed");
        }

        /** What nobody has looked at. */
        private void release() {
            for (Object each = frames.poll(); each != null; each = frames.poll()) {
                ReferenceCountUtil.release(each);
            }
        }

        Object next() throws InterruptedException {
            Object next = frames.poll(20, TimeUnit.SECONDS);
            if (next == null) {
                throw new AssertionError("nothing came within 20 s");
            }
            return next;
        }

        /** Reads until the stream ends. */
        Answer answer() throws InterruptedException {
            return answer(false);
        }

        /** The same when its head has been read. */
        Answer answerAfterHead() throws InterruptedException {
            return answer(true);
        }

        private Answer answer(boolean headRead) throws InterruptedException {
            Http2Headers head = new DefaultHttp2Headers();
            ByteArrayOutputStream body = new ByteArrayOutputStream();
            boolean begun = headRead;
            while (true) {
                switch (next()) {
                    case Http2HeadersFrame frame -> {
                        if (begun) {
                            return made(head, body, frame.headers(), null);
                        }
                        head = frame.headers();
                        begun = !String.valueOf(head.status()).startsWith("1");
                        if (frame.isEndStream()) {
                            return made(head, body, null, null);
                        }
                    }
                    case Http2DataFrame frame -> {
                        body.writeBytes(ByteBufUtil.getBytes(frame.content()));
                        boolean end = frame.isEndStream();
                        frame.release();
                        if (end) {
                            return made(head, body, null, null);
                        }
                    }
                    case Http2ResetFrame frame -> {
                        return made(head, body, null, frame.errorCode());
                    }
                    default -> throw new AssertionError("the stream ended without an answer");
                }
            }
        }

        private static Answer made(
                Http2Headers head, ByteArrayOutputStream body, @Nullable Http2Headers trailers, @Nullable Long reset) {
            int status = head.status() == null ? 0 : Integer.parseInt(String.valueOf(head.status()));
            return new Answer(status, head, body.toString(StandardCharsets.ISO_8859_1), trailers, reset);
        }
    }

    @Override
    public void close() throws InterruptedException {
        channel().close().sync();
        // On the loop where frames come, so that none comes afterwards.
        LOOPS.submit(() -> streams.forEach(Stream::release)).sync();
    }
}
