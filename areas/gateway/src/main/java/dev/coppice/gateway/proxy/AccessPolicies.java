package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.AuthenticationMethods;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.SecurityConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** All security policies, and which of them a rule has. Safe for use by many threads. */
final class AccessPolicies implements AutoCloseable {
    private final AccessMetrics metrics;
    private final AuthenticationMethods methods;
    private Map<SecurityConfig, AccessPolicy> policies = Map.of();
    private Map<TrafficTarget, List<AccessPolicy>> targets = Map.of();
    private Map<Set<AccessPolicy>, RuleAccess> made = new HashMap<>();

    /**
     * Begins without any.
     *
     * @param supervisor of what policies do beside the traffic
     * @param registry where they count
     */
    AccessPolicies(Kernel kernel, Supervisor supervisor, PrometheusRegistry registry) throws StartException {
        this.metrics = new AccessMetrics(registry);
        this.methods = new AuthenticationMethods(kernel, supervisor, metrics::fetched);
    }

    /** Takes over the policies that count from now on. */
    synchronized void update(List<SecurityConfig> configs, Function<String, @Nullable Upstream> upstreams) {
        methods.update(configs);
        Map<SecurityConfig, AccessPolicy> next = new HashMap<>();
        Map<TrafficTarget, List<AccessPolicy>> byTarget = new HashMap<>();
        for (SecurityConfig each : configs) {
            AccessPolicy known = policies.get(each);
            AccessPolicy policy =
                    known == null ? new AccessPolicy(each, methods, upstreams, metrics.policy(each.name())) : known;
            next.put(each, policy);
            each.targets()
                    .forEach(target -> byTarget.computeIfAbsent(target, _ -> new ArrayList<>())
                            .add(policy));
        }
        policies = next;
        targets = byTarget;
        made = new HashMap<>();
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
        return all.isEmpty() ? RuleAccess.OPEN : made.computeIfAbsent(all, _ -> new RuleAccess(List.copyOf(all)));
    }

    /** Takes its metrics out. */
    @Override
    public void close() {
        metrics.close();
    }
}
