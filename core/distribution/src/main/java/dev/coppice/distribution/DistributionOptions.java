package dev.coppice.distribution;

import java.time.Duration;

/**
 * How a node deals with others.
 *
 * @param maxNodes other nodes that may be connected
 * @param queueBytes what may wait for one node
 * @param patience how long a sender waits for room in that queue, and mail for room in a mailbox, before it is dropped
 * @param maxMessageBytes of one message; 1 MiB at most
 * @param retry how long after a failure the same address is tried again
 */
public record DistributionOptions(
        int maxNodes, int queueBytes, Duration patience, int maxMessageBytes, Duration retry) {

    public static final DistributionOptions DEFAULT =
            new DistributionOptions(100, 4 << 20, Duration.ofSeconds(1), 1 << 20, Duration.ofSeconds(1));

    public DistributionOptions {
        if (maxMessageBytes < 64 || maxMessageBytes > 1 << 20) {
            throw new IllegalArgumentException("maxMessageBytes: " + maxMessageBytes + ": expected 64 to " + (1 << 20));
        }
        if (maxNodes < 1 || queueBytes < 1024 || patience.isNegative() || retry.isNegative()) {
            throw new IllegalArgumentException("maxNodes " + maxNodes + ", queueBytes " + queueBytes + ", patience "
                    + patience + ", retry " + retry + ": expected at least 1, 1024, 0 and 0");
        }
    }
}
