package dev.coppice.kernel;

/**
 * Something passive that starts and stops: a listener, an engine, a connection pool. {@link #start} returns once it
 * works, or throws. If it breaks later it calls {@link Failure#report}, and its supervisor restarts it.
 */
public interface Service {

    /**
     * Starts it; returns once it works. What it throws fails the start; it has given back what it took by then, as {@link #stop} is
     * called only after a start that went well.
     */
    void start(Failure failure) throws Exception;

    /** Stops it and gives back what it holds. */
    void stop() throws Exception;

    /** Tells the supervisor that a started service broke. The first report counts. */
    @FunctionalInterface
    interface Failure {
        /** Tells why it broke; returns at once. */
        void report(Throwable reason);
    }
}
