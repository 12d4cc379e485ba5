package dev.coppice.kernel;

import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * An address of a process. It stays valid over restarts by its supervisor. Safe for use by many threads.
 *
 * @param <M> the messages it takes
 */
public interface ProcessRef<M> {

    String name();

    boolean alive();

    /** Sends and goes on (OTP: cast). Messages of one sender arrive in order. A dead process drops them. */
    void cast(M message);

    /**
     * Sends a request and waits for its answer (OTP: call). The message carries the function to answer with.
     *
     * @throws CallException when the process dies, is dead, throws, or does not answer within {@code timeout}
     */
    <R> R call(Function<Consumer<R>, M> message, Duration timeout);
}
