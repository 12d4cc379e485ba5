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

    /** Its path in the tree, such as {@code /areas/health/scheduler}; for an address by name, that name. */
    String name();

    /** Whether it is in a life now; between a crash and the restart it is not. */
    boolean alive();

    /** Sends and goes on (OTP: cast). Messages of one sender arrive in order. A dead process drops them. */
    void cast(M message);

    /**
     * Sends a request and waits for its answer (OTP: call). The message carries the function to answer with.
     *
     * @throws CallException when the process dies, is dead, throws, or does not answer within {@code timeout}
     */
    <R> R call(Function<Consumer<R>, M> message, Duration timeout);

    /**
     * Tells, exactly once, that the process ended (OTP: monitor). A restart is an end: monitor again to follow the new life.
     * For a process that is dead now, the action runs at once with {@link ExitReason.NoProcess}.
     *
     * @param action short, does not block; runs in the thread that ends the process
     */
    Monitor monitor(Consumer<Down> action);

    /**
     * Sends an exit signal (OTP: exit/2). {@link ExitReason.Killed} kills, and cannot be trapped; others reach a process
     * that traps exits as mail, and end any other, except {@link ExitReason.Normal}, which only a trapping process sees.
     */
    void exit(ExitReason reason);

    /** Holds its mail back until {@link #resume}; exits and stops still act (OTP: sys:suspend). */
    void suspend();

    /** Lets it go on with its mail (OTP: sys:resume). */
    void resume();

    /** Messages that wait. */
    int mailbox();
}
