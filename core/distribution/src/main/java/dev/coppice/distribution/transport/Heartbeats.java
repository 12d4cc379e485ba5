package dev.coppice.distribution.transport;

import java.time.Duration;

/**
 * How a silent node is noticed.
 *
 * @param interval between two heartbeats
 * @param missed so many in a row, and the connection is closed
 */
public record Heartbeats(Duration interval, int missed) {
    public static final Heartbeats DEFAULT = new Heartbeats(Duration.ofSeconds(1), 4);

    public Heartbeats {
        if (interval.isNegative() || interval.isZero() || missed < 1) {
            throw new IllegalArgumentException(
                    "interval " + interval + ", missed " + missed + ": expected more than nothing");
        }
    }

    Duration silence() {
        return interval.multipliedBy(missed);
    }
}
