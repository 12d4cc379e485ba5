package dev.coppice.gateway.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.util.ReferenceCountUtil;
import org.jspecify.annotations.Nullable;

/** A stream of a client's HTTP/2: one request and its answer. Used on its event loop only. */
final class Http2ClientStream implements ClientStream {
    private final Http2ClientConnection from;
    private final Http2Stream stream;
    private @Nullable Exchange exchange;
    /** Bytes of the body for which the client gets no room while nobody takes them. */
    private int held;

    private @Nullable ChannelFuture last;
    private boolean reading = true;
    private boolean closed;
    private long endedNanos;
    boolean touched;

    Http2ClientStream(Http2ClientConnection from, Http2Stream stream) {
        this.from = from;
        this.stream = stream;
    }

    // ---- what the client sends

    void begin(HttpRequest request, boolean end) {
        Exchange begun = new Exchange(this, request);
        exchange = begun;
        begun.begin();
        if (end) {
            content(LastHttpContent.EMPTY_LAST_CONTENT);
        }
    }

    /** Takes a part of the request over. */
    void content(HttpContent part) {
        Exchange current = exchange;
        if (current == null) {
            part.release();
        } else {
            current.requestContent(part);
        }
    }

    /** Of so many bytes that came, those that the client may send once more at once. */
    int consumed(int bytes) {
        if (reading) {
            return bytes;
        }
        held += bytes;
        return 0;
    }

    void readComplete() {
        Exchange current = exchange;
        if (current != null) {
            current.requestReadComplete();
        }
    }

    void writableAgain() {
        Exchange current = exchange;
        if (current != null) {
            current.clientWritable(writable());
        }
    }

    /** The stream, or its connection, is closed. */
    void gone() {
        closed = true;
        Exchange current = exchange;
        if (current != null) {
            current.clientGone();
        }
    }

    /** Gives an answer up that the client does not take. */
    void checkTaken(long now, long limit) {
        if (exchange == null && now - endedNanos > limit) {
            from.handler.reset(stream.id(), Http2Error.CANCEL.code());
        }
    }

    // ---- what the exchange wants

    @Override
    public EventLoopState state() {
        return from.state();
    }

    @Override
    public Port port() {
        return from.port();
    }

    @Override
    public String address() {
        return from.address();
    }

    @Override
    public byte[] addressBytes() {
        return from.addressBytes();
    }

    @Override
    public PeerCertificates peerCertificates() {
        return from.peerCertificates();
    }

    @Override
    public @Nullable String serverName() {
        return from.serverName();
    }

    @Override
    public boolean draining() {
        return from.draining();
    }

    @Override
    public void interim(HttpResponse head) {
        if (!closed) {
            headers(Http2Messages.head(head), false);
            flush();
        }
    }

    @Override
    public void write(HttpObject part) {
        if (closed) {
            ReferenceCountUtil.release(part);
            return;
        }
        switch (part) {
            case FullHttpResponse whole -> {
                Http2Headers trailers = Http2Messages.trailers(whole);
                boolean empty = !whole.content().isReadable();
                headers(Http2Messages.head(whole), empty && trailers == null);
                if (empty) {
                    whole.release();
                } else {
                    data(whole.content(), trailers == null);
                }
                if (trailers != null) {
                    headers(trailers, true);
                }
            }
            case HttpResponse head -> headers(Http2Messages.head(head), false);
            case LastHttpContent last -> {
                Http2Headers trailers = Http2Messages.trailers(last);
                if (trailers == null || last.content().isReadable()) {
                    data(last.content(), trailers == null);
                } else {
                    last.release();
                }
                if (trailers != null) {
                    headers(trailers, true);
                }
            }
            case HttpContent content -> data(content.content(), false);
            default -> ReferenceCountUtil.release(part);
        }
    }

    private void headers(Http2Headers headers, boolean end) {
        ChannelHandlerContext context = from.handler.context();
        last = from.handler.encoder().writeHeaders(context, stream.id(), headers, 0, end, context.newPromise());
    }

    private void data(ByteBuf bytes, boolean end) {
        ChannelHandlerContext context = from.handler.context();
        last = from.handler.encoder().writeData(context, stream.id(), bytes, 0, end, context.newPromise());
    }

    @Override
    public void flush() {
        from.handler.flushSoon();
    }

    @Override
    public boolean writable() {
        return closed || from.handler.encoder().flowController().isWritable(stream);
    }

    @Override
    public void reading(boolean on) {
        reading = on;
        if (on && held > 0 && !closed) {
            int now = held;
            held = 0;
            from.handler.consume(stream, now);
        }
    }

    @Override
    public void abort() {
        reset(Http2Error.INTERNAL_ERROR);
    }

    private void reset(Http2Error code) {
        if (!closed) {
            from.handler.reset(stream.id(), code.code());
        }
    }

    @Override
    public void ended(Exchange over, boolean keep, boolean requestComplete) {
        exchange = null;
        endedNanos = state().now();
        from.ended();
        if (!requestComplete && over.answered() && last != null) {
            // The answer is whole without the rest of the request (RFC 9113, 8.1). What waits of it has to go first.
            last.addListener(_ -> reset(Http2Error.NO_ERROR));
        }
    }

    @Override
    public @Nullable ClientConnection upgradable() {
        return null;
    }
}
