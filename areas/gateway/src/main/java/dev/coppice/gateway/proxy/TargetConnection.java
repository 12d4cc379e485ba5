package dev.coppice.gateway.proxy;

import dev.coppice.gateway.http1.Http1Codec;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import org.jspecify.annotations.Nullable;

/** A connection of HTTP/1.1 to an endpoint; serves one attempt at a time. Used on its event loop only. */
final class TargetConnection extends ChannelInboundHandlerAdapter implements TargetStream {
    private final Http1TargetPool pool;
    private final EventLoopState state;
    private @Nullable Channel channel;
    private @Nullable Attempt attempt;
    private @Nullable Tunnel tunnel;
    private boolean keepAlive;
    private boolean closeDelimited;
    private boolean interim;
    private boolean requestSent;
    private int served;
    private long idleSince;

    TargetConnection(Http1TargetPool pool, EventLoopState state) {
        this.pool = pool;
        this.state = state;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        channel = context.channel();
    }

    Channel channel() {
        Channel current = channel;
        if (current == null) {
            throw new IllegalStateException("there is no channel yet");
        }
        return current;
    }

    Upstream.Target target() {
        return pool.target();
    }

    boolean usable() {
        return channel().isActive();
    }

    void idleSince(long nanos) {
        idleSince = nanos;
    }

    long idleSince() {
        return idleSince;
    }

    void serve(Attempt next, boolean reused) {
        attempt = next;
        keepAlive = false;
        requestSent = false;
        interim = false;
        served++;
        target().metrics.requests.inc();
        next.connected(this, reused);
    }

    @Override
    public void write(HttpObject part) {
        if (part instanceof LastHttpContent) {
            requestSent = true;
        }
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

    @Override
    public long backlog() {
        return channel().bytesBeforeWritable();
    }

    @Override
    public void reading(boolean on) {
        if (channel().config().isAutoRead() != on) {
            var _ = channel().config().setAutoRead(on);
        }
    }

    @Override
    public boolean endsWithConnection() {
        return closeDelimited;
    }

    @Override
    public void close() {
        attempt = null;
        var _ = channel().close();
    }

    @Override
    public void timedOut() {
        close();
    }

    @Override
    public void send(ByteBuf bytes) {
        var _ = channel().write(bytes, channel().voidPromise());
    }

    @Override
    public void finish() {
        attempt = null;
        var _ = channel().writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    public void upgrade(HttpRequest request) {
        write(RequestBody.whole(request));
    }

    @Override
    public void tunnel(Tunnel through) {
        attempt = null;
        tunnel = through;
        Http1Codec.remove(channel().pipeline());
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        Tunnel through = tunnel;
        if (through != null && message instanceof ByteBuf bytes) {
            through.received(this, bytes);
            return;
        }
        Attempt current = attempt;
        if (current == null || !(message instanceof HttpObject part)) {
            ReferenceCountUtil.release(message);
            if (current == null && tunnel == null && message != LastHttpContent.EMPTY_LAST_CONTENT) {
                // Nobody asked for anything.
                var _ = context.close();
            }
            return;
        }
        if (part.decoderResult().isFailure() || part instanceof HttpResponse answer && !speaksHttp1(answer)) {
            ReferenceCountUtil.release(message);
            fail(current, Attempt.Failure.MALFORMED);
            return;
        }
        if (message instanceof HttpResponse head) {
            interim = head.status().codeClass() == HttpStatusClass.INFORMATIONAL
                    && head.status().code() != HttpResponseStatus.SWITCHING_PROTOCOLS.code();
            if (!interim) {
                closeDelimited = closeDelimited(head);
                keepAlive = HttpUtil.isKeepAlive(head) && !closeDelimited;
            }
            current.response(head);
        }
        if (message instanceof HttpContent content) {
            if (interim) {
                ReferenceCountUtil.release(content);
                interim = !(content instanceof LastHttpContent);
                return;
            }
            boolean last = content instanceof LastHttpContent;
            current.content(content);
            if (last && attempt == current && requestSent) {
                done();
            }
        }
    }

    /** Netty reads any version and any number as a status, which has three digits (RFC 9112, 4). */
    private static boolean speaksHttp1(HttpResponse head) {
        int code = head.status().code();
        return head.protocolVersion().majorVersion() == 1 && code >= 100 && code <= 999;
    }

    /** An answer without a length that lasts until the connection ends. */
    private static boolean closeDelimited(HttpResponse head) {
        return !HttpUtil.isTransferEncodingChunked(head)
                && !HttpUtil.isContentLengthSet(head)
                && head.status().code() >= 200
                && head.status().code() != 204
                && head.status().code() != 304;
    }

    /** Request and answer are complete. */
    private void done() {
        attempt = null;
        if (keepAlive && channel().isActive() && target().guard().serves(served)) {
            reading(true);
            pool.give(this);
        } else {
            var _ = channel().close();
        }
    }

    private void fail(Attempt current, Attempt.Failure failure) {
        attempt = null;
        target().metrics.failed(failure.word);
        var _ = channel().close();
        current.failed(failure);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        Attempt current = attempt;
        if (current != null) {
            current.readComplete();
        } else if (tunnel != null) {
            tunnel.readComplete(this);
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        Attempt current = attempt;
        if (current != null) {
            current.writable(context.channel().isWritable());
        } else if (tunnel != null) {
            tunnel.writable(this, context.channel().isWritable());
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        pool.closed(this);
        Attempt current = attempt;
        if (current != null) {
            fail(current, Attempt.Failure.RESET);
        } else if (tunnel != null) {
            tunnel.ended(this);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        Attempt current = attempt;
        if (current != null) {
            fail(current, Attempt.Failure.RESET);
        } else {
            var _ = context.close();
        }
    }

    EventLoopState state() {
        return state;
    }
}
