package dev.coppice.gateway.proxy;

import dev.coppice.gateway.cache.FieldValues;
import dev.coppice.gateway.route.RequestPath;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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
    private static final Pattern SCHEME = Pattern.compile("([A-Za-z][A-Za-z0-9+.-]*):");

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
        String named = reference == null ? null : named(origin, target, reference);
        if (named != null) {
            cache.invalidate(route, origin, named, fields);
        }
    }

    /**
     * The path, in its normal form, and the query that a reference names (RFC 3986, 5.2).
     *
     * @return null: it names something of another origin, or nothing that could be kept
     */
    static @Nullable String named(String origin, String target, String reference) {
        int fragment = reference.indexOf('#');
        String rest = (fragment < 0 ? reference : reference.substring(0, fragment)).strip();
        String scheme = origin.substring(0, origin.indexOf(':'));
        Matcher absolute = SCHEME.matcher(rest);
        if (absolute.lookingAt()) {
            if (!absolute.group(1).equalsIgnoreCase(scheme) || !rest.startsWith("//", absolute.end())) {
                return null;
            }
            rest = rest.substring(absolute.end());
        }
        if (rest.startsWith("//")) {
            int end = 2;
            while (end < rest.length() && rest.charAt(end) != '/' && rest.charAt(end) != '?') {
                end++;
            }
            String authority = origin.substring(scheme.length() + 3);
            if (!authority(scheme, rest.substring(2, end)).equals(authority(scheme, authority))) {
                return null;
            }
            rest = rest.startsWith("/", end) ? rest.substring(end) : "/" + rest.substring(end);
        }
        int mark = target.indexOf('?');
        String path = mark < 0 ? target : target.substring(0, mark);
        if (rest.isEmpty()) {
            return target;
        }
        if (rest.startsWith("?")) {
            rest = path + rest;
        } else if (!rest.startsWith("/")) {
            rest = path.substring(0, path.lastIndexOf('/') + 1) + rest;
        }
        int query = rest.indexOf('?');
        String normal = RequestPath.normal(query < 0 ? rest : rest.substring(0, query));
        return normal == null || query < 0 ? normal : normal + rest.substring(query);
    }

    /** Without the port that is usual. */
    private static String authority(String scheme, String authority) {
        String lower = authority.toLowerCase(Locale.ROOT);
        String usual = scheme.equals("https") ? ":443" : ":80";
        return lower.endsWith(usual) ? lower.substring(0, lower.length() - usual.length()) : lower;
    }
}
