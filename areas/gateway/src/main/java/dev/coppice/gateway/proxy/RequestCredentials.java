package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.CredentialRequest;
import dev.coppice.gateway.config.SecurityConfig.Source;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import java.util.List;
import java.util.function.Consumer;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * A request that is asked about: its credentials can be found, and taken out.
 *
 * @param body as much of it as has come
 * @param authorities of certificates of clients; null: none of these counts
 */
record RequestCredentials(
        HttpRequest request,
        RequestTarget target,
        ClientStream client,
        RequestBody body,
        @Nullable X509TrustManager authorities)
        implements CredentialRequest {

    @Override
    public String method() {
        return request.method().name();
    }

    @Override
    public String host() {
        Authority named = target.authority();
        return named.port() < 0 ? named.host() : named.host() + ":" + named.port();
    }

    @Override
    public String path() {
        return target.path();
    }

    @Override
    public String query() {
        return target.query();
    }

    @Override
    public List<String> headers(String name) {
        return request.headers().getAll(name);
    }

    @Override
    public List<String> cookies(String name) {
        return Cookies.values(request.headers(), name);
    }

    @Override
    public List<String> parameters(String name) {
        return QueryParameters.values(target.query(), name);
    }

    @Override
    public void body(int most, Consumer<byte @Nullable []> then) {
        // One byte more tells that there are too many.
        body.await(request, client, most + 1, () -> then.accept(body.longerThan(most) ? null : body.beginning(most)));
    }

    /** Takes out what a source has; the request's target is from then on that of what is returned. */
    RequestCredentials without(Source source) {
        HttpHeaders headers = request.headers();
        switch (source.type()) {
            case HEADER -> {
                String value = headers.get(source.name());
                String prefix = source.prefix();
                if (value != null && value.strip().regionMatches(true, 0, prefix, 0, prefix.length())) {
                    headers.remove(source.name());
                }
            }
            case COOKIE -> Cookies.remove(headers, source.name());
            case QUERY -> {
                String query = QueryParameters.without(target.query(), source.name());
                return query.equals(target.query())
                        ? this
                        : new RequestCredentials(
                                request,
                                new RequestTarget(target.authority(), target.path(), query),
                                client,
                                body,
                                authorities);
            }
        }
        return this;
    }
}
