package dev.coppice.gateway.config;

import java.util.List;

/**
 * Everything that the data plane serves at one time. Immutable.
 *
 * @param listeners of all Gateways and Services; those that share an address and a port speak the same protocol and differ in host names
 * @param upstreams everything that rules point to, each by a name of its own
 * @param limits in the order in which they are asked, each by a name of its own
 * @param security in the order in which they are asked, each by a name of its own
 * @param observations the older first, each by a name of its own
 * @param transcodings that rules point to, each by a name of its own
 * @param contents the older first
 * @param filters that rules refer to, each by a name of its own
 * @param challenges of ACME servers, that listeners show now
 * @param clientNamespaces in which clients are that some listener tells apart
 */
public record GatewayConfig(
        List<ListenerConfig> listeners,
        List<UpstreamConfig> upstreams,
        List<LimitConfig> limits,
        List<SecurityConfig> security,
        List<ObservationConfig> observations,
        List<TranscodingConfig> transcodings,
        List<ContentConfig> contents,
        List<RouteFilterConfig> filters,
        List<ChallengeConfig> challenges,
        List<ClientNamespace> clientNamespaces) {

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
        filters = filters == null ? List.of() : List.copyOf(filters);
        challenges = challenges == null ? List.of() : List.copyOf(challenges);
        clientNamespaces = clientNamespaces == null ? List.of() : List.copyOf(clientNamespaces);
    }

    /** Without policies. */
    public GatewayConfig(List<ListenerConfig> listeners, List<UpstreamConfig> upstreams) {
        this(
                listeners, upstreams, List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), List.of(),
                List.of());
    }

    /** Makes a configuration; what is not set is empty. Not thread-safe. */
    public static final class Builder {
        private final List<ListenerConfig> listeners;
        private final List<UpstreamConfig> upstreams;
        private List<LimitConfig> limits = List.of();
        private List<SecurityConfig> security = List.of();
        private List<ObservationConfig> observations = List.of();
        private List<TranscodingConfig> transcodings = List.of();
        private List<ContentConfig> contents = List.of();
        private List<RouteFilterConfig> filters = List.of();
        private List<ChallengeConfig> challenges = List.of();
        private List<ClientNamespace> clientNamespaces = List.of();

        public Builder(List<ListenerConfig> listeners, List<UpstreamConfig> upstreams) {
            this.listeners = listeners;
            this.upstreams = upstreams;
        }

        public Builder limits(List<LimitConfig> limits) {
            this.limits = limits;
            return this;
        }

        public Builder security(List<SecurityConfig> security) {
            this.security = security;
            return this;
        }

        public Builder observations(List<ObservationConfig> observations) {
            this.observations = observations;
            return this;
        }

        public Builder transcodings(List<TranscodingConfig> transcodings) {
            this.transcodings = transcodings;
            return this;
        }

        public Builder contents(List<ContentConfig> contents) {
            this.contents = contents;
            return this;
        }

        public Builder filters(List<RouteFilterConfig> filters) {
            this.filters = filters;
            return this;
        }

        public Builder challenges(List<ChallengeConfig> challenges) {
            this.challenges = challenges;
            return this;
        }

        public Builder clientNamespaces(List<ClientNamespace> clientNamespaces) {
            this.clientNamespaces = clientNamespaces;
            return this;
        }

        public GatewayConfig build() {
            return new GatewayConfig(
                    listeners,
                    upstreams,
                    limits,
                    security,
                    observations,
                    transcodings,
                    contents,
                    filters,
                    challenges,
                    clientNamespaces);
        }
    }
}
