package dev.coppice.kernel;

/**
 * Something passive that starts and stops: a listener, an engine, a connection pool. {@link #start} returns once it
 * works, or throws. If it breaks later it calls {@link Failure#report}, and its supervisor restarts it.
 */
public interface Service {

    void start(Failure failure) throws Exception;

    void stop() throws Exception;

    /** Tells the supervisor that a started service broke. The first report counts. */
    @FunctionalInterface
    interface Failure {
        void report(Throwable reason);
    }
}
