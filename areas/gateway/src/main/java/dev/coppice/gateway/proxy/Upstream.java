package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.config.UpstreamConfig.Endpoint;
import dev.coppice.gateway.config.UpstreamTlsConfig;
import dev.coppice.kernel.Clock;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

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
        final UpstreamConfig.Protocol protocol;
        final InetSocketAddress address;
        final ProxyMetrics.PerTarget metrics;
        /** Null: it is spoken to in the clear. */
        final @Nullable EndpointTls tls;

        private final Upstream upstream;
        volatile boolean gone;

        Target(Upstream upstream, Endpoint endpoint, UpstreamConfig.Protocol protocol, ProxyMetrics metrics) {
            this.upstream = upstream;
            this.endpoint = endpoint;
            this.protocol = protocol;
            this.tls = upstream.tls;
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

        /** Tells the log why there is no TLS with it. */
        void complain(String why) {
            upstream.complaints.warn("TLS with " + upstream.name + " at " + this + " failed: " + why);
        }

        @Override
        public String toString() {
            return endpoint.address() + ":" + endpoint.port();
        }
    }

    private static final System.Logger LOG = System.getLogger(Upstream.class.getName());

    final String name;
    private final ProxyMetrics metrics;
    private final Authorities authorities;
    private final Clock clock;
    private final OccasionalLine complaints;
    private volatile State state = new State(UpstreamConfig.Protocol.HTTP, List.of());
    private @Nullable UpstreamTlsConfig tlsConfig;
    private @Nullable EndpointTls tls;

    Upstream(String name, ProxyMetrics metrics, Authorities authorities, Clock clock) {
        this.name = name;
        this.metrics = metrics;
        this.authorities = authorities;
        this.clock = clock;
        this.complaints = new OccasionalLine(LOG, clock);
    }

    State state() {
        return state;
    }

    /** Nothing points to it any more; requests that are on their way still find its endpoints. */
    void retire() {
        state.targets.forEach(each -> each.gone = true);
    }

    /**
     * Takes over what is configured; endpoints that stay keep their connections, unless they are to be spoken to in another way. Used by one
     * thread at a time.
     */
    void update(UpstreamConfig config) {
        Map<Endpoint, Target> known = new HashMap<>();
        state.targets.forEach(each -> known.put(each.endpoint, each));
        boolean same = config.protocol() == state.protocol && Objects.equals(config.tls(), tlsConfig);
        if (!same) {
            tlsConfig = config.tls();
            tls = tlsConfig == null ? null : EndpointTls.of(tlsConfig, config.protocol(), authorities, clock);
        }
        List<Target> next = new ArrayList<>();
        for (Endpoint each : config.endpoints()) {
            Target kept = same ? known.remove(each) : null;
            next.add(kept != null ? kept : new Target(this, each, config.protocol(), metrics));
        }
        state = new State(config.protocol(), List.copyOf(next));
        known.values().forEach(each -> each.gone = true);
    }
}
