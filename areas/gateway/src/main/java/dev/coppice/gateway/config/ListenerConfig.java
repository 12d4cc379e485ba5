package dev.coppice.gateway.config;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A listener of a Gateway, and the routes that are attached to it. Of the listeners at an address and port, a request is for the
 * one with the most specific matching host name, and for that one only (listener isolation). Immutable.
 *
 * @param gateway {@code NAMESPACE/NAME} of its Gateway
 * @param name of the listener in the Gateway
 * @param address an IP address of this machine
 * @param hostname in lower case, {@code *.example.org} for all below; empty for any
 * @param tls null: plain HTTP; the same for all that share a port
 */
public record ListenerConfig(
        String gateway,
        String name,
        String address,
        int port,
        String hostname,
        @Nullable TlsConfig tls,
        List<RouteConfig> routes) {

    public ListenerConfig {
        routes = List.copyOf(routes);
    }
}
