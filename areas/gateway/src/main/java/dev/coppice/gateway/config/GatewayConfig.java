package dev.coppice.gateway.config;

import java.util.List;

/**
 * Everything that the data plane serves at one time. Immutable.
 *
 * @param listeners of all Gateways; those that share an address and a port speak the same protocol and differ in host names
 * @param upstreams everything that rules point to, each by a name of its own
 * @param limits in the order in which they are asked, each by a name of its own
 * @param security in the order in which they are asked, each by a name of its own
 * @param observations the older first, each by a name of its own
 * @param transcodings that rules point to, each by a name of its own
 * @param contents the older first
 */
public record GatewayConfig(
        List<ListenerConfig> listeners,
        List<UpstreamConfig> upstreams,
        List<LimitConfig> limits,
        List<SecurityConfig> security,
        List<ObservationConfig> observations,
        List<TranscodingConfig> transcodings,
        List<ContentConfig> contents) {

    public static final GatewayConfig EMPTY = new GatewayConfig(List.of(), List.of());

    public GatewayConfig {
        listeners = List.copyOf(listeners);
        upstreams = List.copyOf(upstreams);
        // What an earlier version saved has not all of them.
        limits = limits == null ? List.of() : List.copyOf(limits);
        security = security == null ? List.of() : List.copyOf(security);
        observations = observations == null ? List.of() : List.copyOf(observations);
        transcodings = transcodings == null ? List.of() : List.copyOf(transcodings);
        contents = contents == null ? List.of() : List.copyOf(contents);
    }

    /** With nothing said of what becomes of bodies. */
    public GatewayConfig(
            List<ListenerConfig> listeners,
            List<UpstreamConfig> upstreams,
            List<LimitConfig> limits,
            List<SecurityConfig> security,
            List<ObservationConfig> observations,
            List<TranscodingConfig> transcodings) {
        this(listeners, upstreams, limits, security, observations, transcodings, List.of());
    }

    /** Without calls of gRPC in HTTP and JSON. */
    public GatewayConfig(
            List<ListenerConfig> listeners,
            List<UpstreamConfig> upstreams,
            List<LimitConfig> limits,
            List<SecurityConfig> security,
            List<ObservationConfig> observations) {
        this(listeners, upstreams, limits, security, observations, List.of());
    }

    /** With nothing said of what is told of requests. */
    public GatewayConfig(
            List<ListenerConfig> listeners,
            List<UpstreamConfig> upstreams,
            List<LimitConfig> limits,
            List<SecurityConfig> security) {
        this(listeners, upstreams, limits, security, List.of());
    }

    /** Without security policies. */
    public GatewayConfig(List<ListenerConfig> listeners, List<UpstreamConfig> upstreams, List<LimitConfig> limits) {
        this(listeners, upstreams, limits, List.of());
    }

    /** Without limits. */
    public GatewayConfig(List<ListenerConfig> listeners, List<UpstreamConfig> upstreams) {
        this(listeners, upstreams, List.of());
    }
}
