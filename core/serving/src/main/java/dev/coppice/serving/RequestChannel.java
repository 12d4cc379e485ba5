package dev.coppice.serving;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The requests of an HTTP/1.1 connection, one after the other, or the one request of an HTTP/2 stream. Runs on the I/O
 * thread; hands each request to a handler thread. Reads are asked for one by one; one stands out while a handler works, so
 * that a client that goes is noticed.
 */
final class RequestChannel extends ChannelInboundHandlerAdapter {
    private static final long LINGER_MILLIS = 1_000;

    private final HttpEngine engine;
    private final Channel connection;
    private final ConnectionGuard guard;
    private final boolean http1;
    private @Nullable NettyExchange current;
    private @Nullable HttpRequest next;
    private final ArrayDeque<Object> inbox = new ArrayDeque<>(4);
    private @Nullable ChannelHandlerContext context;
    private boolean wanted;
    private boolean pumping;

    /** @param connection the TCP connection, which is the channel itself in HTTP/1.1 */
    RequestChannel(HttpEngine engine, Channel connection, ConnectionGuard guard, boolean http1) {
        this.engine = engine;
        this.connection = connection;
        this.guard = guard;
        this.http1 = http1;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        context = ctx;
        if (ctx.channel().isActive()) {
            want();
        }
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        for (Object left = inbox.poll(); left != null; left = inbox.poll()) {
            ReferenceCountUtil.release(left);
        }
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        want();
    }

    /** Asks for one more message: one that waits, or else the next to be read. On the I/O thread. */
    void want() {
        wanted = true;
        pump();
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        inbox.add(message);
        pump();
    }

    /** Delivers what is wanted, without recursion however small the messages are. */
    private void pump() {
        if (pumping) {
            return;
        }
        pumping = true;
        try {
            while (wanted) {
                Object message = inbox.poll();
                if (message == null) {
                    // An HTTP/2 stream may deliver from inside this call.
                    Objects.requireNonNull(context).read();
                    message = inbox.poll();
                }
                if (message == null) {
                    return;
                }
                wanted = false;
                deliver(Objects.requireNonNull(context), message);
            }
        } finally {
            pumping = false;
        }
    }

    private void deliver(ChannelHandlerContext ctx, Object message) {
        if (message instanceof HttpRequest request) {
            if (current != null) {
                next = request;
                return;
            }
            begin(ctx, request);
        }
        if (message instanceof WebSocketFrame frame) {
            WebSocketAnswer.received(ctx, frame);
            want();
            return;
        }
        if (!(message instanceof HttpContent content)) {
            return;
        }
        NettyExchange exchange = current;
        if (exchange == null) {
            content.release();
            return;
        }
        boolean last = content instanceof LastHttpContent;
        if (!exchange.put(content)) {
            ctx.channel().close();
        } else if (last) {
            want();
        }
    }

    private void begin(ChannelHandlerContext ctx, HttpRequest request) {
        guard.began();
        if (request.decoderResult().isFailure()) {
            refuse(ctx, request.decoderResult().cause());
            return;
        }
        RequestTarget target;
        try {
            target = RequestTarget.parse(request.uri());
        } catch (RequestTarget.MalformedException e) {
            refuse(ctx, HttpResponseStatus.BAD_REQUEST, e.getMessage());
            return;
        }
        NettyExchange exchange = new NettyExchange(engine, this, ctx, connection, request, target);
        current = exchange;
        engine.exchanges.add(exchange);
        engine.metrics.inFlight.labelValues(engine.options.name()).inc();
        if (!(request instanceof HttpContent) && !HttpUtil.is100ContinueExpected(request)) {
            want();
        }
        try {
            engine.handlers.execute(exchange::run);
        } catch (RejectedExecutionException e) {
            ended(exchange, ctx, false, null);
        }
    }

    /** On the I/O thread, after the answer was handed to the channel: goes on with the connection, or ends it. */
    void ended(NettyExchange exchange, ChannelHandlerContext ctx, boolean keep, @Nullable ChannelFuture lastWrite) {
        engine.exchanges.remove(exchange);
        engine.metrics.inFlight.labelValues(engine.options.name()).dec();
        if (current != exchange) {
            return;
        }
        if (!keep || lastWrite == null) {
            close(exchange, ctx, lastWrite);
        } else if (exchange.discardBody()) {
            proceed(exchange, ctx);
        } else if (http1) {
            exchange.whenBodyComplete(() -> proceed(exchange, ctx));
        } else {
            close(exchange, ctx, lastWrite);
        }
    }

    private void close(NettyExchange exchange, ChannelHandlerContext ctx, @Nullable ChannelFuture lastWrite) {
        if (http1) {
            guard.closing();
        } else {
            guard.ended();
        }
        if (lastWrite == null) {
            ctx.channel().close();
        } else if (!http1 || exchange.bodyComplete()) {
            lastWrite.addListener(ChannelFutureListener.CLOSE);
        } else {
            // Closing now, with the client still sending, would destroy the answer on its way (RFC 9112, 9.6).
            exchange.linger();
            exchange.whenBodyComplete(() -> lastWrite.addListener(ChannelFutureListener.CLOSE));
            lastWrite.addListener(written ->
                    ctx.executor().schedule(() -> ctx.channel().close(), LINGER_MILLIS, TimeUnit.MILLISECONDS));
        }
    }

    private void proceed(NettyExchange exchange, ChannelHandlerContext ctx) {
        if (current != exchange) {
            return;
        }
        current = null;
        guard.ended();
        HttpRequest waiting = next;
        next = null;
        if (waiting != null && ctx.channel().isActive()) {
            begin(ctx, waiting);
        }
    }

    private void refuse(ChannelHandlerContext ctx, @Nullable Throwable cause) {
        HttpResponseStatus status = HttpResponseStatus.BAD_REQUEST;
        String message = "the request is malformed";
        if (cause instanceof TooLongHttpLineException) {
            status = HttpResponseStatus.REQUEST_URI_TOO_LONG;
            message = "the request line is too long";
        } else if (cause instanceof TooLongHttpHeaderException) {
            status = HttpResponseStatus.REQUEST_HEADER_FIELDS_TOO_LARGE;
            message = "the header fields are too large";
        }
        refuse(ctx, status, message);
    }

    private void refuse(ChannelHandlerContext ctx, HttpResponseStatus status, @Nullable String message) {
        DefaultFullHttpResponse response = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1,
                status,
                Unpooled.copiedBuffer(status.code() + " " + message + "\n", StandardCharsets.UTF_8));
        response.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, "text/plain; charset=utf-8")
                .set(HttpHeaderNames.CONTENT_LENGTH, response.content().readableBytes());
        if (http1) {
            response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
            guard.closing();
        } else {
            guard.ended();
        }
        engine.metrics
                .requests
                .labelValues(engine.options.name(), "", "other", Integer.toString(status.code()))
                .inc();
        ctx.writeAndFlush(response).addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) throws Exception {
        NettyExchange exchange = current;
        if (exchange != null) {
            exchange.writabilityChanged();
        }
        super.channelWritabilityChanged(ctx);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        NettyExchange exchange = current;
        if (exchange != null) {
            exchange.clientGone();
            exchange.releaseBody();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        // A broken connection or malformed framing: nothing that could be answered.
        ctx.channel().close();
    }
}
