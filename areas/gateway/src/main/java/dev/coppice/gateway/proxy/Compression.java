package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.ContentConfig;
import dev.coppice.gateway.config.ContentConfig.Encoding;
import dev.coppice.gateway.content.AcceptEncoding;
import dev.coppice.gateway.content.ContentTypes;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.util.AsciiString;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which answers are compressed, and what their heads say then (RFC 9110, 8.4, 8.8.3 and 12.5.3). Immutable. */
final class Compression {
    private static final AsciiString NO_TRANSFORM = AsciiString.cached("no-transform");

    private final List<Encoding> encodings;
    private final ContentTypes types;
    private final int minBytes;

    Compression(ContentConfig.Compression config) {
        this.encodings =
                config.encodings().stream().filter(BodyEncoder::available).toList();
        this.types = new ContentTypes(config.contentTypes());
        this.minBytes = config.minBytes();
    }

    /**
     * Looks at the head of an answer, and changes it to that of a compressed one where it is.
     *
     * @param accepted encodings that the client takes (RFC 9110, 12.5.3); null when it says nothing of them
     * @return null: the body goes as it is
     */
    @Nullable
    Encoding begin(@Nullable String accepted, HttpResponse head) {
        HttpHeaders headers = head.headers();
        int status = head.status().code();
        // A part of a body is not the body of a part; whoever says no-transform means it.
        if (status == 204
                || status == 205
                || status == 206
                || status == 304
                || headers.contains(HttpHeaderNames.CONTENT_ENCODING)
                // Its messages have encodings of their own.
                || GrpcStatus.isGrpc(headers)
                || headers.contains(HttpHeaderNames.CONTENT_RANGE)
                || headers.containsValue(HttpHeaderNames.CACHE_CONTROL, NO_TRANSFORM, true)
                || !types.contain(headers.get(HttpHeaderNames.CONTENT_TYPE))
                || tooShort(headers.get(HttpHeaderNames.CONTENT_LENGTH))) {
            return null;
        }
        // Caches have to know that another client may get another answer, also where this one gets it as it is.
        if (!headers.containsValue(HttpHeaderNames.VARY, HttpHeaderNames.ACCEPT_ENCODING, true)) {
            headers.add(HttpHeaderNames.VARY, HttpHeaderNames.ACCEPT_ENCODING);
        }
        Encoding chosen = AcceptEncoding.choose(accepted, encodings);
        if (chosen != null) {
            headers.set(HttpHeaderNames.CONTENT_ENCODING, chosen.token());
            headers.remove(HttpHeaderNames.CONTENT_LENGTH);
            headers.remove(HttpHeaderNames.ACCEPT_RANGES);
            headers.remove("content-md5");
            headers.remove("digest");
            headers.remove("content-digest");
            headers.remove("repr-digest");
            String tag = headers.get(HttpHeaderNames.ETAG);
            if (tag != null && !tag.startsWith("W/")) {
                // The same to whoever reads it, and other bytes.
                headers.set(HttpHeaderNames.ETAG, "W/" + tag);
            }
        }
        return chosen;
    }

    private boolean tooShort(@Nullable String length) {
        if (length == null) {
            return false;
        }
        try {
            return Long.parseLong(length) < minBytes;
        } catch (NumberFormatException e) {
            return true;
        }
    }
}
