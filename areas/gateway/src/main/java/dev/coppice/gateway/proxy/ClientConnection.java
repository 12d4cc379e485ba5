package dev.coppice.gateway.proxy;

import dev.coppice.gateway.http1.Http1Codec;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * A client's connection of HTTP/1.1. Its requests are served one after the other; what a client sends ahead waits here, and no more is read
 * meanwhile. Used on its event loop only.
 */
final class ClientConnection extends Client implements ClientStream {
    private static final long LINGER_NANOS = 2_000_000_000L;

    private final @Nullable String serverName;
    private @Nullable Exchange current;
    private @Nullable Deque<Object> ahead;
    private @Nullable Tunnel tunnel;
    private long idleSince;
    private boolean lingering;
    private boolean switching;
    private boolean draining;

    /** @param serverName the name by which the client asked for a certificate, empty when it named none; null for plain HTTP */
    ClientConnection(EventLoopState state, Port port, Channel channel, @Nullable String serverName) {
        super(state, port, channel);
        this.serverName = serverName;
        this.idleSince = state.now();
    }

    @Override
    public boolean draining() {
        return draining;
    }

    void closeAfterFlush() {
        var _ = channel().writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    void drain() {
        draining = true;
        if (current == null && tunnel == null) {
            close();
        }
    }

    /** Also when a client that was answered early still sends. */
    @Override
    void checkIdle(long now) {
        long limit =
                lingering ? LINGER_NANOS : state().plane.options.clientIdle().toNanos();
        if (current == null && tunnel == null && now - idleSince > limit) {
            close();
        }
    }

    @Override
    public void leave() {
        switching = true;
        current = null;
        releaseAhead();
        Http1Codec.remove(channel().pipeline());
    }

    @Override
    public void tunnel(Tunnel through) {
        tunnel = through;
        Deque<Object> waiting = ahead;
        while (waiting != null && !waiting.isEmpty()) {
            if (waiting.poll() instanceof ByteBuf bytes) {
                through.received(this, bytes);
            }
        }
        through.readComplete(this);
    }

    private void releaseAhead() {
        Deque<Object> waiting = ahead;
        while (waiting != null && !waiting.isEmpty()) {
            ReferenceCountUtil.release(waiting.poll());
        }
    }

    private void keepAhead(Object message) {
        Deque<Object> waiting = ahead;
        if (waiting == null) {
            waiting = new ArrayDeque<>();
            ahead = waiting;
        }
        waiting.add(message);
    }

    @Override
    public void interim(HttpResponse head) {
        var _ = channel().write(head, channel().voidPromise());
        var _ = channel().writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT);
    }

    @Override
    public void write(HttpObject part) {
        var _ = channel().write(part, channel().voidPromise());
    }

    @Override
    public void flush() {
        channel().flush();
    }

    @Override
    public boolean writable() {
        return channel().isWritable();
    }

    /** Only the end of the connection says that the answer is not complete. */
    @Override
    public void abort() {
        close();
    }

    @Override
    public boolean upgradable() {
        return true;
    }

    @Override
    public boolean connecting() {
        return false;
    }

    @Override
    public void send(ByteBuf bytes) {
        var _ = channel().write(bytes, channel().voidPromise());
    }

    @Override
    public void finish() {
        closeAfterFlush();
    }

    @Override
    public Client connection() {
        return this;
    }

    @Override
    public void ended(Exchange exchange, boolean keep, boolean requestComplete) {
        if (current != exchange) {
            return;
        }
        current = null;
        idleSince = state().now();
        if (!channel().isActive()) {
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
            channel().eventLoop().execute(this::readAhead);
        }
    }

    /** Closing at once would reset the connection before the client has read its answer (RFC 9112, 9.6). */
    private void linger() {
        lingering = true;
        channel().flush();
        reading(true);
        if (channel() instanceof io.netty.channel.socket.DuplexChannel duplex) {
            var _ = duplex.shutdownOutput();
        }
    }

    private void readAhead() {
        Deque<Object> waiting = ahead;
        while (waiting != null && !waiting.isEmpty() && channel().isActive() && !busy()) {
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
                through.received(this, bytes);
            } else {
                ReferenceCountUtil.release(message);
            }
            return;
        }
        if (switching && message instanceof ByteBuf) {
            keepAhead(message);
            return;
        }
        if (lingering || !(message instanceof HttpObject)) {
            ReferenceCountUtil.release(message);
            return;
        }
        Deque<Object> waiting = ahead;
        if (busy() && message != LastHttpContent.EMPTY_LAST_CONTENT || waiting != null && !waiting.isEmpty()) {
            // Bounded by what one read gives, since reading stops.
            keepAhead(message);
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
            tunnel.readComplete(this);
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        Exchange now = current;
        if (now != null) {
            now.clientWritable(channel().isWritable());
        } else if (tunnel != null) {
            tunnel.writable(this, channel().isWritable());
        }
    }

    @Override
    void gone() {
        Exchange now = current;
        current = null;
        if (now != null) {
            now.clientGone();
        }
        if (tunnel != null) {
            tunnel.ended(this);
        }
        releaseAhead();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        boolean theirs = cause instanceof IOException || cause instanceof DecoderException;
        if (!theirs) {
            state().plane.unexpected(cause);
        }
        close();
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof SslHandshakeCompletionEvent shaken && !shaken.isSuccess()) {
            state().plane.metrics.refused.labelValues("handshake").inc();
        }
        ReferenceCountUtil.release(event);
    }

    @Override
    public @Nullable String serverName() {
        return serverName;
    }
}
