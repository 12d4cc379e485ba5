package dev.coppice.kernel;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Growing pauses between attempts: exponential, bounded, with jitter. Immutable.
 *
 * @param first the pause after the first failure
 * @param max the longest pause, before jitter
 * @param factor growth from one pause to the next, at least 1
 * @param jitter the share, 0 to 1, by which a pause may be shortened at random
 */
public record Backoff(Duration first, Duration max, double factor, double jitter) {

    /** From 100 ms, doubling, to 30 s, shortened by up to a half. */
    public static final Backoff DEFAULT = new Backoff(Duration.ofMillis(100), Duration.ofSeconds(30), 2, 0.5);

    public Backoff {
        if (first.isNegative() || max.compareTo(first) < 0 || !(factor >= 1) || !(jitter >= 0 && jitter <= 1)) {
            throw new IllegalArgumentException(
                    "back-off needs 0 <= first <= max, factor >= 1 and jitter from 0 to 1, not first=" + first + " max="
                            + max + " factor=" + factor + " jitter=" + jitter);
        }
    }

    /** From {@code first} to {@code max}, doubling, shortened by up to a half. */
    public static Backoff of(Duration first, Duration max) {
        return new Backoff(first, max, 2, 0.5);
    }

    /** The pause after so many failures in a row, from 1 up; below that there is none. */
    public Duration delay(int failures, RandomGenerator random) {
        if (failures <= 0) {
            return Duration.ZERO;
        }
        double limit = WheelTimers.nanos(max);
        double full = Math.min(limit, WheelTimers.nanos(first) * Math.pow(factor, failures - 1.0));
        return Duration.ofNanos((long) (full * (1 - jitter * random.nextDouble())));
    }
}
