package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.LimitConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.limit.KeyHash;
import dev.coppice.gateway.limit.KeySecret;
import dev.coppice.gateway.limit.Limiter;
import dev.coppice.gateway.limit.SlotBudget;
import dev.coppice.gateway.share.LimitSharing;
import dev.coppice.kernel.Kernel;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * All limits, and which of them a rule has. Those whose name and numbers stay go on with what they counted, whatever else changes. Safe for
 * use by many threads.
 */
final class RateLimits implements AutoCloseable {
    private static final RateLimit[] NONE = {};
    /** Keys of all limits together take at most this part of the heap. */
    private static final int PART_OF_HEAP = 8;

    private final Kernel kernel;
    private final LimitMetrics metrics;
    private final SlotBudget slots =
            new SlotBudget(Math.max(1 << 16, Runtime.getRuntime().maxMemory() / PART_OF_HEAP / SlotBudget.SLOT_BYTES));
    private final KeySecret secret;
    private final @Nullable LimitSharing sharing;
    private Map<String, RateLimit> limits = Map.of();
    private Map<TrafficTarget, List<RateLimit>> targets = Map.of();

    /** @param shared the secret of those that share limits; null: this process shares none, and has a secret of its own */
    RateLimits(Kernel kernel, PrometheusRegistry registry, @Nullable KeySecret shared) {
        this.kernel = kernel;
        this.secret = shared == null
                ? new KeySecret(
                        kernel.secureRandom().nextLong(), kernel.secureRandom().nextLong())
                : shared;
        this.sharing = shared == null ? null : new LimitSharing(kernel.clock(), shared, registry);
        this.metrics = new LimitMetrics(registry, slots, this::evicted);
    }

    /** Makes keys of them, for one event loop. */
    KeyHash hash() {
        return secret.hash();
    }

    @Nullable
    LimitSharing sharing() {
        return sharing;
    }

    /** Takes over the limits that count from now on. */
    synchronized void update(List<LimitConfig> configs) {
        Map<String, RateLimit> next = new LinkedHashMap<>();
        Map<TrafficTarget, List<RateLimit>> byTarget = new HashMap<>();
        for (LimitConfig each : configs) {
            RateLimit before = limits.get(each.name());
            RateLimit limit = before != null && before.config().equals(each) ? before : made(each, before);
            next.put(each.name(), limit);
            each.targets()
                    .forEach(target -> byTarget.computeIfAbsent(target, _ -> new ArrayList<>())
                            .add(limit));
        }
        Set<RateLimit.Counts> kept =
                next.values().stream().map(RateLimit::counts).collect(Collectors.toSet());
        limits.values().stream()
                .map(RateLimit::counts)
                .filter(each -> !kept.contains(each))
                .forEach(RateLimit.Counts::close);
        limits = next;
        targets = byTarget;
        metrics.keepOnly(next.keySet());
    }

    private RateLimit made(LimitConfig config, @Nullable RateLimit before) {
        RateLimit.Counts counts =
                before != null && numbers(before.config()).equals(numbers(config)) ? before.counts() : counts(config);
        return new RateLimit(config, counts, metrics.limit(config.name()));
    }

    private RateLimit.Counts counts(LimitConfig config) {
        Limiter limiter =
                new Limiter(RateLimit.algorithm(config), kernel.clock().nanoTime(), slots);
        return new RateLimit.Counts(
                limiter,
                config.shared() && sharing != null
                        ? sharing.limit(limiter, slots, List.of(config.name(), numbers(config)))
                        : null);
    }

    /** What its counts mean something for. */
    private static List<Object> numbers(LimitConfig config) {
        return List.of(config.algorithm(), config.requests(), config.perNanos(), config.burst(), config.shared());
    }

    /** The limits of a rule: those of its Gateway, its listener, its route, and its own; within each, in the order they were given. */
    synchronized RateLimit[] of(ListenerConfig listener, RouteConfig route, RuleConfig rule) {
        if (targets.isEmpty()) {
            return NONE;
        }
        Set<RateLimit> all = new LinkedHashSet<>();
        for (TrafficTarget target : TrafficTarget.of(listener, route, rule)) {
            all.addAll(targets.getOrDefault(target, List.of()));
        }
        return all.isEmpty() ? NONE : all.toArray(RateLimit[]::new);
    }

    private synchronized Map<String, Long> evicted() {
        Map<String, Long> all = new HashMap<>();
        limits.forEach((name, limit) -> all.put(name, limit.counts().limiter().evicted()));
        return all;
    }

    /** Requests of all keys that a limit counts now; for tests. */
    synchronized long used(String name) {
        RateLimit limit = limits.get(name);
        return limit == null ? 0 : limit.counts().limiter().used(kernel.clock().nanoTime());
    }

    /** Takes its metrics out. */
    @Override
    public void close() {
        metrics.close();
        if (sharing != null) {
            sharing.close();
        }
    }
}
