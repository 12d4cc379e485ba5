package dev.coppice.gateway.proxy;

import dev.coppice.gateway.balance.Health;
import dev.coppice.gateway.config.HealthCheckConfig;
import java.util.random.RandomGenerator;

/**
 * When one endpoint is asked whether it is well. The first time is a random part of the interval away, so that not all are asked at once.
 * Changed by one thread at a time.
 */
final class HealthChecks {
    private static final long GRACE_NANOS = 10_000_000_000L;

    private final HealthCheckConfig config;
    private final RandomGenerator random;
    private boolean begun;
    /** Until when the check that was started may take; not at all when its event loop was stopped. */
    private volatile long until;

    private volatile boolean running;
    private volatile long next;

    HealthChecks(HealthCheckConfig config, RandomGenerator random) {
        this.config = config;
        this.random = random;
    }

    HealthCheckConfig config() {
        return config;
    }

    /** Whether it is to be asked now. */
    boolean due(long now) {
        if (!begun) {
            begun = true;
            next = now + (long) (random.nextDouble() * config.intervalNanos());
        }
        return now - next >= 0 && (!running || now - until >= 0);
    }

    void started(long now) {
        until = now + 2 * config.timeoutNanos() + GRACE_NANOS;
        running = true;
    }

    /**
     * It was asked.
     *
     * @return whether it is well now and was not, or the other way round
     */
    boolean ended(Health health, HealthCheckAttempt.Outcome outcome, long now) {
        double jitter = config.jitter() * (2 * random.nextDouble() - 1);
        next = now + (long) (config.intervalNanos() * (1 + jitter));
        boolean changed = outcome != HealthCheckAttempt.Outcome.NOT_ASKED
                && health.checked(
                        outcome == HealthCheckAttempt.Outcome.WELL,
                        config.unhealthyThreshold(),
                        config.healthyThreshold());
        running = false;
        return changed;
    }
}
