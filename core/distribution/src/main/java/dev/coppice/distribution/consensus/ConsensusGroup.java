package dev.coppice.distribution.consensus;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A replicated {@link StateMachine}, used from any node of its group. Calls are linearizable: a command is applied once,
 * between its call and its return, and a question sees everything that was acknowledged before it was asked. Safe for use by
 * many threads.
 */
public interface ConsensusGroup<C, Q, A> {

    String name();

    /**
     * Has a command applied on a majority, and waits for its answer. While leaders change it is sent again, and still applied
     * once.
     *
     * @throws ConsensusException when there is no answer within {@code timeout}; then the command may be applied or not
     * @throws CommandException when the state machine refused it
     */
    A apply(C command, Duration timeout);

    /**
     * Asks this node's state machine, once it has applied everything that was acknowledged anywhere before.
     *
     * @throws ConsensusException when a majority cannot be reached within {@code timeout}
     */
    A query(Q question, Duration timeout);

    /** Asks this node's state machine as it is, which may lag behind. */
    A queryStale(Q question);

    boolean leading();

    /** Who leads, by its name in the group; null while nobody is known to. */
    @Nullable
    String leader();
}
