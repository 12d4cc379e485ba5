package dev.coppice.serving;

import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Where a listener listens, remembered over its restarts. */
final class BoundAddress {
    private final ListenerOptions options;
    private volatile @Nullable InetSocketAddress address;

    BoundAddress(ListenerOptions options) {
        this.options = options;
    }

    Optional<InetSocketAddress> address() {
        return Optional.ofNullable(address);
    }

    void set(InetSocketAddress bound) {
        address = bound;
    }

    /** Where to bind: the port of the time before, if there was one. */
    InetSocketAddress wanted() {
        InetSocketAddress before = address;
        return before == null ? options.address() : before;
    }

    /** A failure to bind, in words that say what to do. */
    static IOException explain(String listener, InetSocketAddress wanted, Throwable cause) {
        String where = wanted.getHostString() + ":" + wanted.getPort();
        String start = "listener " + listener + " cannot listen on " + where + ": ";
        String message = String.valueOf(cause.getMessage());
        if (wanted.isUnresolved()) {
            return new IOException(start + "the host name is unknown; use an IP address of this machine", cause);
        }
        if (cause instanceof BindException && message.contains("in use")) {
            return new IOException(
                    start + "another program uses this port; stop it, or choose another port (port 0 picks a free one)",
                    cause);
        }
        if (message.contains("ermission")) {
            return new IOException(
                    start + "ports below 1024 need a privilege; choose a higher port, or grant CAP_NET_BIND_SERVICE",
                    cause);
        }
        if (message.contains("assign")) {
            return new IOException(
                    start + "the address is not one of this machine; use 127.0.0.1, 0.0.0.0 or one of its own", cause);
        }
        return new IOException(start + message, cause);
    }
}
