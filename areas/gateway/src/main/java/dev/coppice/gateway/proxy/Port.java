package dev.coppice.gateway.proxy;

import dev.coppice.gateway.DataPlane.Binding;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.route.RoutingTable;
import io.netty.channel.Channel;
import io.prometheus.metrics.core.datapoints.GaugeDataPoint;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A bound address and port, and what is routed there now. Safe for use by many threads. */
final class Port {
    /**
     * What is served at one time. Immutable.
     *
     * @param certificates by listener; empty for plain HTTP
     */
    record Routing(RoutingTable<RuleAction> table, Map<ListenerConfig, TlsContexts.Certificates> certificates) {}

    private final Binding binding;
    private final boolean secure;
    private final GaugeDataPoint connections;
    private volatile Routing routing;
    private volatile @Nullable Channel server;

    Port(Binding binding, Routing routing, ProxyMetrics metrics) {
        this.binding = binding;
        this.routing = routing;
        this.secure = !routing.certificates.isEmpty();
        this.connections = metrics.connections.labelValues(binding.address() + ":" + binding.port());
    }

    Binding binding() {
        return binding;
    }

    int number() {
        return binding.port();
    }

    /** Whether TLS is ended here; a port that changes that is opened anew. */
    boolean secure() {
        return secure;
    }

    Routing routing() {
        return routing;
    }

    void route(Routing next) {
        routing = next;
    }

    void bound(Channel channel) {
        server = channel;
    }

    @Nullable
    Channel server() {
        return server;
    }

    void opened() {
        connections.inc();
    }

    void closed() {
        connections.dec();
    }
}
