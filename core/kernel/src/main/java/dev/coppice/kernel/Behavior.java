package dev.coppice.kernel;

/**
 * What a process does with its mail (OTP: the gen_server callbacks). One message at a time, so its state needs no locks.
 *
 * @param <M> the messages, usually a sealed interface of records
 */
public interface Behavior<M> {

    /** Runs before any mail; {@code start} of the supervisor returns after it. */
    default void init(ProcessContext<M> self) throws Exception {}

    void handle(ProcessContext<M> self, M message) throws Exception;

    /** Runs when the process ends, unless it is killed. */
    default void terminate(ProcessContext<M> self, ExitReason reason) throws Exception {}
}
