package dev.coppice.gateway.proxy;

import dev.coppice.gateway.balance.CookieHeader;
import dev.coppice.gateway.config.BalanceConfig.HashKey;
import dev.coppice.gateway.config.BalanceConfig.MadeCookie;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Finds what requests have in common that go to the same endpoint: the first that a request has. Immutable. */
final class RequestKeys {

    /** A request that is asked. */
    interface Asked {
        HttpHeaders headers();

        /** The first value of a query parameter; null when there is none. */
        @Nullable
        String queryParameter(String name);

        String clientAddress();

        /** The client gets a cookie with the answer. */
        void addCookie(String setCookie);
    }

    private final List<HashKey> keys;

    RequestKeys(List<HashKey> keys) {
        this.keys = keys.isEmpty() ? List.of(new HashKey.ClientAddress()) : keys;
    }

    /** What a request goes by; random when it has none of the keys. */
    long hash(Asked request, EventLoopState state) {
        for (HashKey each : keys) {
            String value = value(each, request, state);
            if (value != null && !value.isEmpty()) {
                return state.places.of(value);
            }
        }
        return state.random.nextLong();
    }

    /** What connections go by that are no HTTP. */
    long hash(String clientAddress, EventLoopState state) {
        return keys.contains(new HashKey.ClientAddress()) ? state.places.of(clientAddress) : state.random.nextLong();
    }

    private static @Nullable String value(HashKey key, Asked request, EventLoopState state) {
        return switch (key) {
            case HashKey.ClientAddress _ -> request.clientAddress();
            case HashKey.Header header -> RoutedRequest.header(request.headers(), header.name());
            case HashKey.QueryParameter parameter -> request.queryParameter(parameter.name());
            case HashKey.Cookie cookie -> {
                String known = cookie(request.headers(), cookie.name());
                yield known == null && cookie.made() != null
                        ? make(cookie.name(), cookie.made(), request, state)
                        : known;
            }
        };
    }

    /** The value says nothing of the endpoint: it is random, and is hashed like any other key. */
    private static String make(String name, MadeCookie made, Asked request, EventLoopState state) {
        String value = state.randomHex();
        StringBuilder cookie = new StringBuilder(name)
                .append('=')
                .append(value)
                .append("; Path=")
                .append(made.path());
        if (made.ttlSeconds() > 0) {
            cookie.append("; Max-Age=").append(made.ttlSeconds());
        }
        cookie.append("; SameSite=").append(made.sameSite());
        if (made.httpOnly()) {
            cookie.append("; HttpOnly");
        }
        if (made.secure()) {
            cookie.append("; Secure");
        }
        request.addCookie(cookie.toString());
        return value;
    }

    /** The first cookie of a name (RFC 6265, 4.2.1); null when there is none, or it is empty. */
    static @Nullable String cookie(HttpHeaders headers, String name) {
        for (Iterator<String> all = headers.valueStringIterator(HttpHeaderNames.COOKIE); all.hasNext(); ) {
            String value = CookieHeader.first(all.next(), name);
            if (value != null) {
                return value;
            }
        }
        return null;
    }
}
