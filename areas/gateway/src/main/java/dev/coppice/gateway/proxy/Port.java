package dev.coppice.gateway.proxy;

import dev.coppice.gateway.DataPlane.Binding;
import dev.coppice.gateway.route.RoutingTable;
import io.netty.channel.Channel;
import io.prometheus.metrics.core.datapoints.GaugeDataPoint;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A bound address and port, and what is routed there now. Safe for use by many threads. */
final class Port {
    private final Binding binding;
    private final GaugeDataPoint connections;
    private volatile RoutingTable<RuleAction> table = new RoutingTable<>(List.of(), (_, _, _) -> {
        throw new IllegalStateException("nothing to compile");
    });
    private volatile @Nullable Channel server;

    Port(Binding binding, ProxyMetrics metrics) {
        this.binding = binding;
        this.connections = metrics.connections.labelValues(binding.address() + ":" + binding.port());
    }

    Binding binding() {
        return binding;
    }

    int number() {
        return binding.port();
    }

    RoutingTable<RuleAction> table() {
        return table;
    }

    void route(RoutingTable<RuleAction> next) {
        table = next;
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
