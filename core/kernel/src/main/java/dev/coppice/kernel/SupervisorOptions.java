package dev.coppice.kernel;

import java.time.Duration;

/**
 * How a supervisor treats its children. Immutable; the with-methods copy.
 *
 * @param strategy which siblings are restarted with a child that died
 * @param maxRestarts restarts allowed within {@code period}; one more stops the supervisor, which escalates
 * @param period the sliding window of {@code maxRestarts}
 * @param maxChildren the most children it may hold
 */
public record SupervisorOptions(Strategy strategy, int maxRestarts, Duration period, int maxChildren) {

    /** One-for-one, 3 restarts within 5 seconds, 100,000 children. */
    public static final SupervisorOptions DEFAULT =
            new SupervisorOptions(Strategy.ONE_FOR_ONE, 3, Duration.ofSeconds(5), 100_000);

    /** Which children are restarted when one of them has died. */
    public enum Strategy {
        /** That one. */
        ONE_FOR_ONE,
        /** All: stopped in reverse order, then started in order. */
        ONE_FOR_ALL,
        /** That one and those that were started after it. */
        REST_FOR_ONE
    }

    public SupervisorOptions {
        if (maxRestarts < 0 || !period.isPositive() || maxChildren < 1) {
            throw new IllegalArgumentException(
                    "maxRestarts must be at least 0, period positive and maxChildren at least 1, not " + maxRestarts
                            + ", " + period + " and " + maxChildren);
        }
    }

    /** Which siblings are restarted with a child that died. */
    public SupervisorOptions withStrategy(Strategy strategy) {
        return new SupervisorOptions(strategy, maxRestarts, period, maxChildren);
    }

    /** At most so many restarts within a sliding window; one more stops it. */
    public SupervisorOptions withIntensity(int maxRestarts, Duration period) {
        return new SupervisorOptions(strategy, maxRestarts, period, maxChildren);
    }

    /** The most children it may hold; a start beyond that fails. */
    public SupervisorOptions withMaxChildren(int maxChildren) {
        return new SupervisorOptions(strategy, maxRestarts, period, maxChildren);
    }
}
