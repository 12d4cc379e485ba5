package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.ListenerConfig;
import io.netty.handler.ssl.SniHandler;
import io.netty.handler.ssl.SslContext;
import io.netty.util.AsyncMapping;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import java.util.Locale;
import javax.net.ssl.SSLHandshakeException;
import org.jspecify.annotations.Nullable;

/** Begins TLS with the certificate of the listener that the client names (SNI); without such a listener there is none. */
final class ServerNames extends SniHandler {
    private static final int MOST_HELLO_BYTES = 16 << 10;
    private static final long HANDSHAKE_MILLIS = 10_000;

    ServerNames(Port port) {
        super(mapping(port), MOST_HELLO_BYTES, HANDSHAKE_MILLIS);
    }

    private static AsyncMapping<String, SslContext> mapping(Port port) {
        return (name, promise) -> choose(port, name, promise);
    }

    private static Future<SslContext> choose(Port port, @Nullable String name, Promise<SslContext> promise) {
        String host = name == null ? "" : name.toLowerCase(Locale.ROOT);
        Port.Routing routing = port.routing();
        ListenerConfig listener = routing.table().listener(host);
        TlsContexts.Certificates certificates =
                listener == null ? null : routing.certificates().get(listener);
        return certificates == null
                ? promise.setFailure(new SSLHandshakeException("no listener is for the server name \"" + host + "\""))
                : promise.setSuccess(certificates.choose(host));
    }
}
