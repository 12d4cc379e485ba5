package dev.coppice.control.runtime;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Exponential delays with jitter. Immutable.
 *
 * @param base the first delay
 * @param most the longest delay
 * @param jitter the part, 0 to 1, of a delay that is random: 0.2 makes 1 s into 0.9 s to 1.1 s
 */
public record Backoff(Duration base, Duration most, double jitter) {

    /** For keys of a work queue: 5 ms, 10 ms, 20 ms … 5 minutes. */
    public static final Backoff KEYS = new Backoff(Duration.ofMillis(5), Duration.ofMinutes(5), 0.2);

    /** For lists and watches that fail: 200 ms … 30 s. */
    public static final Backoff WATCHES = new Backoff(Duration.ofMillis(200), Duration.ofSeconds(30), 0.5);

    public Backoff {
        if (!base.isPositive() || most.compareTo(base) < 0 || jitter < 0 || jitter > 1) {
            throw new IllegalArgumentException(
                    "back-off from " + base + " to " + most + " with jitter " + jitter + " makes no sense");
        }
    }

    /** The delay after so many failures, counted from 1. */
    public Duration after(int failures, RandomGenerator random) {
        int doublings = Math.clamp(failures - 1L, 0, 40);
        long nanos = base.toNanos() << Math.min(doublings, Long.numberOfLeadingZeros(base.toNanos()) - 2);
        long bounded = Math.min(nanos, most.toNanos());
        double factor = 1 - jitter / 2 + jitter * random.nextDouble();
        return Duration.ofNanos((long) (bounded * factor));
    }
}
