package dev.coppice.serving;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Closes connections that idle, or that take too long over the head of a request (slow loris). Stands before the HTTP
 * codec; runs on the connection's I/O thread.
 */
final class ConnectionGuard extends ChannelInboundHandlerAdapter {
    private static final int HEAD_SECONDS = 15;
    private static final int HTTP1_IDLE_SECONDS = 120;
    private static final int HTTP2_IDLE_SECONDS = 300;

    /** Tells a connection that its listener stops. */
    enum Draining {
        INSTANCE
    }

    private final HttpEngine engine;
    private int requests;
    private boolean http1;
    private boolean idle;
    private boolean draining;
    private @Nullable ScheduledFuture<?> deadline;
    private @Nullable ChannelHandlerContext context;

    ConnectionGuard(HttpEngine engine) {
        this.engine = engine;
    }

    void http1() {
        http1 = true;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        context = ctx;
        arm(HEAD_SECONDS, "head");
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        disarm();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) throws Exception {
        disarm();
        super.channelInactive(ctx);
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) throws Exception {
        if (http1 && idle && message instanceof ByteBuf) {
            idle = false;
            arm(HEAD_SECONDS, "head");
        }
        super.channelRead(ctx, message);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) throws Exception {
        if (event == Draining.INSTANCE) {
            draining = true;
            if (requests == 0 || !http1) {
                // HTTP/2: sends GOAWAY and closes after the last stream.
                ctx.channel().close();
            }
            return;
        }
        if (event instanceof SslHandshakeCompletionEvent handshake && !handshake.isSuccess()) {
            engine.metrics.handshakeFailures.labelValues(engine.options.name()).inc();
        }
        super.userEventTriggered(ctx, event);
    }

    /** A request's head is complete. */
    void began() {
        requests++;
        idle = false;
        disarm();
    }

    /** A request and its answer are complete. */
    void ended() {
        requests--;
        ChannelHandlerContext ctx = context;
        if (requests > 0 || ctx == null) {
            return;
        }
        if (draining) {
            ctx.channel().close();
            return;
        }
        idle = true;
        arm(http1 ? HTTP1_IDLE_SECONDS : HTTP2_IDLE_SECONDS, "idle");
    }

    /** The connection closes once its last answer is read; a client that never reads it does not hold it for ever. */
    void closing() {
        arm(HTTP1_IDLE_SECONDS, "idle");
    }

    private void arm(int seconds, String phase) {
        disarm();
        ChannelHandlerContext ctx = context;
        if (ctx == null || !ctx.channel().isOpen()) {
            return;
        }
        deadline = ctx.executor()
                .schedule(
                        () -> {
                            if (phase.equals("head")) {
                                engine.metrics
                                        .slowClients
                                        .labelValues(engine.options.name(), phase)
                                        .inc();
                            }
                            ctx.channel().close();
                        },
                        seconds,
                        TimeUnit.SECONDS);
    }

    private void disarm() {
        ScheduledFuture<?> current = deadline;
        if (current != null) {
            current.cancel(false);
            deadline = null;
        }
    }
}
