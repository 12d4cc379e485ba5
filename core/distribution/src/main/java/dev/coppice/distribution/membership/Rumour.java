package dev.coppice.distribution.membership;

/**
 * What nodes tell each other of a node.
 *
 * @param address where it is reached, {@code HOST:PORT}
 * @param number raised by the node itself; the higher one is the newer
 */
public record Rumour(String address, long number, State state) {
    /** The later one wins among those of the same number. */
    public enum State {
        ALIVE,
        SUSPECT,
        DEAD
    }
}
