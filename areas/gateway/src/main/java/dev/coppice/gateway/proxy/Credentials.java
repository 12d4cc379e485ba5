package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.BackendCredentials;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import java.util.Locale;

/** Gives requests the gateway's credentials for the upstream that they go to, and for no other. */
final class Credentials {
    static final String MISSING = "the gateway has no credentials for the service now";
    /** In the access log and in metrics. */
    static final String WORD = "credentials";

    private Credentials() {}

    /**
     * A request's head with credentials; what it has itself in that header is taken out, also when it is written with underscores. The head itself
     * stays as it is, as it may go to another upstream, too.
     */
    static HttpRequest added(HttpRequest head, BackendCredentials credentials) {
        HttpHeaders headers = head.headers().copy();
        add(headers, credentials);
        return new DefaultHttpRequest(head.protocolVersion(), head.method(), head.uri(), headers);
    }

    /** Adds them; nothing when there are none now. */
    static void add(HttpHeaders headers, BackendCredentials credentials) {
        String header = credentials.header();
        for (String each : headers.names()) {
            if (each.toLowerCase(Locale.ROOT).replace('_', '-').equals(header)) {
                headers.remove(each);
            }
        }
        String value = credentials.value();
        if (value != null) {
            headers.set(header, value);
        }
    }

    /** Whether there should be some, and are none now. */
    static boolean missing(Upstream upstream) {
        BackendCredentials credentials = upstream.credentials();
        return credentials != null && credentials.value() == null;
    }
}
