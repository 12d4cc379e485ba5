package dev.coppice.gateway.balance;

/** What a choice may depend on, besides the endpoints. For the time of one choice, on one thread. */
public interface Choice {

    /** What requests have in common that belong together; random where they have nothing. */
    long hash();

    /** Grows by one with each choice of this caller, from some number on, and starts again at 0 after the largest one. */
    int turn();

    /**
     * A random number.
     *
     * @param bound above all of them; at least 1
     */
    int random(int bound);

    /** Nanoseconds of the clock that {@link EndpointLoad} is told by. */
    long nanoTime();

    /** Whether this endpoint is not wanted, such as one where the request has just failed. */
    boolean excluded(int index);

    /** Is told that the endpoint which the hash belongs to has too much to do, and another one is chosen. */
    default void overflowed() {}
}
