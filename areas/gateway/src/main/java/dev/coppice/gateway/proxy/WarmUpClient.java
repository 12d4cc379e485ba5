package dev.coppice.gateway.proxy;

import dev.coppice.kernel.Clock;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http2.Http2CodecUtil;
import io.netty.handler.codec.http2.Http2Flags;
import io.netty.handler.codec.http2.Http2FrameTypes;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import io.netty.util.ReferenceCountUtil;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Connections that ask for the same thing again and again, until enough was answered or the time is over. */
final class WarmUpClient {
    static final String HOST = "warm-up";
    private static final String PATH = "/warm-up";

    /** What it speaks. */
    enum Protocol {
        HTTP_1(false, "http/1.1"),
        HTTP_1_SECURE(true, "http/1.1"),
        HTTP_2(false, "h2"),
        HTTP_2_SECURE(true, "h2");

        private final boolean secure;
        private final String name;

        Protocol(boolean secure, String name) {
            this.secure = secure;
            this.name = name;
        }

        boolean secure() {
            return secure;
        }

        static List<Protocol> with(boolean tls) {
            return tls ? List.of(HTTP_1, HTTP_1_SECURE, HTTP_2_SECURE) : List.of(HTTP_1, HTTP_2);
        }
    }

    private final Protocol protocol;
    private final int port;
    private final int requests;
    private final Clock clock;
    private final long deadlineNanos;
    private final AtomicInteger answered = new AtomicInteger();

    WarmUpClient(Protocol protocol, int port, int requests, Clock clock, long deadlineNanos) {
        this.protocol = protocol;
        this.port = port;
        this.requests = requests;
        this.clock = clock;
        this.deadlineNanos = deadlineNanos;
    }

    /** Asks until it is over; tells how often it was answered. */
    int run(EventLoopGroup loop, int connections) throws InterruptedException {
        CountDownLatch open = new CountDownLatch(connections);
        SslContext tls = tls();
        Bootstrap bootstrap = new Bootstrap()
                .group(loop)
                .channelFactory(Transport.best().client())
                .option(ChannelOption.TCP_NODELAY, true)
                .handler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        if (tls != null) {
                            channel.pipeline().addLast(tls.newHandler(channel.alloc()));
                        }
                        if (protocol.name.equals("h2")) {
                            channel.pipeline().addLast(new Http2());
                        } else {
                            channel.pipeline().addLast(new HttpClientCodec(), new Http1());
                        }
                        var _ = channel.closeFuture().addListener(_ -> open.countDown());
                    }
                });
        for (int i = 0; i < connections; i++) {
            var _ = bootstrap.connect(InetAddress.getLoopbackAddress(), port);
        }
        // The last answer may take its time.
        boolean _ = open.await(Math.max(1, deadlineNanos - clock.nanoTime()) + 1_000_000_000, TimeUnit.NANOSECONDS);
        return answered.get();
    }

    private @Nullable SslContext tls() {
        if (!protocol.secure) {
            return null;
        }
        try {
            // It speaks to this process only.
            return SslContextBuilder.forClient()
                    .sslProvider(TlsContexts.provider(false))
                    .trustManager(InsecureTrustManagerFactory.INSTANCE)
                    .applicationProtocolConfig(new ApplicationProtocolConfig(
                            ApplicationProtocolConfig.Protocol.ALPN,
                            ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
                            ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
                            protocol.name))
                    .build();
        } catch (SSLException e) {
            throw new IllegalStateException("TLS without anything of its own", e);
        }
    }

    /** An answer came: whether to ask once more. */
    private boolean more() {
        return answered.incrementAndGet() < requests && clock.nanoTime() < deadlineNanos;
    }

    private final class Http1 extends ChannelInboundHandlerAdapter {
        @Override
        public void channelActive(ChannelHandlerContext context) {
            if (!protocol.secure) {
                ask(context);
            }
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event instanceof SslHandshakeCompletionEvent shaken && shaken.isSuccess()) {
                ask(context);
            }
        }

        private void ask(ChannelHandlerContext context) {
            FullHttpRequest request = new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, PATH);
            request.headers().set(HttpHeaderNames.HOST, HOST).set(HttpHeaderNames.USER_AGENT, HOST);
            var _ = context.writeAndFlush(request);
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object part) {
            boolean last = part instanceof LastHttpContent;
            ReferenceCountUtil.release(part);
            if (last && more()) {
                ask(context);
            } else if (last) {
                var _ = context.close();
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            var _ = context.close();
        }
    }

    /** Reads no more of HTTP/2 than where an answer ends (RFC 9113, 4.1). */
    private final class Http2 extends ByteToMessageDecoder {
        private static final int HEADER_BYTES = 9;
        private int stream = 1;

        @Override
        public void channelActive(ChannelHandlerContext context) {
            if (!protocol.secure) {
                begin(context);
            }
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event instanceof SslHandshakeCompletionEvent shaken && shaken.isSuccess()) {
                begin(context);
            }
        }

        private void begin(ChannelHandlerContext context) {
            ByteBuf bytes = Unpooled.buffer()
                    .writeBytes(Http2CodecUtil.connectionPrefaceBuf())
                    .writeBytes(frame(Http2FrameTypes.SETTINGS, 0, 0, Unpooled.EMPTY_BUFFER))
                    .writeBytes(frame(
                            Http2FrameTypes.WINDOW_UPDATE,
                            0,
                            0,
                            Unpooled.buffer().writeInt(Integer.MAX_VALUE - Http2CodecUtil.DEFAULT_WINDOW_SIZE)));
            var _ = context.write(bytes);
            ask(context);
        }

        private void ask(ChannelHandlerContext context) {
            // HPACK (RFC 7541, 6.2.2 and appendix A): :method GET, :scheme, then :path and :authority without indexing.
            ByteBuf block = Unpooled.buffer().writeByte(0x82).writeByte(protocol.secure ? 0x87 : 0x86);
            literal(block, 4, PATH);
            literal(block, 1, HOST);
            var _ = context.writeAndFlush(frame(Http2FrameTypes.HEADERS, 0x5, stream, block));
            stream += 2;
        }

        private static void literal(ByteBuf block, int name, String value) {
            block.writeByte(name).writeByte(value.length());
            block.writeCharSequence(value, StandardCharsets.US_ASCII);
        }

        private static ByteBuf frame(int type, int flags, int stream, ByteBuf payload) {
            return Unpooled.buffer(HEADER_BYTES + payload.readableBytes())
                    .writeMedium(payload.readableBytes())
                    .writeByte(type)
                    .writeByte(flags)
                    .writeInt(stream)
                    .writeBytes(payload);
        }

        @Override
        protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
            int length = in.readableBytes() < HEADER_BYTES ? 0 : in.getUnsignedMedium(in.readerIndex());
            if (in.readableBytes() < HEADER_BYTES + length) {
                return;
            }
            int type = in.getByte(in.readerIndex() + 3);
            Http2Flags flags = new Http2Flags(in.getUnsignedByte(in.readerIndex() + 4));
            in.skipBytes(HEADER_BYTES + length);
            if (type == Http2FrameTypes.GO_AWAY || type == Http2FrameTypes.RST_STREAM) {
                var _ = context.close();
            } else if (type == Http2FrameTypes.SETTINGS && !flags.ack()) {
                var _ = context.writeAndFlush(frame(Http2FrameTypes.SETTINGS, 0x1, 0, Unpooled.EMPTY_BUFFER));
            } else if ((type == Http2FrameTypes.DATA || type == Http2FrameTypes.HEADERS) && flags.endOfStream()) {
                if (more()) {
                    ask(context);
                } else {
                    var _ = context.close();
                }
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            var _ = context.close();
        }
    }
}
