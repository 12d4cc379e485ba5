package dev.coppice.kernel;

import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.security.SecureRandom;
import java.util.random.RandomGenerator;

/**
 * A runtime of supervised processes: one tree, one clock, one source of randomness, one set of timers and metrics. A JVM
 * may hold several (tests do). Safe for use by many threads.
 */
public final class Kernel implements AutoCloseable {

    /** Starts a kernel on the machine's clock, with a new metrics registry. */
    public static Kernel start() {
        throw new UnsupportedOperationException();
    }

    /** Starts a kernel with the given clock and seed: the same clock and seed give the same timers and random numbers. */
    public static Kernel start(Clock clock, long seed) {
        throw new UnsupportedOperationException();
    }

    public Clock clock() {
        throw new UnsupportedOperationException();
    }

    /** Randomness for jitter, sampling and load spreading; thread-safe; seeded. Never for secrets. */
    public RandomGenerator random() {
        throw new UnsupportedOperationException();
    }

    /** Randomness for keys, tokens and identifiers that must not be guessed. */
    public SecureRandom secureRandom() {
        throw new UnsupportedOperationException();
    }

    public Timers timers() {
        throw new UnsupportedOperationException();
    }

    public Telemetry telemetry() {
        throw new UnsupportedOperationException();
    }

    /** Where every module registers its Prometheus metrics. */
    public PrometheusRegistry metrics() {
        throw new UnsupportedOperationException();
    }

    /** The root of the tree; its children are started and stopped in order. */
    public Supervisor root() {
        throw new UnsupportedOperationException();
    }

    /** Stops the tree in reverse start order and waits for it. */
    @Override
    public void close() {
        throw new UnsupportedOperationException();
    }
}
