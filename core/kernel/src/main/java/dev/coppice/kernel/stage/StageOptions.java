package dev.coppice.kernel.stage;

import dev.coppice.kernel.Backoff;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a stage works. Immutable; the with-methods copy.
 *
 * @param concurrency workers
 * @param demand messages that each worker may have asked for and not yet dealt with
 * @param attempts how often a message is tried before it is given up
 * @param backoff the pause between attempts; the worker waits, which keeps the order
 * @param pause the least time between two messages of the stage (its rate limit); null for none
 */
public record StageOptions(
        int concurrency,
        int demand,
        int attempts,
        Backoff backoff,
        @Nullable Duration pause) {

    /** One worker that asks for up to 100 messages and tries each once. */
    public static final StageOptions DEFAULT = new StageOptions(1, 100, 1, Backoff.DEFAULT, null);

    public StageOptions {
        if (concurrency < 1 || demand < 1 || attempts < 1) {
            throw new IllegalArgumentException("concurrency, demand and attempts must be at least 1, not " + concurrency
                    + ", " + demand + " and " + attempts);
        }
    }

    public StageOptions withConcurrency(int concurrency) {
        return new StageOptions(concurrency, demand, attempts, backoff, pause);
    }

    public StageOptions withDemand(int demand) {
        return new StageOptions(concurrency, demand, attempts, backoff, pause);
    }

    public StageOptions withAttempts(int attempts, Backoff backoff) {
        return new StageOptions(concurrency, demand, attempts, backoff, pause);
    }

    /** At most so many messages in each period, evenly spaced. */
    public StageOptions withRate(int messages, Duration period) {
        return new StageOptions(concurrency, demand, attempts, backoff, period.dividedBy(messages));
    }
}
