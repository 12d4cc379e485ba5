package dev.coppice.gateway.proxy;

import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.util.AsciiString;
import java.util.Iterator;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Heads and trailers of HTTP/2 as those of HTTP/1.1, and back (RFC 9113, 8). What HTTP/1.1 could read in another way than HTTP/2 meant it
 * is malformed: it never gets as far as a backend.
 */
final class Http2Messages {
    private static final AsciiString HTTP = AsciiString.cached("http");
    private static final CharSequence PROTOCOL = Http2Headers.PseudoHeaderName.PROTOCOL.value();
    private static final AsciiString HTTPS = AsciiString.cached("https");
    private static final AsciiString PROXY_CONNECTION = AsciiString.cached("proxy-connection");
    private static final AsciiString KEEP_ALIVE = AsciiString.cached("keep-alive");
    /** Room for a usual head, so that its table need not grow. */
    private static final int USUAL_HEADERS = 16;

    private Http2Messages() {}

    /**
     * A client's head. One that asks for a WebSocket by extended CONNECT (RFC 8441) becomes what does so in HTTP/1.1, but that it has no key.
     *
     * @param end whether no body follows
     * @throws Http2Exception of its stream, when it is malformed
     */
    static HttpRequest request(int stream, Http2Headers head, boolean end) throws Http2Exception {
        CharSequence method = head.method();
        if (method == null || method.isEmpty() || !visible(method)) {
            throw malformed(stream, ":method is missing, or no method");
        }
        HttpMethod known = HttpMethod.valueOf(method.toString());
        boolean connect = known.equals(HttpMethod.CONNECT);
        boolean webSocket = connect && !end && asksForWebSocket(head);
        if (webSocket) {
            connect = false;
            known = HttpMethod.GET;
        }
        CharSequence path = head.path();
        if (!connect
                && (head.scheme() == null
                        || path == null
                        || path.isEmpty()
                        || path.charAt(0) != '/' && !AsciiString.contentEquals(path, "*")
                        || !visible(path))) {
            throw malformed(stream, ":scheme is missing, or :path is no path");
        }
        HttpHeaders headers =
                DefaultHttpHeadersFactory.headersFactory().withValidation(false).newHeaders();
        CharSequence authority = head.authority();
        if (authority != null) {
            headers.set(HttpHeaderNames.HOST, authority.toString());
        }
        copy(stream, head, headers, authority);
        if (webSocket) {
            upgrade(stream, headers);
        } else if (!end) {
            String length = headers.get(HttpHeaderNames.CONTENT_LENGTH);
            if (length == null || length.equals("0")) {
                headers.remove(HttpHeaderNames.CONTENT_LENGTH);
                headers.set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED);
            }
        } else if (known.equals(HttpMethod.POST) || known.equals(HttpMethod.PUT) || known.equals(HttpMethod.PATCH)) {
            // HTTP/1.1 has no other way to say that there is no body (RFC 9110, 8.6).
            headers.set(HttpHeaderNames.CONTENT_LENGTH, HttpHeaderValues.ZERO);
        }
        return new DefaultHttpRequest(HttpVersion.HTTP_1_1, known, connect ? "/" : String.valueOf(path), headers);
    }

    /** Whether a CONNECT is for a WebSocket. */
    static boolean asksForWebSocket(Http2Headers head) {
        CharSequence protocol = head.get(PROTOCOL);
        return protocol != null && AsciiString.contentEqualsIgnoreCase(HttpHeaderValues.WEBSOCKET, protocol);
    }

    private static void upgrade(int stream, HttpHeaders headers) throws Http2Exception {
        if (headers.contains(HttpHeaderNames.CONTENT_LENGTH)) {
            throw malformed(stream, "what asks for a WebSocket has no body");
        }
        headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.UPGRADE);
        headers.set(HttpHeaderNames.UPGRADE, HttpHeaderValues.WEBSOCKET);
        headers.remove(HttpHeaderNames.SEC_WEBSOCKET_KEY);
    }

    /**
     * An endpoint's head.
     *
     * @throws Http2Exception of its stream, when it is malformed
     */
    static HttpResponse response(int stream, Http2Headers head) throws Http2Exception {
        int code = code(head.status());
        if (code < 100) {
            throw malformed(stream, ":status is no status");
        }
        HttpHeaders headers =
                DefaultHttpHeadersFactory.headersFactory().withValidation(false).newHeaders();
        copy(stream, head, headers, null);
        return new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(code), headers);
    }

    /** Three digits, or 0. */
    private static int code(@Nullable CharSequence status) {
        if (status == null || status.length() != 3) {
            return 0;
        }
        int code = 0;
        for (int i = 0; i < 3; i++) {
            int digit = status.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                return 0;
            }
            code = code * 10 + digit;
        }
        return code;
    }

    /**
     * What comes after a body.
     *
     * @throws Http2Exception of its stream, when it is malformed
     */
    static LastHttpContent trailers(int stream, Http2Headers trailers) throws Http2Exception {
        DefaultLastHttpContent last = new DefaultLastHttpContent();
        for (Map.Entry<CharSequence, CharSequence> each : trailers) {
            CharSequence name = each.getKey();
            if (pseudo(name)) {
                throw malformed(stream, "trailers have no pseudo-headers");
            }
            checkValue(stream, each.getValue());
            if (!framing(name)) {
                last.trailingHeaders().add(name, each.getValue());
            }
        }
        return last;
    }

    private static void copy(int stream, Http2Headers from, HttpHeaders to, @Nullable CharSequence authority)
            throws Http2Exception {
        StringBuilder cookies = null;
        for (Map.Entry<CharSequence, CharSequence> each : from) {
            CharSequence name = each.getKey();
            if (pseudo(name)) {
                continue;
            }
            CharSequence value = each.getValue();
            checkValue(stream, value);
            if (perConnection(name)) {
                throw malformed(stream, "headers of a connection have no place in HTTP/2");
            }
            if (AsciiString.contentEquals(name, HttpHeaderNames.COOKIE)) {
                // HTTP/2 may send them one by one (RFC 9113, 8.2.3).
                if (cookies == null) {
                    cookies = new StringBuilder(value);
                } else {
                    cookies.append("; ").append(value);
                }
            } else if (AsciiString.contentEquals(name, HttpHeaderNames.HOST)) {
                if (authority != null && !AsciiString.contentEqualsIgnoreCase(authority, value)
                        || authority == null && to.contains(HttpHeaderNames.HOST)) {
                    throw malformed(stream, "host says something else than :authority, or twice");
                }
                to.set(HttpHeaderNames.HOST, value.toString());
            } else {
                to.add(name, value);
            }
        }
        if (cookies != null) {
            to.set(HttpHeaderNames.COOKIE, cookies.toString());
        }
    }

    /** A client's or our own head for an endpoint. */
    static Http2Headers head(HttpRequest request, boolean secure) {
        HttpHeaders from = request.headers();
        DefaultHttp2Headers to = new DefaultHttp2Headers(false, USUAL_HEADERS);
        to.method(request.method().asciiName());
        to.path(request.uri());
        to.scheme(secure ? HTTPS : HTTP);
        String host = from.get(HttpHeaderNames.HOST);
        if (host != null) {
            to.authority(host);
        }
        copy(from, to);
        return to;
    }

    /** What asks an endpoint for a WebSocket by extended CONNECT. */
    static Http2Headers connect(HttpRequest request, boolean secure) {
        Http2Headers head = head(request, secure);
        head.method(HttpMethod.CONNECT.asciiName());
        head.set(PROTOCOL, HttpHeaderValues.WEBSOCKET);
        head.remove(HttpHeaderNames.SEC_WEBSOCKET_KEY);
        return head;
    }

    /** An answer's head for a client. */
    static Http2Headers head(HttpResponse response) {
        DefaultHttp2Headers to = new DefaultHttp2Headers(false, USUAL_HEADERS);
        to.status(response.status().codeAsText());
        copy(response.headers(), to);
        return to;
    }

    /** What comes after a body; null when there is nothing. */
    static @Nullable Http2Headers trailers(LastHttpContent last) {
        HttpHeaders from = last.trailingHeaders();
        if (from.isEmpty()) {
            return null;
        }
        DefaultHttp2Headers to = new DefaultHttp2Headers(false);
        copy(from, to);
        return to.isEmpty() ? null : to;
    }

    private static void copy(HttpHeaders from, Http2Headers to) {
        Iterator<Map.Entry<CharSequence, CharSequence>> all = from.iteratorCharSequence();
        while (all.hasNext()) {
            Map.Entry<CharSequence, CharSequence> each = all.next();
            CharSequence name = lower(each.getKey());
            if (!perConnection(name) && !AsciiString.contentEquals(name, HttpHeaderNames.HOST)) {
                to.add(name, each.getValue());
            }
        }
    }

    private static boolean pseudo(CharSequence name) {
        return name.length() > 0 && name.charAt(0) == ':';
    }

    /** Those that HTTP/2 does not have (RFC 9113, 8.2.2). */
    private static boolean perConnection(CharSequence name) {
        return switch (name.length()) {
            case 7 -> AsciiString.contentEquals(name, HttpHeaderNames.UPGRADE);
            case 10 ->
                AsciiString.contentEquals(name, HttpHeaderNames.CONNECTION)
                        || AsciiString.contentEquals(name, KEEP_ALIVE);
            case 16 -> AsciiString.contentEquals(name, PROXY_CONNECTION);
            case 17 -> AsciiString.contentEquals(name, HttpHeaderNames.TRANSFER_ENCODING);
            default -> false;
        };
    }

    /** Those that trailers may not change (RFC 9110, 6.5.1). */
    private static boolean framing(CharSequence name) {
        return perConnection(name)
                || AsciiString.contentEquals(name, HttpHeaderNames.CONTENT_LENGTH)
                || AsciiString.contentEquals(name, HttpHeaderNames.HOST)
                || AsciiString.contentEquals(name, HttpHeaderNames.TRAILER);
    }

    private static CharSequence lower(CharSequence name) {
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (c >= 'A' && c <= 'Z') {
                return AsciiString.of(name).toLowerCase();
            }
        }
        return name;
    }

    /** What could be a part of the first line in HTTP/1.1. */
    private static boolean visible(CharSequence text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c <= ' ' || c >= 0x7F) {
                return false;
            }
        }
        return true;
    }

    /** Nothing that would end a line in HTTP/1.1, or what stands for it elsewhere (RFC 9113, 8.2.1). */
    private static void checkValue(int stream, CharSequence value) throws Http2Exception {
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c < ' ' && c != '\t' || c == 0x7F) {
                throw malformed(stream, "a header's value has a control character");
            }
        }
    }

    private static Http2Exception malformed(int stream, String text) {
        return Http2Exception.streamError(stream, Http2Error.PROTOCOL_ERROR, text);
    }
}
