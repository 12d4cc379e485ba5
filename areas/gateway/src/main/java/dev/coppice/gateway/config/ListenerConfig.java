package dev.coppice.gateway.config;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A listener of a Gateway or a port of a Service, and the routes that are attached to it. Of the listeners at an address and port, a request is for the
 * one with the most specific matching host name, and for that one only (listener isolation). Streams and datagrams go by the oldest
 * route. Immutable.
 *
 * @param gateway {@code NAMESPACE/NAME} of its Gateway; {@code Service NAMESPACE/NAME} of a Service
 * @param name of the listener in the Gateway, or of the port in the Service
 * @param address an IP address of this machine
 * @param protocol those that share an address and port are all HTTP without TLS, all with TLS (be it HTTP, streams or challenges), one TCP, or one UDP
 * @param hostname in lower case, {@code *.example.org} for all below; empty for any
 * @param tls where TLS is ended; null for plain HTTP, TCP, UDP, and streams of TLS that are passed through
 * @param clients how its clients are spoken to; null: as is usual
 * @param consumers the namespace whose clients have it for themselves, instead of the one at the same address and port that names none; empty: it
 *     is for all others
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
        @Nullable ClientConfig clients,
        String consumers) {

    /** No Gateway has a space in its name. */
    private static final String SERVICE = "Service ";

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
        // What an earlier version saved does not have it.
        consumers = consumers == null ? "" : consumers;
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
        this(gateway, name, address, port, protocol, hostname, tls, routes, null, "");
    }

    /** The same with other routes. */
    public ListenerConfig with(List<RouteConfig> others) {
        return new ListenerConfig(gateway, name, address, port, protocol, hostname, tls, others, clients, consumers);
    }

    /** The same with clients that are spoken to like this. */
    public ListenerConfig with(@Nullable ClientConfig others) {
        return new ListenerConfig(gateway, name, address, port, protocol, hostname, tls, routes, others, consumers);
    }

    /** A port of a Service. */
    public static ListenerConfig ofService(
            String service,
            String port,
            String address,
            int number,
            Protocol protocol,
            List<RouteConfig> routes,
            String consumers) {
        return new ListenerConfig(
                SERVICE + service, port, address, number, protocol, "", null, routes, null, consumers);
    }

    /** Whether it is a port of a Service. */
    public boolean ofService() {
        return gateway.startsWith(SERVICE);
    }

    /** The namespace of the Service that it is a port of. */
    public String serviceNamespace() {
        return gateway.substring(SERVICE.length(), gateway.indexOf('/'));
    }

    /** The name of the Service that it is a port of. */
    public String serviceName() {
        return gateway.substring(gateway.indexOf('/') + 1);
    }

    /** Whether a host name is that of its Service, as the names of Services in a cluster are: {@code NAME.NAMESPACE}, and what may follow it. */
    public boolean named(String host) {
        if (!ofService()) {
            return false;
        }
        String name = serviceName() + "." + serviceNamespace();
        return host.equals(name) || host.startsWith(name + ".svc");
    }

    /** Its name for people. */
    public String title() {
        return consumers.isEmpty() ? name : name + " for clients in " + consumers;
    }
}
