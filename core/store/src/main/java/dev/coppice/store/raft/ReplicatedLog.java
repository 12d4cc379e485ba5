package dev.coppice.store.raft;

import com.google.protobuf.Message;
import dev.coppice.store.StoreException;
import dev.coppice.store.engine.Machine;
import dev.coppice.store.log.Command;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A log of commands that a majority of members has on disk, applied to every member's state in the same order. The seam
 * between the store and the Raft library. Safe for use by many threads.
 */
public interface ReplicatedLog extends AutoCloseable {

    /**
     * Proposes a command and waits until it was applied here.
     *
     * @throws dev.coppice.store.StoreException the command's own error; {@code UNAVAILABLE} when there is no leader, or when it
     *     is not known whether the command will be applied; {@code RESOURCE_EXHAUSTED} when too many wait
     */
    Message propose(Command command);

    /**
     * Proposes a command without waiting. Its outcome is told once, with the errors of {@link #propose(Command)}: before this
     * returns, or later by the thread that applies commands, which must not be held up.
     */
    void propose(Command command, Machine.Outcome outcome);

    /** Whether it is certain, without asking anybody, that everything acknowledged is applied here. */
    boolean upToDate();

    /** Waits until everything acknowledged anywhere before this call is applied here. */
    void barrier();

    /**
     * The same without waiting.
     *
     * @param reached told once, by a thread that may wait: null, or why it cannot be known
     */
    void barrier(Consumer<@Nullable StoreException> reached);

    boolean leading();

    /** Who leads, and who led. */
    Leaders leaders();

    long term();

    /** The index of the last entry known to be committed. */
    long committed();

    /** How often somebody began to lead since this log was opened. */
    long leaderChanges();

    /** Proposals whose outcome is not known, or that the log did not take, since this log was opened. */
    long failures();

    /** How often a leader took too long to tell how far it is committed. */
    long slowReads();

    /** How often it was given up to ask a leader for that. */
    long failedReads();

    /** Proposals on their way. */
    int waiting();

    /** The size of the log's files. */
    long bytes();

    /** Lets the log forget what the state on disk contains, when enough has come together since the last time. */
    void compact();

    @Override
    void close();
}
