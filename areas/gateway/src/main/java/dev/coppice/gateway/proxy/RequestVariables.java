package dev.coppice.gateway.proxy;

import dev.coppice.expression.Variables;
import dev.coppice.gateway.authentication.Identity;
import io.netty.handler.codec.http.HttpRequest;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What CEL expressions may know of a request. For one thread. */
final class RequestVariables implements Variables {
    private final HttpRequest request;
    private final RequestTarget target;
    private final ClientStream client;
    private final Identity identity;
    private @Nullable Map<String, String> headers;

    RequestVariables(HttpRequest request, RequestTarget target, ClientStream client, Identity identity) {
        this.request = request;
        this.target = target;
        this.client = client;
        this.identity = identity;
    }

    @Override
    public @Nullable Object get(String name) {
        return switch (name) {
            case "request.method" -> request.method().name();
            case "request.scheme" -> client.port().secure() ? "https" : "http";
            case "request.host" -> target.authority().host();
            case "request.path" -> target.path();
            case "request.query" ->
                target.query().isEmpty() ? "" : target.query().substring(1);
            case "request.headers" -> headers();
            case "source.address" -> client.address();
            case "auth.method" -> identity.method();
            case "auth.name" -> identity.name();
            case "auth.subject" -> identity.subject();
            case "auth.claims" -> identity.claims();
            default -> null;
        };
    }

    private Map<String, String> headers() {
        Map<String, String> all = headers;
        if (all == null) {
            all = new HashMap<>();
            for (Map.Entry<String, String> each : request.headers()) {
                all.merge(each.getKey().toLowerCase(Locale.ROOT), each.getValue(), (a, b) -> a + "," + b);
            }
            headers = all;
        }
        return all;
    }
}
