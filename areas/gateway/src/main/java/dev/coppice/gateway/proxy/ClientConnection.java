package dev.coppice.gateway.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandler;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.ssl.SniCompletionEvent;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A client's connection. Its requests are served one after the other; what a client sends ahead waits here, and no more is read
 * meanwhile. Used on its event loop only.
 */
final class ClientConnection extends Chain.Member<ClientConnection> implements ChannelInboundHandler {
    private static final long LINGER_NANOS = 2_000_000_000L;

    private final EventLoopState state;
    private final Port port;
    private final Channel channel;
    final String address;
    private @Nullable String serverName;
    private @Nullable Exchange current;
    private @Nullable Deque<Object> ahead;
    private @Nullable Tunnel tunnel;
    private long idleSince;
    private boolean lingering;
    private boolean draining;
    private boolean opened;

    ClientConnection(EventLoopState state, Port port, Channel channel) {
        this.state = state;
        this.port = port;
        this.channel = channel;
        this.idleSince = state.now();
        this.address = channel.remoteAddress() instanceof InetSocketAddress remote
                ? remote.getAddress().getHostAddress()
                : "";
    }

    EventLoopState state() {
        return state;
    }

    Port port() {
        return port;
    }

    Channel channel() {
        return channel;
    }

    boolean draining() {
        return draining;
    }

    void reading(boolean on) {
        if (channel.config().isAutoRead() != on) {
            var _ = channel.config().setAutoRead(on);
        }
    }

    void close() {
        var _ = channel.close();
    }

    void closeAfterFlush() {
        var _ = channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }

    /** Its listener is gone: it ends with its next answer, or now when it has nothing to do. */
    void drain() {
        draining = true;
        if (current == null && tunnel == null) {
            close();
        }
    }

    /** Closes when nothing came for long, or when a client that was answered early still sends. */
    void checkIdle(long now) {
        Tunnel through = tunnel;
        if (through != null) {
            if (now - through.lastNanos() > state.plane.options.tunnelIdle().toNanos()) {
                close();
            }
            return;
        }
        long limit = lingering ? LINGER_NANOS : state.plane.options.clientIdle().toNanos();
        if (current == null && now - idleSince > limit) {
            close();
        }
    }

    void tunnel(Tunnel through) {
        tunnel = through;
        current = null;
        var _ = channel.pipeline().remove(HttpServerCodec.class);
        Deque<Object> waiting = ahead;
        while (waiting != null && !waiting.isEmpty()) {
            ReferenceCountUtil.release(waiting.poll());
        }
    }

    /**
     * The exchange is over.
     *
     * @param keep whether another request may follow
     * @param requestComplete whether the client has sent all of its request
     */
    void ended(Exchange exchange, boolean keep, boolean requestComplete) {
        if (current != exchange) {
            return;
        }
        current = null;
        idleSince = state.now();
        if (!channel.isActive()) {
            return;
        }
        if (!keep || draining) {
            if (requestComplete) {
                closeAfterFlush();
            } else {
                linger();
            }
            return;
        }
        reading(true);
        if (ahead != null && !ahead.isEmpty()) {
            channel.eventLoop().execute(this::readAhead);
        }
    }

    /** Closing at once would reset the connection before the client has read its answer (RFC 9112, 9.6). */
    private void linger() {
        lingering = true;
        channel.flush();
        reading(true);
        if (channel instanceof io.netty.channel.socket.DuplexChannel duplex) {
            var _ = duplex.shutdownOutput();
        }
    }

    private void readAhead() {
        Deque<Object> waiting = ahead;
        while (waiting != null && !waiting.isEmpty() && channel.isActive() && !busy()) {
            take(waiting.poll());
        }
        if (waiting == null || waiting.isEmpty()) {
            reading(true);
        }
        Exchange now = current;
        if (now != null) {
            now.requestReadComplete();
        }
    }

    /** Whether the present request has come whole, so that what follows has to wait. */
    private boolean busy() {
        Exchange now = current;
        return now != null && now.requestComplete();
    }

    private void take(Object message) {
        Exchange now = current;
        if (message instanceof HttpRequest request && now == null) {
            Exchange begun = new Exchange(this, request);
            current = begun;
            begun.begin();
            if (!(message instanceof LastHttpContent)) {
                return;
            }
            now = current;
        }
        if (message instanceof HttpContent content && now != null) {
            now.requestContent(content);
        } else {
            ReferenceCountUtil.release(message);
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        Tunnel through = tunnel;
        if (through != null) {
            if (message instanceof ByteBuf bytes) {
                through.fromClient(bytes);
            } else {
                ReferenceCountUtil.release(message);
            }
            return;
        }
        if (lingering || !(message instanceof HttpObject)) {
            ReferenceCountUtil.release(message);
            return;
        }
        Deque<Object> waiting = ahead;
        if (busy() && message != LastHttpContent.EMPTY_LAST_CONTENT || waiting != null && !waiting.isEmpty()) {
            if (waiting == null) {
                waiting = new ArrayDeque<>();
                ahead = waiting;
            }
            // Bounded by what one read gives, since reading stops.
            waiting.add(message);
            reading(false);
            return;
        }
        take(message);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        Exchange now = current;
        if (now != null) {
            now.requestReadComplete();
        } else if (tunnel != null) {
            tunnel.flushTarget();
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        Exchange now = current;
        if (now != null) {
            now.clientWritable(channel.isWritable());
        } else if (tunnel != null) {
            tunnel.clientWritable(channel.isWritable());
        }
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        opened = true;
        state.opened(this);
        port.opened();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        gone();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        gone();
    }

    private void gone() {
        if (!opened) {
            return;
        }
        opened = false;
        state.closed(this);
        port.closed();
        Exchange now = current;
        current = null;
        if (now != null) {
            now.clientGone();
        }
        if (tunnel != null) {
            tunnel.clientClosed();
        }
        Deque<Object> waiting = ahead;
        while (waiting != null && !waiting.isEmpty()) {
            ReferenceCountUtil.release(waiting.poll());
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        boolean theirs = cause instanceof IOException || cause instanceof DecoderException;
        if (!theirs) {
            state.plane.unexpected(cause);
        }
        close();
    }

    @Override
    public void channelRegistered(ChannelHandlerContext context) {}

    @Override
    public void channelUnregistered(ChannelHandlerContext context) {}

    @Override
    public void channelActive(ChannelHandlerContext context) {}

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof SniCompletionEvent named) {
            String name = named.hostname();
            serverName = name == null ? "" : name.toLowerCase(Locale.ROOT);
        }
        if (event instanceof SslHandshakeCompletionEvent shaken && !shaken.isSuccess()) {
            state.plane.metrics.refused.labelValues("handshake").inc();
        }
        ReferenceCountUtil.release(event);
    }

    /** The name by which the client asked for a certificate; empty when it named none; null for plain HTTP. */
    @Nullable
    String serverName() {
        return serverName;
    }
}
