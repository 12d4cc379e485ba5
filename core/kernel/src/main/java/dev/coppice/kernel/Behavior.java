package dev.coppice.kernel;

import org.jspecify.annotations.Nullable;

/**
 * What a process does with its mail (OTP: the gen_server callbacks). One message at a time, so its state needs no locks.
 *
 * @param <M> the messages, usually a sealed interface of records
 */
public interface Behavior<M> {

    /** Runs before any mail; {@code start} of the supervisor returns after it, and throws what it throws. */
    default void init(ProcessContext<M> self) throws Exception {}

    /**
     * Handles one message. An exception, or an error, is a crash: the process ends and its supervisor acts. It may block; it is
     * interrupted when the process has to end at once.
     */
    void handle(ProcessContext<M> self, M message) throws Exception;

    /**
     * What people may see of its state, such as on the console; null for nothing. Runs in the process's own thread. Short,
     * without secrets; its {@code toString} is shown.
     */
    default @Nullable Object describe() {
        return null;
    }

    /** Runs when the process ends, unless it is killed. */
    default void terminate(ProcessContext<M> self, ExitReason reason) throws Exception {}
}
