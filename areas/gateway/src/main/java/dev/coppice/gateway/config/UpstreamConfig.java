package dev.coppice.gateway.config;

import java.util.List;

/**
 * Endpoints that answer alike: those of one port of a Service. Without any, requests for it are answered with 503. Immutable.
 *
 * @param name such as {@code NAMESPACE/SERVICE:PORT}
 */
public record UpstreamConfig(String name, Protocol protocol, List<Endpoint> endpoints) {

    /** What endpoints speak, from the appProtocol of the Service's port (KEP-3726). */
    public enum Protocol {
        HTTP,
        /** HTTP/2 without TLS, known beforehand. */
        H2C,
        /** WebSocket over HTTP/1.1. */
        WEBSOCKET
    }

    /** An address, which is an IP address, and a port. */
    public record Endpoint(String address, int port) {}

    public UpstreamConfig {
        endpoints = List.copyOf(endpoints);
    }
}
