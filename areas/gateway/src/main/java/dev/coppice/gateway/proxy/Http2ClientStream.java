package dev.coppice.gateway.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Objects;
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

    /** Whether it asks for a WebSocket, or is one. */
    private boolean connecting;
    /** What the client sent before it became one; no more than a stream's window. */
    private final Deque<HttpContent> early = new ArrayDeque<>(0);

    private @Nullable Tunnel tunnel;

    Http2ClientStream(Http2ClientConnection from, Http2Stream stream) {
        this.from = from;
        this.stream = stream;
    }

    // ---- what the client sends

    /** @param connect whether it asks for a WebSocket by extended CONNECT */
    void begin(HttpRequest request, boolean end, boolean connect) {
        connecting = connect;
        reading = !connect;
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
        Tunnel through = tunnel;
        if (through != null) {
            pass(through, part);
        } else if (current == null) {
            part.release();
        } else if (connecting) {
            early.add(part);
        } else {
            current.requestContent(part);
        }
    }

    private void pass(Tunnel through, HttpContent part) {
        through.received(this, part.content());
        if (part instanceof LastHttpContent) {
            through.ended(this);
            finish();
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
        } else if (tunnel != null) {
            tunnel.readComplete(this);
        }
    }

    void writableAgain() {
        Exchange current = exchange;
        if (current != null) {
            current.clientWritable(writable());
        } else if (tunnel != null) {
            tunnel.writable(this, writable());
        }
    }

    /** The stream, or its connection, is closed. */
    void gone() {
        closed = true;
        Exchange current = exchange;
        if (current != null) {
            current.clientGone();
        }
        Tunnel through = tunnel;
        if (through != null) {
            through.ended(this);
            leaveTunnel();
        }
        releaseEarly();
    }

    private void releaseEarly() {
        for (HttpContent each = early.poll(); each != null; each = early.poll()) {
            each.release();
        }
    }

    private void leaveTunnel() {
        if (tunnel != null) {
            tunnel = null;
            endedNanos = state().now();
            from.ended();
        }
    }

    /** Gives an answer up that the client does not take. */
    void checkTaken(long now, long limit) {
        if (exchange == null && tunnel == null && now - endedNanos > limit) {
            from.handler.reset(stream.id(), Http2Error.CANCEL.code());
        }
    }

    // ---- what the exchange wants

    @Override
    public EventLoopState state() {
        return from.state();
    }

    @Override
    public Client connection() {
        return from;
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
            case HttpResponse head -> headers(head(head), false);
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

    /** That there is a WebSocket is told by 200 (RFC 8441, 5). */
    private static Http2Headers head(HttpResponse response) {
        Http2Headers head = Http2Messages.head(response);
        if (response.status().code() == HttpResponseStatus.SWITCHING_PROTOCOLS.code()) {
            head.status(HttpResponseStatus.OK.codeAsText());
            head.remove(HttpHeaderNames.SEC_WEBSOCKET_ACCEPT);
        }
        return head;
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
        if (on && connecting && tunnel == null) {
            // What comes before it is a WebSocket waits here, and is bounded by the stream's window only.
            return;
        }
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
        releaseEarly();
        if ((!requestComplete || connecting) && over.answered() && last != null) {
            // The answer is whole without the rest of the request (RFC 9113, 8.1). What waits of it has to go first.
            last.addListener(_ -> reset(Http2Error.NO_ERROR));
        }
    }

    @Override
    public boolean upgradable() {
        return connecting;
    }

    @Override
    public boolean connecting() {
        return connecting;
    }

    // ---- as a side of a tunnel

    @Override
    public void leave() {
        exchange = null;
    }

    @Override
    public void tunnel(Tunnel through) {
        tunnel = through;
        if (closed) {
            through.ended(this);
            leaveTunnel();
            return;
        }
        reading(true);
        // May stop it again.
        for (HttpContent each = early.poll(); each != null && tunnel != null; each = early.poll()) {
            pass(through, each);
        }
        through.readComplete(this);
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
        if (tunnel != null && !closed) {
            data(Unpooled.EMPTY_BUFFER, true);
            flush();
            // What waits has to go first.
            Objects.requireNonNull(last).addListener(_ -> reset(Http2Error.NO_ERROR));
        }
        leaveTunnel();
    }
}
