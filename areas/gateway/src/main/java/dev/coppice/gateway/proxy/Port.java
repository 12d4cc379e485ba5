package dev.coppice.gateway.proxy;

import dev.coppice.gateway.DataPlane.Binding;
import dev.coppice.gateway.cache.CacheRegion;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.route.RoutingTable;
import io.netty.channel.Channel;
import io.prometheus.metrics.core.datapoints.GaugeDataPoint;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A bound address and port, and what is routed there now. Safe for use by many threads. */
final class Port {
    /**
     * What is served at one time. Immutable.
     *
     * @param table for all clients but those that have one for themselves
     * @param consumers who have one for themselves; null: nobody has
     * @param certificates by listener; empty for plain HTTP
     * @param observations what is told of requests that no rule wanted, by listener
     * @param challenges what ACME servers may see; null: nothing
     * @param proxies who says whose connections these are; null: nobody does
     * @param locations how requests say where their client is, by listener; null: none does
     * @param regions where answers of its rules are kept
     */
    record Routing(
            RoutingTable<RuleAction> table,
            @Nullable Consumers consumers,
            Map<ListenerConfig, TlsContexts.Certificates> certificates,
            Map<ListenerConfig, Observation> observations,
            @Nullable PendingChallenges challenges,
            @Nullable TrustedProxies proxies,
            @Nullable Map<ListenerConfig, LocationHeaders> locations,
            Set<CacheRegion> regions) {
        /** What is for a client, by its IP address. */
        RoutingTable<RuleAction> table(String client) {
            RoutingTable<RuleAction> own = consumers == null ? null : consumers.of(client);
            return own == null ? table : own;
        }

        Observation observation(ListenerConfig listener) {
            return Objects.requireNonNull(observations.get(listener));
        }
    }

    /** What connections there are to begin with. */
    enum Kind {
        HTTP,
        /** TLS, whose server name says what else. */
        SECURE,
        STREAMS,
        DATAGRAMS;

        /** Of listeners that share a port. */
        static Kind of(List<ListenerConfig> sharing) {
            ListenerConfig first = sharing.getFirst();
            return switch (first.protocol()) {
                case HTTP -> first.tls() == null ? HTTP : SECURE;
                case TLS, CHALLENGE -> SECURE;
                case TCP -> STREAMS;
                case UDP -> DATAGRAMS;
            };
        }
    }

    private final Binding binding;
    private final Kind kind;
    private final GaugeDataPoint connections;
    private volatile Routing routing;
    private volatile @Nullable Channel server;

    Port(Binding binding, Kind kind, Routing routing, ProxyMetrics metrics) {
        this.binding = binding;
        this.routing = routing;
        this.kind = kind;
        this.connections = metrics.connections.labelValues(binding.address() + ":" + binding.port());
    }

    Binding binding() {
        return binding;
    }

    int number() {
        return binding.port();
    }

    /** A port that changes it is opened anew. */
    Kind kind() {
        return kind;
    }

    /** Whether HTTP comes in TLS. */
    boolean secure() {
        return kind == Kind.SECURE;
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
