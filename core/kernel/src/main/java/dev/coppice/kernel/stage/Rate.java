package dev.coppice.kernel.stage;

import java.time.Duration;

/**
 * A limit of speed: at most so many messages in each interval of the kernel's clock.
 *
 * @param messages at least 1
 * @param interval more than nothing
 */
public record Rate(int messages, Duration interval) {
    public Rate {
        if (messages < 1 || !interval.isPositive()) {
            throw new IllegalArgumentException("a rate needs messages of at least 1 and a positive interval, not "
                    + messages + " and " + interval);
        }
    }
}
