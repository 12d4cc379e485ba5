package dev.coppice.serving;

import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * How a listener listens.
 *
 * @param name in metrics and the supervision tree, such as {@code api}
 * @param address where; port 0 picks a free one
 * @param tls certificates; null serves plain text
 * @param maxBodyBytes the largest request body it reads
 * @param maxConnections connections at once; more are refused
 * @param accessLog where a line for every request goes; null writes none
 */
public record ListenerOptions(
        String name,
        InetSocketAddress address,
        @Nullable TlsSource tls,
        long maxBodyBytes,
        int maxConnections,
        @Nullable AccessLog accessLog) {

    public ListenerOptions {
        if (maxBodyBytes < 0) {
            throw new IllegalArgumentException(
                    "maxBodyBytes of listener " + name + " is " + maxBodyBytes + "; it must be 0 or more");
        }
        if (maxConnections < 1) {
            throw new IllegalArgumentException(
                    "maxConnections of listener " + name + " is " + maxConnections + "; it must be 1 or more");
        }
    }

    /** Without an access log. */
    public ListenerOptions(
            String name, InetSocketAddress address, @Nullable TlsSource tls, long maxBodyBytes, int maxConnections) {
        this(name, address, tls, maxBodyBytes, maxConnections, null);
    }

    public ListenerOptions withAccessLog(@Nullable AccessLog accessLog) {
        return new ListenerOptions(name, address, tls, maxBodyBytes, maxConnections, accessLog);
    }
}
