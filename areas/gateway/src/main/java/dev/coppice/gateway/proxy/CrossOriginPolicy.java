package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.FilterConfig;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What pages of other origins may do (the Fetch standard, CORS protocol). Immutable. */
final class CrossOriginPolicy {
    private final FilterConfig.Cors config;
    private final List<String> origins;
    private final boolean anyOrigin;

    CrossOriginPolicy(FilterConfig.Cors config) {
        this.config = config;
        this.origins = config.allowOrigins().stream()
                .map(each -> each.toLowerCase(Locale.ROOT))
                .toList();
        this.anyOrigin = origins.contains("*");
    }

    static boolean preflight(HttpMethod method, HttpHeaders headers) {
        return method.equals(HttpMethod.OPTIONS)
                && headers.contains(HttpHeaderNames.ORIGIN)
                && headers.contains(HttpHeaderNames.ACCESS_CONTROL_REQUEST_METHOD);
    }

    /** What {@code Access-Control-Allow-Origin} has to be; null when the origin is not allowed. */
    @Nullable
    String allowed(@Nullable String origin) {
        if (origin == null) {
            return null;
        }
        if (anyOrigin) {
            return config.allowCredentials() ? origin : "*";
        }
        String lower = origin.toLowerCase(Locale.ROOT);
        return origins.stream().anyMatch(each -> matches(each, lower)) ? origin : null;
    }

    private static boolean matches(String pattern, String origin) {
        int star = pattern.indexOf('*');
        if (star < 0) {
            return pattern.equals(origin);
        }
        String before = pattern.substring(0, star);
        String after = pattern.substring(star + 1);
        return origin.length() > before.length() + after.length()
                && origin.startsWith(before)
                && origin.endsWith(after);
    }

    /** Says in an answer, preflight or not, what is allowed. */
    void allow(String origin, HttpHeaders answer) {
        answer.set(HttpHeaderNames.ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if (!origin.equals("*")) {
            answer.add(HttpHeaderNames.VARY, "Origin");
        }
        if (config.allowCredentials()) {
            answer.set(HttpHeaderNames.ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        }
    }

    void expose(HttpHeaders answer) {
        if (!config.exposeHeaders().isEmpty()) {
            answer.set(HttpHeaderNames.ACCESS_CONTROL_EXPOSE_HEADERS, String.join(", ", config.exposeHeaders()));
        }
    }

    void answerPreflight(HttpHeaders request, HttpHeaders answer) {
        list(
                answer,
                HttpHeaderNames.ACCESS_CONTROL_ALLOW_METHODS,
                config.allowMethods(),
                request.get(HttpHeaderNames.ACCESS_CONTROL_REQUEST_METHOD));
        list(
                answer,
                HttpHeaderNames.ACCESS_CONTROL_ALLOW_HEADERS,
                config.allowHeaders(),
                request.get(HttpHeaderNames.ACCESS_CONTROL_REQUEST_HEADERS));
        answer.set(HttpHeaderNames.ACCESS_CONTROL_MAX_AGE, Integer.toString(config.maxAgeSeconds()));
    }

    /** With credentials a star has no special meaning to browsers, so what was asked for is named instead. */
    private void list(HttpHeaders answer, CharSequence name, List<String> allowed, @Nullable String asked) {
        if (allowed.isEmpty()) {
            return;
        }
        if (allowed.contains("*") && config.allowCredentials()) {
            if (asked != null) {
                answer.set(name, asked);
            }
            return;
        }
        answer.set(name, String.join(", ", allowed));
    }
}
