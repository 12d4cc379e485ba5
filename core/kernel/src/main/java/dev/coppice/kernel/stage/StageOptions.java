package dev.coppice.kernel.stage;

import dev.coppice.kernel.Backoff;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a stage works. Immutable; the with-methods copy.
 *
 * @param concurrency workers
 * @param maxDemand messages that each worker may have asked for and not yet dealt with
 * @param minDemand a worker asks for more once it has no more than that many; 0 to {@code maxDemand - 1}
 * @param attempts how often a message is tried before it is given up
 * @param backoff the pause between attempts; the worker waits, which keeps the order
 * @param rate the stage's limit of speed at the start; null for none
 * @param tick how often {@link Processor#tick} is called; null for never
 */
public record StageOptions(
        int concurrency,
        int maxDemand,
        int minDemand,
        int attempts,
        Backoff backoff,
        @Nullable Rate rate,
        @Nullable Duration tick) {

    /** One worker that asks for up to 100 messages, for more at 50, and tries each once. */
    public static final StageOptions DEFAULT = new StageOptions(1, 100, 50, 1, Backoff.DEFAULT, null, null);

    public StageOptions {
        if (concurrency < 1 || maxDemand < 1 || attempts < 1) {
            throw new IllegalArgumentException("concurrency, maxDemand and attempts must be at least 1, not "
                    + concurrency + ", " + maxDemand + " and " + attempts);
        }
        if (minDemand < 0 || minDemand >= maxDemand) {
            throw new IllegalArgumentException(
                    "minDemand must be from 0 to maxDemand - 1 = " + (maxDemand - 1) + ", not " + minDemand);
        }
        if (tick != null && !tick.isPositive()) {
            throw new IllegalArgumentException("tick " + tick + " must be positive, or null for never");
        }
    }

    /** So many workers. */
    public StageOptions withConcurrency(int concurrency) {
        return new StageOptions(concurrency, maxDemand, minDemand, attempts, backoff, rate, tick);
    }

    /** Asks for up to {@code maxDemand} messages, and for more at half of that. */
    public StageOptions withDemand(int maxDemand) {
        return withDemand(maxDemand / 2, maxDemand);
    }

    /** Each worker asks for up to {@code maxDemand} messages, and again once it has no more than {@code minDemand}. */
    public StageOptions withDemand(int minDemand, int maxDemand) {
        return new StageOptions(concurrency, maxDemand, minDemand, attempts, backoff, rate, tick);
    }

    /** Tries a message so often before it is given up, with pauses between. */
    public StageOptions withAttempts(int attempts, Backoff backoff) {
        return new StageOptions(concurrency, maxDemand, minDemand, attempts, backoff, rate, tick);
    }

    /** At most so many messages in each interval; {@link Pipeline#changeRate} changes it while it runs. */
    public StageOptions withRate(int messages, Duration interval) {
        return new StageOptions(
                concurrency, maxDemand, minDemand, attempts, backoff, new Rate(messages, interval), tick);
    }

    /** Calls {@link Processor#tick} about so often; null for never. */
    public StageOptions withTick(@Nullable Duration tick) {
        return new StageOptions(concurrency, maxDemand, minDemand, attempts, backoff, rate, tick);
    }
}
