package dev.coppice.gateway.proxy;

import dev.coppice.gateway.route.RequestHead;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A request as routing sees it; its query is taken apart when it is first asked for. For one thread. */
final class RoutedRequest implements RequestHead {
    private static final int MOST_QUERY_PARAMS = 256;

    private final HttpRequest request;
    private final RequestTarget target;
    private @Nullable Map<String, List<String>> queryParams;

    RoutedRequest(HttpRequest request, RequestTarget target) {
        this.request = request;
        this.target = target;
    }

    @Override
    public String method() {
        return request.method().name();
    }

    @Override
    public String path() {
        return target.path();
    }

    @Override
    public @Nullable String header(String name) {
        return header(request.headers(), name);
    }

    /** All values of a header, joined by commas (RFC 9110, 5.3); null when there is none. */
    static @Nullable String header(HttpHeaders headers, String name) {
        Iterator<String> values = headers.valueStringIterator(name);
        if (!values.hasNext()) {
            return null;
        }
        String one = values.next();
        // The iterator begins with the last one.
        return values.hasNext() ? String.join(",", headers.getAll(name)) : one;
    }

    @Override
    public @Nullable String queryParam(String name) {
        Map<String, List<String>> params = queryParams;
        if (params == null) {
            params = parse();
            queryParams = params;
        }
        List<String> values = params.get(name);
        return values == null || values.isEmpty() ? null : values.getFirst();
    }

    private Map<String, List<String>> parse() {
        try {
            return new QueryStringDecoder(target.query(), StandardCharsets.UTF_8, true, MOST_QUERY_PARAMS).parameters();
        } catch (IllegalArgumentException e) {
            // A malformed escape: no condition on the query holds.
            return Map.of();
        }
    }
}
