package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.ResilienceConfig;
import dev.coppice.gateway.resilience.CircuitBreaker;
import dev.coppice.gateway.resilience.GradientLimit;
import dev.coppice.gateway.resilience.RetryBudget;
import dev.coppice.gateway.resilience.Slots;
import dev.coppice.gateway.resilience.UpstreamReading;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What decides whether requests are sent to one upstream. What is configured as before goes on with what it knows, whatever else changes. Safe
 * for use by many threads.
 */
final class Guard {

    /** What decides now. Stays while its configuration does. */
    static final class Rules {
        final ResilienceConfig config;
        final @Nullable CircuitBreaker breaker;
        final @Nullable GradientLimit concurrency;
        final RetryBudget budget;

        private Rules(
                ResilienceConfig config,
                @Nullable CircuitBreaker breaker,
                @Nullable GradientLimit concurrency,
                RetryBudget budget) {
            this.config = config;
            this.breaker = breaker;
            this.concurrency = concurrency;
            this.budget = budget;
        }

        private static ResilienceConfig.RetryBudget budget(ResilienceConfig config) {
            return Objects.requireNonNullElse(config.retryBudget(), ResilienceConfig.RetryBudget.DEFAULT);
        }
    }

    final Slots parallelRequests = new Slots();
    final Slots parallelRetries = new Slots();
    final Slots pendingRequests = new Slots();
    final GuardMetrics.PerUpstream metrics;

    private final String upstream;
    private final Slots connections = new Slots();
    private volatile Rules rules;

    Guard(String upstream, GuardMetrics metrics, long now) {
        this.upstream = upstream;
        this.metrics = metrics.upstream(upstream);
        this.rules = new Rules(
                ResilienceConfig.DEFAULT, null, null, new RetryBudget(ResilienceConfig.RetryBudget.DEFAULT, now));
    }

    /** Takes over what is configured. Used by one thread at a time. */
    void update(@Nullable ResilienceConfig given, long now) {
        ResilienceConfig config = Objects.requireNonNullElse(given, ResilienceConfig.DEFAULT);
        Rules before = rules;
        if (config.equals(before.config)) {
            return;
        }
        rules = new Rules(
                config,
                Objects.equals(config.breaker(), before.config.breaker())
                        ? before.breaker
                        : breaker(config.breaker(), now),
                Objects.equals(config.concurrency(), before.config.concurrency())
                        ? before.concurrency
                        : concurrency(config.concurrency(), now),
                Rules.budget(config).equals(Rules.budget(before.config))
                        ? before.budget
                        : new RetryBudget(Rules.budget(config), now));
    }

    private @Nullable CircuitBreaker breaker(ResilienceConfig.@Nullable Breaker config, long now) {
        return config == null ? null : new CircuitBreaker(config, now, (_, to) -> metrics.turned(to));
    }

    private static @Nullable GradientLimit concurrency(ResilienceConfig.@Nullable Concurrency config, long now) {
        return config == null ? null : new GradientLimit(config, now);
    }

    Rules rules() {
        return rules;
    }

    /**
     * Takes a place for one more connection.
     *
     * @param first the event loop has none to the endpoint yet: it may have one whatever there are, as it could wait for ever for one of
     *     another loop's
     */
    boolean connect(boolean first) {
        ResilienceConfig.Limits limits = rules.config.limits();
        if (first || limits == null || limits.connections() == 0) {
            connections.insist();
            return true;
        }
        return connections.take(limits.connections());
    }

    /** A connection for which a place was taken is no more, or was not made. */
    void disconnected() {
        connections.giveBack();
    }

    /** Whether a connection that served so many requests should serve another. */
    boolean serves(int requests) {
        ResilienceConfig.Limits limits = rules.config.limits();
        return limits == null || limits.requestsPerConnection() == 0 || requests < limits.requestsPerConnection();
    }

    UpstreamReading read(long now) {
        Rules current = rules;
        GradientLimit concurrency = current.concurrency;
        return new UpstreamReading(
                upstream,
                current.breaker == null ? null : current.breaker.read(now),
                concurrency == null ? 0 : concurrency.limit(),
                concurrency == null ? 0 : concurrency.inFlight(),
                concurrency == null ? 0 : concurrency.leastNanos(),
                current.config.limits() != null,
                connections.used(),
                pendingRequests.used(),
                parallelRequests.used(),
                parallelRetries.used(),
                current.budget.requests(now),
                current.budget.retries(now));
    }
}
