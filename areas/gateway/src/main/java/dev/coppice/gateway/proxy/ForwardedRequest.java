package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.FilterConfig;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.AsciiString;
import org.jspecify.annotations.Nullable;

/** Makes a client's head into what an endpoint is to see. */
final class ForwardedRequest {
    private static final AsciiString X_FORWARDED_FOR = AsciiString.cached("x-forwarded-for");
    private static final AsciiString X_FORWARDED_PROTO = AsciiString.cached("x-forwarded-proto");
    private static final AsciiString X_FORWARDED_HOST = AsciiString.cached("x-forwarded-host");
    private static final AsciiString HTTP = AsciiString.cached("http");
    private static final AsciiString HTTPS = AsciiString.cached("https");

    private ForwardedRequest() {}

    /**
     * Whether the client asks to speak WebSocket on its connection. Other protocols are not asked for: whoever spoke HTTP/2 to a backend
     * through here would be past all routes.
     */
    static boolean upgrades(HttpRequest request) {
        HttpHeaders headers = request.headers();
        return headers.contains(HttpHeaderNames.UPGRADE)
                && HttpHeaderValues.WEBSOCKET.contentEqualsIgnoreCase(headers.get(HttpHeaderNames.UPGRADE))
                && headers.containsValue(HttpHeaderNames.CONNECTION, HttpHeaderValues.UPGRADE, true);
    }

    /** The addresses that a request has come by, its client's the last. */
    static String addresses(HttpHeaders headers, ClientStream client) {
        String before = headers.get(X_FORWARDED_FOR);
        return before == null ? client.address() : before + ", " + client.address();
    }

    static void prepare(
            HttpRequest request,
            RequestTarget target,
            ClientStream client,
            boolean upgrade,
            RuleAction rule,
            RuleAction.Backend backend,
            int prefixLength,
            @Nullable AccessCheck access,
            @Nullable LocationHeaders locations,
            @Nullable FilteredRequest filtered) {
        HttpHeaders headers = request.headers();
        String protocol = upgrade ? headers.get(HttpHeaderNames.UPGRADE) : null;
        HopByHop.strip(headers);
        // Once more: a client may have named these headers as ones of its connection.
        if (access != null) {
            access.tell(headers);
        }
        if (locations != null) {
            locations.tell(client.connection(), headers);
        }
        if (protocol != null) {
            headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.UPGRADE);
            headers.set(HttpHeaderNames.UPGRADE, protocol);
        }
        headers.set(X_FORWARDED_FOR, addresses(headers, client));
        headers.set(X_FORWARDED_PROTO, client.port().secure() ? HTTPS : HTTP);
        if (!request.uri().startsWith("/") || backend.cache() != null && headers.contains(HttpHeaderNames.HOST)) {
            // In one form where answers are kept by it: another form might have another answer.
            Authority authority = target.authority();
            headers.set(
                    HttpHeaderNames.HOST,
                    authority.port() < 0 ? authority.host() : authority.host() + ":" + authority.port());
        }
        String host = headers.get(HttpHeaderNames.HOST);
        if (host != null) {
            headers.set(X_FORWARDED_HOST, host);
        } else {
            headers.remove(X_FORWARDED_HOST);
        }
        rule.filters.request.apply(headers);
        backend.filters().request.apply(headers);
        RequestTarget sent = target;
        if (filtered != null) {
            filtered.change(headers);
            sent = filtered.target();
        }
        String path = sent.path();
        path = rewritten(rule.filters.rewrite, headers, path, prefixLength);
        path = rewritten(backend.filters().rewrite, headers, path, prefixLength);
        String uri = sent.query().isEmpty() ? path : path.concat(sent.query());
        if (!uri.equals(request.uri())) {
            request.setUri(uri);
        }
        request.setProtocolVersion(HttpVersion.HTTP_1_1);
    }

    private static String rewritten(
            FilterConfig.@Nullable Rewrite rewrite, HttpHeaders headers, String path, int prefixLength) {
        if (rewrite == null) {
            return path;
        }
        if (rewrite.hostname() != null) {
            headers.set(HttpHeaderNames.HOST, rewrite.hostname());
        }
        return rewrite.path() == null ? path : UrlChanges.path(rewrite.path(), path, prefixLength);
    }
}
