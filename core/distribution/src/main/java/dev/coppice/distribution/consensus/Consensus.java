package dev.coppice.distribution.consensus;

import dev.coppice.distribution.codec.MessageTypes;
import java.io.IOException;
import java.util.function.Supplier;

/** The consensus groups of a node; see {@link ConsensusGroup}. Safe for use by many threads. */
public interface Consensus {

    /**
     * Opens a group on this node; every node that has a vote in the cluster has to. Returns at once: calls wait for a leader.
     *
     * @param name up to 40 lower case letters, digits and dashes, with a letter first
     * @param types of commands and answers
     * @param machine makes an empty one; called again whenever a state is taken over
     */
    <C, Q, A> ConsensusGroup<C, Q, A> open(
            String name, MessageTypes types, Supplier<? extends StateMachine<C, Q, A>> machine) throws IOException;
}
