package dev.coppice.gateway.config;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A listener of a Gateway, and the routes that are attached to it. Of the listeners at an address and port, a request is for the
 * one with the most specific matching host name, and for that one only (listener isolation). Streams and datagrams go by the oldest
 * route. Immutable.
 *
 * @param gateway {@code NAMESPACE/NAME} of its Gateway
 * @param name of the listener in the Gateway
 * @param address an IP address of this machine
 * @param protocol those that share an address and port are all HTTP without TLS, all with TLS (be it HTTP, streams or challenges), one TCP, or one UDP
 * @param hostname in lower case, {@code *.example.org} for all below; empty for any
 * @param tls where TLS is ended; null for plain HTTP, TCP, UDP, and streams of TLS that are passed through
 * @param clients how its clients are spoken to; null: as is usual
 */
public record ListenerConfig(
        String gateway,
        String name,
        String address,
        int port,
        Protocol protocol,
        String hostname,
        @Nullable TlsConfig tls,
        List<RouteConfig> routes,
        @Nullable ClientConfig clients) {

    /** What is served. */
    public enum Protocol {
        HTTP,
        /** Streams, chosen among by the server name of TLS. */
        TLS,
        TCP,
        UDP,
        /** TLS whose certificate is not there yet: ACME servers are shown theirs, and nothing is served. */
        CHALLENGE
    }

    public ListenerConfig {
        routes = List.copyOf(routes);
    }

    /** Clients are spoken to as is usual. */
    public ListenerConfig(
            String gateway,
            String name,
            String address,
            int port,
            Protocol protocol,
            String hostname,
            @Nullable TlsConfig tls,
            List<RouteConfig> routes) {
        this(gateway, name, address, port, protocol, hostname, tls, routes, null);
    }

    /** The same with other routes. */
    public ListenerConfig with(List<RouteConfig> others) {
        return new ListenerConfig(gateway, name, address, port, protocol, hostname, tls, others, clients);
    }

    /** The same with clients that are spoken to like this. */
    public ListenerConfig with(@Nullable ClientConfig others) {
        return new ListenerConfig(gateway, name, address, port, protocol, hostname, tls, routes, others);
    }
}
