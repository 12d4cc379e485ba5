package dev.coppice.gateway.proxyprotocol;

import java.net.InetAddress;
import java.net.InetSocketAddress;

/**
 * The two ends of a client's connection, as the first proxy saw them. Immutable.
 *
 * @param source the client
 * @param destination what the client connected to
 * @param authority the host name that the client asked for, such as the server name of TLS; empty when it is not known
 */
public record ConnectionEnds(InetSocketAddress source, InetSocketAddress destination, String authority) {

    public ConnectionEnds {
        if (source.isUnresolved() || destination.isUnresolved()) {
            throw new IllegalArgumentException("ends: expected IP addresses, not " + source + " and " + destination);
        }
    }

    InetAddress sourceAddress() {
        return source.getAddress();
    }

    InetAddress destinationAddress() {
        return destination.getAddress();
    }
}
