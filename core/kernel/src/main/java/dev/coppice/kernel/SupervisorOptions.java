package dev.coppice.kernel;

import java.time.Duration;

/**
 * How a supervisor treats its children.
 *
 * @param strategy which siblings are restarted with a child that died
 * @param maxRestarts restarts allowed within {@code period}; one more stops the supervisor, which escalates
 * @param period the sliding window of {@code maxRestarts}
 * @param maxChildren the most children it may hold
 */
public record SupervisorOptions(Strategy strategy, int maxRestarts, Duration period, int maxChildren) {

    public static final SupervisorOptions DEFAULT =
            new SupervisorOptions(Strategy.ONE_FOR_ONE, 3, Duration.ofSeconds(5), 100_000);

    public enum Strategy {
        ONE_FOR_ONE,
        ONE_FOR_ALL,
        REST_FOR_ONE
    }

    public SupervisorOptions withStrategy(Strategy strategy) {
        return new SupervisorOptions(strategy, maxRestarts, period, maxChildren);
    }

    public SupervisorOptions withIntensity(int maxRestarts, Duration period) {
        return new SupervisorOptions(strategy, maxRestarts, period, maxChildren);
    }

    public SupervisorOptions withMaxChildren(int maxChildren) {
        return new SupervisorOptions(strategy, maxRestarts, period, maxChildren);
    }
}
