package dev.coppice.distribution;

/**
 * How a singleton runs.
 *
 * @param minNodes it runs only while so many nodes, this one included, are connected: with more than half of all, at most one
 *     side of a net split has it; with 1, every side has one until they are connected again
 */
public record SingletonOptions(int minNodes) {
    public static final SingletonOptions DEFAULT = new SingletonOptions(1);

    public SingletonOptions {
        if (minNodes < 1) {
            throw new IllegalArgumentException("minNodes: " + minNodes + ": expected at least 1");
        }
    }
}
