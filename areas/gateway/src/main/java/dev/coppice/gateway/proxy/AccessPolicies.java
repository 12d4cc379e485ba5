package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.AuthenticationMethods;
import dev.coppice.gateway.authentication.BackendCredentials;
import dev.coppice.gateway.authentication.SessionEnds;
import dev.coppice.gateway.config.CredentialConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.SecurityConfig;
import dev.coppice.gateway.config.TlsConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.stream.Collectors;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/** All security policies, which of them a rule has, and credentials for backends. Safe for use by many threads. */
final class AccessPolicies implements AutoCloseable {
    private static final int TOKEN_FETCHES = 8;

    private final Kernel kernel;
    private final Executor tokenFetches;
    private final Clock clock;
    private final AccessMetrics metrics;
    private final SessionEnds sessionEnds;
    private final AuthenticationMethods methods;
    private Map<SecurityConfig, AccessPolicy> policies = Map.of();
    private Map<TrafficTarget, List<AccessPolicy>> targets = Map.of();
    private Map<Place, RuleAccess> made = new HashMap<>();
    private Map<String, X509TrustManager> authorities = new HashMap<>();
    private Map<String, X509TrustManager> authoritiesBefore = Map.of();

    /**
     * What rules have in common.
     *
     * @param authorities of certificates of clients, in PEM; empty for none
     */
    private record Place(Set<AccessPolicy> policies, String authorities) {}

    /**
     * Begins without any.
     *
     * @param supervisor of what policies do beside the traffic
     * @param endedSessions the directory that has which sessions issuers have ended; null: none has
     * @param registry where they count
     */
    AccessPolicies(Kernel kernel, Supervisor supervisor, @Nullable Path endedSessions, PrometheusRegistry registry)
            throws StartException {
        this.kernel = kernel;
        this.tokenFetches = supervisor.executor("token-fetches", TOKEN_FETCHES);
        this.clock = kernel.clock();
        this.metrics = new AccessMetrics(registry);
        this.sessionEnds = new SessionEnds(clock, endedSessions, metrics::dropped);
        this.methods = new AuthenticationMethods(kernel, supervisor, sessionEnds, metrics::fetched, metrics::session);
        metrics.endedSessions(sessionEnds::size);
    }

    /** Which sessions issuers have ended. */
    SessionEnds sessionEnds() {
        return sessionEnds;
    }

    /** What the gateway shows to backends. */
    BackendCredentials credentials(CredentialConfig config) {
        BackendCredentials made = BackendCredentials.of(config, kernel, tokenFetches, metrics::tokenFetched);
        // So that the first request need not wait.
        boolean _ = made.renew(() -> {});
        return made;
    }

    /** Takes over the policies that count from now on. */
    synchronized void update(List<SecurityConfig> configs, Function<String, @Nullable Upstream> upstreams) {
        methods.update(configs);
        Map<SecurityConfig, AccessPolicy> next = new HashMap<>();
        Map<TrafficTarget, List<AccessPolicy>> byTarget = new HashMap<>();
        for (SecurityConfig each : configs) {
            AccessPolicy known = policies.get(each);
            AccessPolicy policy = known == null
                    ? new AccessPolicy(each, methods, upstreams, clock, metrics.policy(each.name()))
                    : known;
            next.put(each, policy);
            each.targets()
                    .forEach(target -> byTarget.computeIfAbsent(target, _ -> new ArrayList<>())
                            .add(policy));
        }
        policies = next;
        targets = byTarget;
        made = new HashMap<>();
        authoritiesBefore = authorities;
        authorities = new HashMap<>();
        metrics.keepOnly(configs.stream().map(SecurityConfig::name).collect(Collectors.toSet()));
    }

    /** The policies of a rule: those of its Gateway, its listener, its route, and its own. */
    synchronized RuleAccess of(ListenerConfig listener, RouteConfig route, RuleConfig rule) {
        if (targets.isEmpty()) {
            return RuleAccess.OPEN;
        }
        Set<AccessPolicy> all = new LinkedHashSet<>();
        for (TrafficTarget target : TrafficTarget.of(listener, route, rule)) {
            all.addAll(targets.getOrDefault(target, List.of()));
        }
        TlsConfig tls = listener.tls();
        String clients =
                tls == null || tls.clients() == null ? "" : tls.clients().authorities();
        return all.isEmpty()
                ? RuleAccess.OPEN
                : made.computeIfAbsent(
                        new Place(all, clients), _ -> new RuleAccess(List.copyOf(all), authorities(clients)));
    }

    /** The same object for the same text, as long as it is used. */
    private @Nullable X509TrustManager authorities(String pem) {
        X509TrustManager known = authorities.getOrDefault(pem, authoritiesBefore.get(pem));
        try {
            if (known == null && !pem.isEmpty()) {
                known = Authorities.of(pem);
            }
        } catch (GeneralSecurityException e) {
            // Then the listener is not served either.
            return null;
        }
        if (known != null) {
            authorities.put(pem, known);
        }
        return known;
    }

    /** Takes its metrics out. */
    @Override
    public void close() {
        metrics.close();
    }
}
