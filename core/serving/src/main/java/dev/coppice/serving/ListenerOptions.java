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
 */
public record ListenerOptions(
        String name, InetSocketAddress address, @Nullable TlsSource tls, long maxBodyBytes, int maxConnections) {}
