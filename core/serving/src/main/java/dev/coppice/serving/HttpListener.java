package dev.coppice.serving;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Service;
import java.net.InetSocketAddress;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP/1.1 and HTTP/2 listener with routes: limits, access log, metrics, TLS with reload. A {@link Service} for the
 * supervision tree; routes outlive its restarts. Safe for use by many threads.
 */
public final class HttpListener implements Service {

    /** An authenticator of null leaves every request anonymous. */
    public HttpListener(Kernel kernel, ListenerOptions options, @Nullable Authenticator authenticator) {
        throw new UnsupportedOperationException();
    }

    public Routes routes() {
        throw new UnsupportedOperationException();
    }

    /** The bound address, once started; it stays the same over restarts even when port 0 was asked for. */
    public Optional<InetSocketAddress> address() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void start(Failure failure) throws Exception {
        throw new UnsupportedOperationException();
    }

    @Override
    public void stop() throws Exception {
        throw new UnsupportedOperationException();
    }
}
