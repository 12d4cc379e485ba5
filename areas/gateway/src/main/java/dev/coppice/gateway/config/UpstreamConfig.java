package dev.coppice.gateway.config;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Endpoints that answer alike: those of one port of a Service. Without any, requests for it are answered with 503. Immutable.
 *
 * @param name such as {@code NAMESPACE/SERVICE:PORT}; different for each way in which a port is spoken to
 * @param tls null: they are spoken to in the clear
 * @param traffic how requests are sent to them; null: as is usual
 * @param absentSubsets that have endpoints, of which none may be used now: requests that name one do not go to others
 */
public record UpstreamConfig(
        String name,
        Protocol protocol,
        List<Endpoint> endpoints,
        @Nullable UpstreamTlsConfig tls,
        @Nullable TrafficConfig traffic,
        Set<String> absentSubsets) {

    /** What endpoints speak, be it in TLS or not, from the appProtocol of the Service's port (KEP-3726). */
    public enum Protocol {
        HTTP,
        /** HTTP/2, known beforehand. */
        H2C,
        /** WebSocket over HTTP/1.1. */
        WEBSOCKET,
        /** Streams or datagrams, passed on as they are. */
        BYTES
    }

    /**
     * An address and a port.
     *
     * @param address an IP address
     * @param priority 0 first; endpoints of higher numbers help out when too few of the lower ones are healthy
     * @param weight its share, relative to those of its priority; 1 to 100
     * @param subset that it belongs to; empty for none
     */
    public record Endpoint(String address, int port, int priority, int weight, String subset) {
        public Endpoint {
            // What an earlier version saved has neither.
            weight = Math.max(1, weight);
            subset = subset == null ? "" : subset;
        }

        /** One that belongs to no subset. */
        public Endpoint(String address, int port, int priority, int weight) {
            this(address, port, priority, weight, "");
        }

        /** One like all others. */
        public Endpoint(String address, int port) {
            this(address, port, 0, 1);
        }
    }

    public UpstreamConfig {
        endpoints = List.copyOf(endpoints);
        // What an earlier version saved has none.
        absentSubsets = absentSubsets == null ? Set.of() : Set.copyOf(absentSubsets);
    }

    /** All subsets have endpoints. */
    public UpstreamConfig(
            String name,
            Protocol protocol,
            List<Endpoint> endpoints,
            @Nullable UpstreamTlsConfig tls,
            @Nullable TrafficConfig traffic) {
        this(name, protocol, endpoints, tls, traffic, Set.of());
    }

    /** Endpoints that are spoken to in the clear. */
    public UpstreamConfig(String name, Protocol protocol, List<Endpoint> endpoints) {
        this(name, protocol, endpoints, null);
    }

    /** Requests are sent as is usual. */
    public UpstreamConfig(String name, Protocol protocol, List<Endpoint> endpoints, @Nullable UpstreamTlsConfig tls) {
        this(name, protocol, endpoints, tls, null);
    }
}
