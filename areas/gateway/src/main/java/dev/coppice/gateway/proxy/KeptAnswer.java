package dev.coppice.gateway.proxy;

import dev.coppice.gateway.cache.Body;
import dev.coppice.gateway.cache.ByteRange;
import dev.coppice.gateway.cache.FieldValues;
import dev.coppice.gateway.cache.Preconditions;
import dev.coppice.gateway.cache.StoredAnswer;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.util.function.Consumer;

/**
 * An answer out of a cache, as one request gets it.
 *
 * @param head of it
 * @param from where in the body it begins
 * @param end where it ends
 */
record KeptAnswer(HttpResponse head, long from, long end) {
    private static final DefaultHttpHeadersFactory HEADERS =
            DefaultHttpHeadersFactory.headersFactory().withValidation(false);

    /**
     * Makes one.
     *
     * @param request with its conditions and its range
     * @param ageSeconds of the answer
     * @param described makes the head of a whole answer the one with which it would be sent
     */
    static KeptAnswer of(
            StoredAnswer kept,
            FieldValues request,
            long nowSeconds,
            long ageSeconds,
            Consumer<HttpResponse> described) {
        long length = kept.body().length();
        if (kept.status() != HttpResponseStatus.OK.code()) {
            return whole(kept, ageSeconds);
        }
        if (Preconditions.notModified(request, kept.fields(), nowSeconds)) {
            HttpResponse head = whole(kept, ageSeconds).head;
            // Its tag is that of the answer that the client would get (RFC 9110, 15.4.5).
            described.accept(head);
            head.setStatus(HttpResponseStatus.NOT_MODIFIED);
            for (String name : head.headers().names()) {
                if (CacheVisit.ofBody(name)) {
                    head.headers().remove(name);
                }
            }
            return new KeptAnswer(head, 0, 0);
        }
        return switch (Preconditions.range(request, kept.fields(), length, nowSeconds)) {
            case ByteRange.Whole _ -> whole(kept, ageSeconds);
            case ByteRange.Part part -> {
                HttpResponse head = head(kept, HttpResponseStatus.PARTIAL_CONTENT, ageSeconds);
                // They are of all of it (RFC 9530, 2).
                head.headers().remove("content-digest").remove("content-md5");
                head.headers()
                        .set(HttpHeaderNames.CONTENT_RANGE, "bytes " + part.first() + "-" + part.last() + "/" + length)
                        .add(HttpHeaderNames.CONTENT_LENGTH, Long.toString(part.last() + 1 - part.first()));
                yield new KeptAnswer(head, part.first(), part.last() + 1);
            }
            case ByteRange.Unsatisfiable _ -> {
                HttpResponse head = new DefaultHttpResponse(
                        HttpVersion.HTTP_1_1, HttpResponseStatus.REQUESTED_RANGE_NOT_SATISFIABLE, HEADERS.newHeaders());
                head.headers()
                        .set(HttpHeaderNames.CONTENT_RANGE, "bytes */" + length)
                        .set(HttpHeaderNames.CONTENT_LENGTH, "0");
                yield new KeptAnswer(head, 0, 0);
            }
        };
    }

    private static KeptAnswer whole(StoredAnswer kept, long ageSeconds) {
        HttpResponseStatus status = HttpResponseStatus.valueOf(kept.status());
        HttpResponse head = head(kept, status, ageSeconds);
        if (status.code() != HttpResponseStatus.NO_CONTENT.code()) {
            head.headers()
                    .set(
                            HttpHeaderNames.CONTENT_LENGTH,
                            Long.toString(kept.body().length()));
        }
        return new KeptAnswer(head, 0, kept.body().length());
    }

    private static HttpResponse head(StoredAnswer kept, HttpResponseStatus status, long ageSeconds) {
        HttpHeaders headers = HEADERS.newHeaders();
        kept.fields().forEach(headers::add);
        headers.add(HttpHeaderNames.AGE, Long.toString(ageSeconds));
        return new DefaultHttpResponse(HttpVersion.HTTP_1_1, status, headers);
    }

    /** The next piece of a body; the last one says so. */
    static HttpContent part(Body body, long at, long end) {
        if (at == end) {
            return LastHttpContent.EMPTY_LAST_CONTENT;
        }
        byte[] piece = body.piece(at);
        int offset = (int) (at % Body.PIECE_BYTES);
        int count = (int) Math.min(piece.length - offset, end - at);
        return at + count == end
                ? new DefaultLastHttpContent(Unpooled.wrappedBuffer(piece, offset, count))
                : new DefaultHttpContent(Unpooled.wrappedBuffer(piece, offset, count));
    }
}
