package dev.coppice.serving;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketDecoderConfig;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshaker13;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;

/**
 * An answer over a WebSocket (RFC 6455): every write is one text message. What the client says is not read, but for pings, which are
 * answered, and its close. A page of another origin gets no WebSocket: browsers would show it what a client certificate may see.
 */
final class WebSocketAnswer extends OutputStream {
    /** Of a client's frame; it has nothing to say. */
    private static final int MOST_RECEIVED_BYTES = 65_536;

    private static final WebSocketDecoderConfig DECODING = WebSocketDecoderConfig.newBuilder()
            .maxFramePayloadLength(MOST_RECEIVED_BYTES)
            .allowExtensions(false)
            .build();

    private final NettyExchange exchange;
    private boolean closed;

    WebSocketAnswer(NettyExchange exchange) {
        this.exchange = exchange;
    }

    /** Whether a client asks for one, and may have it. */
    static boolean wanted(Exchange exchange) {
        return exchange.method().equals("GET")
                && exchange.header("Upgrade").orElse("").equalsIgnoreCase(HttpHeaderValues.WEBSOCKET.toString())
                && exchange.headers("Connection").stream()
                        .flatMap(value -> Arrays.stream(value.split(",", 16)))
                        .anyMatch(value -> value.strip().equalsIgnoreCase(HttpHeaderValues.UPGRADE.toString()))
                && exchange.header("Sec-WebSocket-Version").orElse("").equals("13")
                && exchange.header("Sec-WebSocket-Key").isPresent()
                && ofThisOrigin(exchange);
    }

    private static boolean ofThisOrigin(Exchange exchange) {
        String origin = exchange.header("Origin").orElse("");
        String host = exchange.header("Host").orElse("");
        return origin.isEmpty()
                || origin.equals("https://" + host)
                || !exchange.secure() && origin.equals("http://" + host);
    }

    /** On the I/O thread, after the whole request was read. */
    static void shakeHands(
            ChannelHandlerContext context, HttpRequest request, HttpHeaders headers, ChannelPromise done) {
        headers.remove(HttpHeaderNames.CONTENT_TYPE);
        ChannelFuture _ = new WebSocketServerHandshaker13(request.uri(), null, DECODING)
                .handshake(
                        context.channel(),
                        new DefaultFullHttpRequest(
                                request.protocolVersion(),
                                request.method(),
                                request.uri(),
                                Unpooled.EMPTY_BUFFER,
                                request.headers(),
                                EmptyHttpHeaders.INSTANCE),
                        headers,
                        done);
    }

    /** What a client says, on the I/O thread. Releases it. */
    static void received(ChannelHandlerContext context, WebSocketFrame frame) {
        try {
            if (frame instanceof CloseWebSocketFrame) {
                context.channel().close();
            } else if (frame instanceof PingWebSocketFrame && context.channel().isWritable()) {
                var _ = context.writeAndFlush(
                        new PongWebSocketFrame(frame.content().retain()));
            }
        } finally {
            frame.release();
        }
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    /** One message; the bytes are UTF-8. */
    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        if (closed) {
            throw new IOException("the answer was closed already");
        }
        exchange.writeMessage(
                new TextWebSocketFrame(exchange.buffer(length).writeBytes(bytes, offset, length)), length);
    }

    @Override
    public void close() throws IOException {
        if (!closed) {
            closed = true;
            exchange.writeLastMessage(new CloseWebSocketFrame(1000, ""));
        }
    }
}
