package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.config.UpstreamConfig.Endpoint;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Endpoints that answer alike, as the whole data plane sees them; each event loop has connections of its own. Stays the same
 * while its endpoints change, so that routes need not be compiled again.
 */
final class Upstream {

    /** What there is now. Immutable. */
    record State(UpstreamConfig.Protocol protocol, List<Target> targets) {}

    /** An endpoint; the same object as long as it is there. */
    static final class Target {
        final Endpoint endpoint;
        final InetSocketAddress address;
        final ProxyMetrics.PerTarget metrics;
        volatile boolean gone;

        Target(Upstream upstream, Endpoint endpoint, ProxyMetrics metrics) {
            this.endpoint = endpoint;
            this.address = address(endpoint);
            this.metrics = metrics.target(upstream.name);
        }

        private static InetSocketAddress address(Endpoint endpoint) {
            try {
                return new InetSocketAddress(InetAddress.ofLiteral(endpoint.address()), endpoint.port());
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        "address of an endpoint: \"" + endpoint.address() + "\": expected an IP address", e);
            }
        }

        @Override
        public String toString() {
            return endpoint.address() + ":" + endpoint.port();
        }
    }

    final String name;
    private final ProxyMetrics metrics;
    private volatile State state = new State(UpstreamConfig.Protocol.HTTP, List.of());

    Upstream(String name, ProxyMetrics metrics) {
        this.name = name;
        this.metrics = metrics;
    }

    State state() {
        return state;
    }

    /** Nothing points to it any more; requests that are on their way still find its endpoints. */
    void retire() {
        state.targets.forEach(each -> each.gone = true);
    }

    /** Takes over what is configured; endpoints that stay keep their connections. */
    void update(UpstreamConfig config) {
        Map<Endpoint, Target> known = new HashMap<>();
        state.targets.forEach(each -> known.put(each.endpoint, each));
        List<Target> next = new ArrayList<>();
        for (Endpoint each : config.endpoints()) {
            Target kept = known.remove(each);
            next.add(kept != null ? kept : new Target(this, each, metrics));
        }
        state = new State(config.protocol(), List.copyOf(next));
        known.values().forEach(each -> each.gone = true);
    }
}
