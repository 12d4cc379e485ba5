package dev.coppice.kernel.stage;

/** Takes messages to be dealt with elsewhere. Thread-safe. */
@FunctionalInterface
public interface HandOver<T> {

    /**
     * Takes one, and waits while there is no room for it.
     *
     * @param done hears when it is dealt with; ignored when this throws, which fails the message
     */
    void take(T message, Completion done) throws Exception;

    /** There will be no more, and all that was taken is done; called by each worker. */
    default void end() throws Exception {}
}
