package dev.coppice.distribution.consensus;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * What a user has replicated: every node of a group applies the same commands in the same order to one of these. It must be
 * deterministic: no clock, no randomness, no other state than its own; what it needs of those travels in commands. Called by
 * one thread at a time.
 *
 * @param <C> commands, registered messages
 * @param <Q> questions, which stay on the node that asks
 * @param <A> answers, registered messages
 */
public interface StateMachine<C, Q, A> {

    /** Applies a command. What it throws goes to who sent the command, and must leave the same state on all nodes. */
    A apply(C command);

    /** Answers a question and changes nothing. */
    A query(Q question);

    /** Writes all of its state; no command is applied meanwhile. */
    void snapshot(OutputStream out) throws IOException;

    /** Takes over the state that another one wrote; its own is that of a new one. */
    void restore(InputStream in) throws IOException;
}
