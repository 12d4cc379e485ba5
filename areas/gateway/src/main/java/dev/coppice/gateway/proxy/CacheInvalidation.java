package dev.coppice.gateway.proxy;

import dev.coppice.gateway.cache.FieldValues;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import java.net.URI;
import java.net.URISyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * What a request that may change something makes useless of what is kept for its route, once it is answered (RFC 9111, 4.4).
 *
 * @param route by kind, namespace and name
 * @param origin scheme and authority that the client asked for
 * @param target path and query that it asked for
 * @param fields of the request
 */
record CacheInvalidation(AnswerCache cache, String route, String origin, String target, FieldValues fields) {

    static boolean safe(HttpMethod method) {
        return method.equals(HttpMethod.GET)
                || method.equals(HttpMethod.HEAD)
                || method.equals(HttpMethod.OPTIONS)
                || method.equals(HttpMethod.TRACE);
    }

    /** The head of the answer is there. */
    void answered(int code, HttpHeaders headers) {
        if (code < 200 || code >= 400) {
            return;
        }
        cache.invalidate(route, origin, target, fields);
        invalidate(headers.get(HttpHeaderNames.LOCATION));
        invalidate(headers.get(HttpHeaderNames.CONTENT_LOCATION));
    }

    /** Of the same origin only: nobody may empty somebody else's cache. */
    private void invalidate(@Nullable String reference) {
        if (reference == null) {
            return;
        }
        try {
            URI to = new URI(origin + target).resolve(new URI(reference));
            String path = to.getRawPath() == null || to.getRawPath().isEmpty() ? "/" : to.getRawPath();
            if (origin.equalsIgnoreCase(to.getScheme() + "://" + to.getRawAuthority())) {
                cache.invalidate(
                        route, origin, to.getRawQuery() == null ? path : path + "?" + to.getRawQuery(), fields);
            }
        } catch (URISyntaxException e) {
            // It names nothing that could be kept.
        }
    }
}
