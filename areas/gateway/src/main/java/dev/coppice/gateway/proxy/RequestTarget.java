package dev.coppice.gateway.proxy;

import dev.coppice.gateway.route.RequestPath;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.TooLongHttpLineException;
import java.util.Iterator;

/**
 * What a request is for, read out of its head (RFC 9112, 3.2). Immutable.
 *
 * @param path in its normal form
 * @param query with its question mark; empty when there is none
 */
record RequestTarget(Authority authority, String path, String query) implements RequestReading {
    private static final Authority NONE = new Authority("", -1);

    /** Of a request that was refused. */
    static final RequestTarget UNKNOWN = new RequestTarget(NONE, "/", "");

    /** Scheme and authority, such as {@code https://example.com:8443}. */
    String origin(boolean secure) {
        String port = authority.port() < 0 ? "" : ":" + authority.port();
        return (secure ? "https://" : "http://") + authority.host() + port;
    }

    /** Reads a head; whatever two servers could read differently is refused. */
    static RequestReading read(HttpRequest request) {
        if (request.decoderResult().isFailure()) {
            return malformed(request.decoderResult().cause());
        }
        if (request.protocolVersion().majorVersion() != 1) {
            return new Refusal(HttpResponseStatus.HTTP_VERSION_NOT_SUPPORTED, "version", "expected HTTP/1.1");
        }
        if (request.method().equals(HttpMethod.CONNECT)) {
            return new Refusal(HttpResponseStatus.METHOD_NOT_ALLOWED, "method", "CONNECT is not served");
        }
        boolean old = request.protocolVersion().minorVersion() == 0;
        HttpHeaders headers = request.headers();
        if (headers.contains(HttpHeaderNames.TRANSFER_ENCODING)
                && (old
                        || headers.contains(HttpHeaderNames.CONTENT_LENGTH)
                        || !HttpUtil.isTransferEncodingChunked(request))) {
            return bad(
                    "framing", "Transfer-Encoding: expected \"chunked\", in HTTP/1.1, and no Content-Length beside it");
        }
        Iterator<String> hosts = headers.valueStringIterator(HttpHeaderNames.HOST);
        String host = hosts.hasNext() ? hosts.next() : "";
        if (hosts.hasNext() || host.isEmpty() && !old) {
            return bad("host", "Host: expected it once");
        }
        return read(request.uri(), host);
    }

    private static RequestReading read(String target, String host) {
        String named = host;
        String origin = target;
        if (!origin.startsWith("/")) {
            int begin = origin.startsWith("http://") ? 7 : origin.startsWith("https://") ? 8 : -1;
            if (begin < 0) {
                return bad("target", "the request's target: expected a path or a URL");
            }
            int end = begin;
            while (end < origin.length() && origin.charAt(end) != '/' && origin.charAt(end) != '?') {
                end++;
            }
            // A URL's host goes before the Host header (RFC 9112, 3.2.2).
            named = origin.substring(begin, end);
            origin = origin.startsWith("/", end) ? origin.substring(end) : "/" + origin.substring(end);
        }
        Authority authority = named.isEmpty() ? NONE : Authority.of(named);
        if (authority == null) {
            return bad("host", "Host: expected a host name");
        }
        int mark = origin.indexOf('?');
        String path = RequestPath.normal(mark < 0 ? origin : origin.substring(0, mark));
        String query = mark < 0 ? "" : origin.substring(mark);
        if (path == null || !printable(query)) {
            return bad("target", "the request's path or query is malformed: expected what is no ASCII to be escaped");
        }
        return new RequestTarget(authority, path, query);
    }

    /** Whether it can be a query. */
    static boolean printable(String query) {
        for (int i = 0; i < query.length(); i++) {
            char c = query.charAt(i);
            if (c <= ' ' || c >= 0x7F || c == '#') {
                return false;
            }
        }
        return true;
    }

    private static Refusal bad(String reason, String text) {
        return new Refusal(HttpResponseStatus.BAD_REQUEST, reason, text);
    }

    private static Refusal malformed(Throwable cause) {
        if (cause instanceof TooLongHttpLineException) {
            return new Refusal(HttpResponseStatus.REQUEST_URI_TOO_LONG, "line", "the request's first line is too long");
        }
        if (cause instanceof TooLongFrameException) {
            return new Refusal(
                    HttpResponseStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                    "headers",
                    "the request's headers are too large");
        }
        return bad("malformed", "this is no valid HTTP request");
    }
}
