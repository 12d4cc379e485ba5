package dev.coppice.gateway.config;

import java.util.List;

/**
 * Everything that the data plane serves at one time. Immutable.
 *
 * @param listeners of all Gateways; those that share an address and a port speak the same protocol and differ in host names
 * @param upstreams everything that rules point to, each by a name of its own
 */
public record GatewayConfig(List<ListenerConfig> listeners, List<UpstreamConfig> upstreams) {

    public static final GatewayConfig EMPTY = new GatewayConfig(List.of(), List.of());

    public GatewayConfig {
        listeners = List.copyOf(listeners);
        upstreams = List.copyOf(upstreams);
    }
}
