package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.ContentConfig.Encoding;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import org.jspecify.annotations.Nullable;

/**
 * The answer to one request on its way to the client: how it is framed, and whether its connection is kept. Used on its event loop only.
 *
 * <p>RFC 9112, 6 and 9.
 */
final class Answer {
    /** Bytes of a body that are copied in order to write them with the head. */
    private static final int SMALL = 4096;

    private final ClientStream client;
    private final RequestBody requestBody;
    private final boolean http10;

    private @Nullable HttpResponse pendingHead;
    private @Nullable HttpHeaders headers;
    /** Null: the body goes as it is. */
    private @Nullable BodyEncoder encoder;

    private boolean keepAlive;
    private boolean begun;
    private boolean complete;
    private int status;
    private long bytes;

    Answer(ClientStream client, RequestBody requestBody, boolean http10) {
        this.client = client;
        this.requestBody = requestBody;
        this.http10 = http10;
    }

    /** Whether the client wants its connection kept; until this is said it is not. */
    void keepAlive(boolean wanted) {
        keepAlive = wanted;
    }

    /** The connection is kept only if the client has sent all of its request. */
    void keepIfRequestComplete() {
        keepAlive &= requestBody.complete();
    }

    /** Whether another request may come on the connection. */
    boolean keepsConnection() {
        return keepAlive && requestBody.complete();
    }

    /** Whether its head was given. */
    boolean begun() {
        return begun;
    }

    /** Whether all of it was written. */
    boolean complete() {
        return complete;
    }

    /** As what it counts; 0 before it has begun. */
    int status() {
        return status;
    }

    /** The client went before it began. */
    void status(int code) {
        status = code;
    }

    /** Of its body. */
    long bytes() {
        return bytes;
    }

    /** Null before it has begun. */
    @Nullable
    HttpHeaders headers() {
        return headers;
    }

    /** What the client speaks, if that is not HTTP/2. */
    String protocol() {
        return http10 ? "HTTP/1.0" : "HTTP/1.1";
    }

    /** An interim answer (RFC 9110, 15.2), which clients of HTTP/1.0 do not know. */
    void interim(HttpResponse head) {
        if (!http10 && !begun) {
            HopByHop.strip(head.headers());
            head.setProtocolVersion(HttpVersion.HTTP_1_1);
            client.interim(head);
        }
    }

    /** Its body, of which nothing was given yet, is to be compressed; clients of HTTP/1.0 get it as it is. */
    void compress(Compression compression, @Nullable String accepted, HttpResponse head, boolean toHead) {
        if (!http10) {
            Encoding encoding = compression.begin(accepted, head);
            if (encoding != null && !toHead) {
                client.state()
                        .plane
                        .metrics
                        .compressed
                        .labelValues(encoding.token())
                        .inc();
                encoder = new BodyEncoder(encoding, ByteBufAllocator.DEFAULT);
            }
        }
    }

    /** Makes a head say what it would say if its body were sent. */
    void describe(Compression compression, @Nullable String accepted, HttpResponse head) {
        if (!http10) {
            compression.begin(accepted, head);
        }
    }

    /** The head of an endpoint's answer, whose headers of the connection were taken out. It waits for what else comes with one read. */
    void begin(HttpResponse head, boolean toHead) {
        begun = true;
        status = head.status().code();
        headers = head.headers();
        boolean bodyFollows = !toHead && status != 204 && status != 304;
        if (bodyFollows && !HttpUtil.isContentLengthSet(head) && !HttpUtil.isTransferEncodingChunked(head)) {
            if (http10) {
                keepAlive = false;
            } else {
                HttpUtil.setTransferEncodingChunked(head, true);
            }
        } else if (http10 && HttpUtil.isTransferEncodingChunked(head)) {
            HttpUtil.setTransferEncodingChunked(head, false);
            keepAlive = false;
        }
        head.setProtocolVersion(HttpVersion.HTTP_1_1);
        connectionHeader(head.headers());
        pendingHead = head;
    }

    /** Takes a part of the body over. */
    void content(HttpContent part) {
        BodyEncoder through = encoder;
        if (through == null) {
            write(part);
            return;
        }
        through.take(part.content());
        if (part instanceof LastHttpContent last) {
            encoder = null;
            write(new DefaultLastHttpContent(through.finished(), last.trailingHeaders()));
        }
    }

    private void write(HttpContent part) {
        bytes += part.content().readableBytes();
        boolean last = part instanceof LastHttpContent;
        client.write(joined(part, last));
        complete |= last;
    }

    /** Sends what was given. */
    void flush() {
        if (encoder != null) {
            ByteBuf compressed = encoder.flushed();
            if (compressed.isReadable()) {
                write(new DefaultHttpContent(compressed));
            }
        }
        writeHead();
        client.flush();
    }

    /** Gives back what it holds, whether all of it was written or not. */
    void release() {
        if (encoder != null) {
            encoder.close();
            encoder = null;
        }
    }

    /**
     * A whole answer of the gateway's own.
     *
     * @param code as which it counts
     */
    void whole(DefaultFullHttpResponse answer, int code) {
        begun = true;
        complete = true;
        status = code;
        headers = answer.headers();
        connectionHeader(answer.headers());
        bytes = answer.content().readableBytes();
        client.write(answer);
        client.flush();
    }

    /** The protocol changes, with this head. */
    void switching(HttpResponse head) {
        begun = true;
        status = HttpResponseStatus.SWITCHING_PROTOCOLS.code();
        String protocol = head.headers().get(HttpHeaderNames.UPGRADE);
        HopByHop.strip(head.headers());
        head.setProtocolVersion(HttpVersion.HTTP_1_1);
        head.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.UPGRADE);
        if (protocol != null) {
            head.headers().set(HttpHeaderNames.UPGRADE, protocol);
        }
        client.write(head);
        client.flush();
    }

    private void writeHead() {
        HttpResponse head = pendingHead;
        if (head != null) {
            pendingHead = null;
            client.write(head);
        }
    }

    /** A small answer is written in one piece. */
    private HttpObject joined(HttpContent part, boolean last) {
        HttpResponse head = pendingHead;
        if (head == null || !last || part.content().readableBytes() > SMALL) {
            writeHead();
            return part;
        }
        pendingHead = null;
        return new DefaultFullHttpResponse(
                head.protocolVersion(),
                head.status(),
                part.content(),
                head.headers(),
                ((LastHttpContent) part).trailingHeaders());
    }

    private void connectionHeader(HttpHeaders headers) {
        if (!requestBody.complete() || client.draining()) {
            keepAlive = false;
        }
        if (!keepAlive) {
            headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        } else if (http10) {
            headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.KEEP_ALIVE);
        }
    }
}
