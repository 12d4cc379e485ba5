package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.CredentialRequest;
import dev.coppice.gateway.config.SecurityConfig.Source;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.List;

/** Credentials in the head of a request: to be found, and to be taken out. */
record RequestCredentials(HttpHeaders head, String query) implements CredentialRequest {

    @Override
    public List<String> headers(String name) {
        return head.getAll(name);
    }

    @Override
    public List<String> cookies(String name) {
        return Cookies.values(head, name);
    }

    @Override
    public List<String> parameters(String name) {
        return QueryParameters.values(query, name);
    }

    /** Takes out what a source has; the request's query is from then on that of what is returned. */
    RequestCredentials without(Source source) {
        switch (source.type()) {
            case HEADER -> {
                String value = head.get(source.name());
                String prefix = source.prefix();
                if (value != null && value.strip().regionMatches(true, 0, prefix, 0, prefix.length())) {
                    head.remove(source.name());
                }
            }
            case COOKIE -> Cookies.remove(head, source.name());
            case QUERY -> {
                return new RequestCredentials(head, QueryParameters.without(query, source.name()));
            }
        }
        return this;
    }
}
