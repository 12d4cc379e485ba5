package dev.coppice.store;

/** A running watch. Safe for use by many threads. */
public interface Watch extends AutoCloseable {

    /** The identifier that stands in its responses. */
    long id();

    /**
     * Asks for a response without events that tells up to which revision everything was delivered. It comes once the
     * watch has delivered all that happened before this call.
     */
    void requestProgress();

    /** Ends the watch. A response that is being delivered is finished; then the observer is told that it is closed. */
    @Override
    void close();
}
