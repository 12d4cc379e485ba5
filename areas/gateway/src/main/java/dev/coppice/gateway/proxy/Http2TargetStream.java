package dev.coppice.gateway.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.util.ReferenceCountUtil;
import org.jspecify.annotations.Nullable;

/** A stream of HTTP/2 to an endpoint: one attempt. Used on its event loop only. */
final class Http2TargetStream implements TargetStream {
    private final Http2TargetConnection on;
    private final long startedNanos;
    private @Nullable Attempt attempt;
    private @Nullable Http2Stream stream;
    /** Bytes of the answer for which the endpoint gets no room while nobody takes them. */
    private int held;

    private long unsent;
    private boolean reading = true;
    private boolean answering;
    private boolean refused;
    private boolean closed;
    boolean touched;
    /** That asks for a WebSocket; null when it does not. */
    private @Nullable HttpRequest upgrade;

    private @Nullable Tunnel tunnel;

    Http2TargetStream(Http2TargetConnection on, Attempt attempt) {
        this.on = on;
        this.attempt = attempt;
        this.startedNanos = on.state().now();
    }

    // ---- what the attempt sends

    @Override
    public void write(HttpObject part) {
        if (closed || attempt == null) {
            ReferenceCountUtil.release(part);
            return;
        }
        switch (part) {
            case FullHttpRequest whole -> {
                open(whole, true);
                whole.release();
            }
            case HttpRequest head -> open(head, false);
            case LastHttpContent last -> {
                Http2Headers trailers = Http2Messages.trailers(last);
                if (trailers == null || last.content().isReadable()) {
                    data(last.content(), trailers == null);
                } else {
                    last.release();
                }
                if (trailers != null) {
                    trailers(trailers);
                }
            }
            case HttpContent content -> data(content.content(), false);
            default -> ReferenceCountUtil.release(part);
        }
    }

    private void open(HttpRequest head, boolean end) {
        open(Http2Messages.head(head, on.secure()), end);
    }

    private void open(Http2Headers head, boolean end) {
        int id = on.nextStream();
        if (id > 0) {
            ChannelHandlerContext context = on.handler.context();
            var _ = on.handler.encoder().writeHeaders(context, id, head, 0, end, context.newPromise());
            stream = on.open(this, id);
        }
        if (stream == null) {
            // Its numbers are used up, or it is about to end. Not told before the attempt has written what it wants to.
            on.retire();
            on.state().loop.execute(() -> {
                refused = true;
                closed();
            });
        }
    }

    @Override
    public void upgrade(HttpRequest request) {
        upgrade = request;
        on.whenSettled(this);
    }

    /** It is known whether the endpoint takes WebSockets. */
    void settled(boolean takes) {
        HttpRequest asking = upgrade;
        if (closed || attempt == null || asking == null) {
            return;
        }
        if (takes) {
            open(Http2Messages.connect(asking, on.secure()), false);
            flush();
        } else {
            // Not before the attempt has got the stream.
            on.state().loop.execute(() -> {
                failed(Attempt.Failure.WEBSOCKET);
                close();
            });
        }
    }

    private void data(ByteBuf bytes, boolean end) {
        Http2Stream to = stream;
        if (to == null) {
            bytes.release();
            return;
        }
        ChannelHandlerContext context = on.handler.context();
        int size = bytes.readableBytes();
        ChannelPromise written = context.newPromise();
        unsent += size;
        var _ = written.addListener(_ -> unsent -= size);
        var _ = on.handler.encoder().writeData(context, to.id(), bytes, 0, end, written);
    }

    private void trailers(Http2Headers trailers) {
        Http2Stream to = stream;
        if (to != null) {
            ChannelHandlerContext context = on.handler.context();
            var _ = on.handler.encoder().writeHeaders(context, to.id(), trailers, 0, true, context.newPromise());
        }
    }

    @Override
    public void flush() {
        on.handler.flushSoon();
    }

    @Override
    public boolean writable() {
        Http2Stream to = stream;
        return closed || to == null || on.handler.encoder().flowController().isWritable(to);
    }

    @Override
    public long backlog() {
        return unsent;
    }

    @Override
    public void reading(boolean on) {
        reading = on;
        Http2Stream from = stream;
        if (on && held > 0 && !closed && from != null) {
            int now = held;
            held = 0;
            this.on.handler.consume(from, now);
        }
    }

    @Override
    public boolean endsWithConnection() {
        return false;
    }

    @Override
    public void close() {
        attempt = null;
        Http2Stream open = stream;
        if (closed) {
            return;
        }
        if (open == null) {
            closed();
        } else {
            on.handler.reset(open.id(), Http2Error.CANCEL.code());
        }
    }

    @Override
    public void timedOut() {
        if (on.readNanos() - startedNanos < 0) {
            // Not a byte came on the whole connection meanwhile: it may be dead.
            on.retire();
        }
        close();
    }

    // ---- what the endpoint sends

    void headers(Http2Headers headers, boolean end) {
        Attempt current = attempt;
        if (current == null) {
            return;
        }
        try {
            if (answering) {
                if (!end) {
                    throw Http2Exception.connectionError(Http2Error.PROTOCOL_ERROR, "headers in the middle of a body");
                }
                last(current, Http2Messages.trailers(0, headers));
                return;
            }
            HttpResponse head = switched(Http2Messages.response(0, headers), end);
            int code = head.status().code();
            if (code == HttpResponseStatus.SWITCHING_PROTOCOLS.code() && upgrade == null || code < 200 && end) {
                throw Http2Exception.connectionError(Http2Error.PROTOCOL_ERROR, "an interim answer that is the last");
            }
            answering = code >= 200 || code == HttpResponseStatus.SWITCHING_PROTOCOLS.code();
            current.response(head);
            if (end && attempt == current) {
                last(current, LastHttpContent.EMPTY_LAST_CONTENT);
            }
        } catch (Http2Exception e) {
            failed(Attempt.Failure.MALFORMED);
            close();
        }
    }

    /** An answer of 2xx to extended CONNECT, as HTTP/1.1 says it: by a key, which HTTP/2 has not (RFC 8441, 5). */
    private HttpResponse switched(HttpResponse head, boolean end) throws Http2Exception {
        HttpRequest asked = upgrade;
        int code = head.status().code();
        if (asked == null || code < 101 || code > 101 && code < 200 || code >= 300) {
            return head;
        }
        if (code == HttpResponseStatus.SWITCHING_PROTOCOLS.code() || end) {
            throw Http2Exception.connectionError(Http2Error.PROTOCOL_ERROR, "no answer to extended CONNECT");
        }
        head.setStatus(HttpResponseStatus.SWITCHING_PROTOCOLS);
        head.headers().set(HttpHeaderNames.UPGRADE, HttpHeaderValues.WEBSOCKET);
        String key = asked.headers().get(HttpHeaderNames.SEC_WEBSOCKET_KEY);
        if (key != null) {
            head.headers().set(HttpHeaderNames.SEC_WEBSOCKET_ACCEPT, WebSocketHandshake.accept(key));
        }
        return head;
    }

    /**
     * Takes a part of the answer over.
     *
     * @return how many of the bytes the endpoint may send once more at once
     */
    int data(ByteBuf data, int size, boolean end) {
        Attempt current = attempt;
        Tunnel through = tunnel;
        if (through != null) {
            pass(through, data, end);
        } else if (current == null || !answering) {
            data.release();
            return size;
        } else if (end) {
            last(current, new DefaultLastHttpContent(data));
        } else {
            current.content(new DefaultHttpContent(data));
        }
        if (reading) {
            return size;
        }
        held += size;
        return 0;
    }

    private void last(Attempt current, LastHttpContent last) {
        current.content(last);
        if (attempt == current) {
            attempt = null;
        }
    }

    private void pass(Tunnel through, ByteBuf data, boolean end) {
        through.received(this, data);
        if (end) {
            through.ended(this);
            finish();
        }
    }

    // ---- as a side of a tunnel

    @Override
    public void tunnel(Tunnel through) {
        attempt = null;
        tunnel = through;
        if (closed) {
            through.ended(this);
        }
    }

    @Override
    public void send(ByteBuf bytes) {
        if (closed) {
            bytes.release();
        } else {
            data(bytes, false);
        }
    }

    @Override
    public void finish() {
        Http2Stream open = stream;
        attempt = null;
        tunnel = null;
        if (closed || open == null) {
            return;
        }
        if (!writable()) {
            on.handler.reset(open.id(), Http2Error.CANCEL.code());
            return;
        }
        // What waits has to go first.
        ChannelHandlerContext context = on.handler.context();
        ChannelPromise written = context.newPromise();
        var _ = written.addListener(_ -> {
            if (!closed) {
                on.handler.reset(open.id(), Http2Error.CANCEL.code());
            }
        });
        var _ = on.handler.encoder().writeData(context, open.id(), Unpooled.EMPTY_BUFFER, 0, true, written);
        flush();
    }

    void readComplete() {
        Attempt current = attempt;
        if (current != null) {
            current.readComplete();
        } else if (tunnel != null) {
            tunnel.readComplete(this);
        }
    }

    void writableAgain() {
        Attempt current = attempt;
        if (current != null) {
            current.writable(writable());
        } else if (tunnel != null) {
            tunnel.writable(this, writable());
        }
    }

    /** The endpoint has not looked at the request. */
    void refused() {
        refused = true;
    }

    /** The stream is over. */
    void closed() {
        if (!closed) {
            closed = true;
            on.ended();
            Tunnel through = tunnel;
            tunnel = null;
            if (through != null) {
                through.ended(this);
            }
            failed(refused ? Attempt.Failure.REFUSED : Attempt.Failure.RESET);
        }
    }

    private void failed(Attempt.Failure failure) {
        Attempt current = attempt;
        attempt = null;
        if (current != null) {
            on.target().metrics.failed(failure.word);
            current.failed(failure);
        }
    }
}
