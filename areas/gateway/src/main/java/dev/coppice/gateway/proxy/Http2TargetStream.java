package dev.coppice.gateway.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpContent;
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
        int id = on.nextStream();
        if (id > 0) {
            ChannelHandlerContext context = on.handler.context();
            var _ = on.handler
                    .encoder()
                    .writeHeaders(context, id, Http2Messages.head(head, on.secure()), 0, end, context.newPromise());
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
            HttpResponse head = Http2Messages.response(0, headers);
            int code = head.status().code();
            if (code == HttpResponseStatus.SWITCHING_PROTOCOLS.code() || code < 200 && end) {
                throw Http2Exception.connectionError(Http2Error.PROTOCOL_ERROR, "an interim answer that is the last");
            }
            answering = code >= 200;
            current.response(head);
            if (end && attempt == current) {
                last(current, LastHttpContent.EMPTY_LAST_CONTENT);
            }
        } catch (Http2Exception e) {
            failed(Attempt.Failure.MALFORMED);
            close();
        }
    }

    /**
     * Takes a part of the answer over.
     *
     * @return how many of the bytes the endpoint may send once more at once
     */
    int data(ByteBuf data, int size, boolean end) {
        Attempt current = attempt;
        if (current == null || !answering) {
            data.release();
            return size;
        }
        if (end) {
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

    void readComplete() {
        Attempt current = attempt;
        if (current != null) {
            current.readComplete();
        }
    }

    void writableAgain() {
        Attempt current = attempt;
        if (current != null) {
            current.writable(writable());
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
