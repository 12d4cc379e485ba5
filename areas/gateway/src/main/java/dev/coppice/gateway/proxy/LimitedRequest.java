package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.Identity;
import io.netty.handler.codec.http.HttpRequest;
import org.jspecify.annotations.Nullable;

/** What limits want to know of a request. For one thread. */
final class LimitedRequest {
    private final HttpRequest request;
    private final RequestTarget target;
    private final ClientStream client;
    private final Identity identity;
    private final String route;
    private @Nullable RequestVariables variables;

    /** @param route kind, namespace and name */
    LimitedRequest(HttpRequest request, RequestTarget target, ClientStream client, Identity identity, String route) {
        this.request = request;
        this.target = target;
        this.client = client;
        this.identity = identity;
        this.route = route;
    }

    ClientStream client() {
        return client;
    }

    String route() {
        return route;
    }

    /** All values of a header as one; the empty text when there is none. */
    String header(String name) {
        String value = RoutedRequest.header(request.headers(), name);
        return value == null ? "" : value;
    }

    RequestVariables variables() {
        RequestVariables known = variables;
        if (known == null) {
            known = new RequestVariables(request, target, client, identity);
            variables = known;
        }
        return known;
    }
}
