package dev.coppice.store.raft;

import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.error.RaftError;
import com.google.protobuf.Message;
import dev.coppice.store.StoreException;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.log.Command;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A numbered command of a cluster's member, on its way to whoever leads. It is settled when this member has applied it; until
 * then it may be tried in one term after the other. Safe for use by many threads.
 */
final class Attempt implements PendingEntry {

    /** What an attempt has come to. */
    enum State {
        /** Nothing is known yet. */
        OPEN,
        /** It was not appended to the log, and will not be in this attempt. */
        NOT_TAKEN,
        /** It was not appended: the leader has too much to do. */
        BUSY,
        /** It is applied here. */
        SETTLED
    }

    private final Command command;
    private State state = State.OPEN;
    private @Nullable Message answer;
    private @Nullable StoreException error;
    private boolean blurred;
    private @Nullable Watchman watchman;

    Attempt(Command command) {
        this.command = command;
    }

    /** Is told, once and on whatever thread, when there is news of an attempt that nobody waits for. */
    interface Watchman {
        void news(Attempt attempt);
    }

    /** Nobody waits for it: news are told instead. To be said before it begins. */
    synchronized void watch(Watchman who) {
        watchman = who;
    }

    private void changed() {
        Watchman told;
        synchronized (this) {
            notifyAll();
            told = watchman;
            watchman = null;
        }
        if (told != null) {
            told.news(this);
        }
    }

    @Override
    public Command command() {
        return command;
    }

    /** Begins again, in another term. */
    synchronized void reopen() {
        if (state != State.SETTLED) {
            state = State.OPEN;
        }
    }

    void ended(State how) {
        synchronized (this) {
            if (state != State.OPEN) {
                return;
            }
            state = how;
        }
        changed();
    }

    /** This member's state was replaced by another's: whether this command is in it cannot be told. */
    void blur() {
        synchronized (this) {
            blurred = true;
        }
        changed();
    }

    synchronized boolean blurred() {
        return blurred && state != State.SETTLED;
    }

    /** There may be news elsewhere: another leader, or none for too long. */
    void nudge() {
        changed();
    }

    synchronized State state() {
        return state;
    }

    /** Called by the library, when it had to lead. */
    @Override
    public void run(Status status) {
        if (!status.isOk()) {
            ended(read(status));
        }
    }

    /** What a refusal by the library says: whether the entry may still be in some log. */
    static State read(Status status) {
        String text = String.valueOf(status.getErrorMsg());
        if (status.getRaftError() == RaftError.EBUSY) {
            return text.contains("transferring") ? State.NOT_TAKEN : State.BUSY;
        }
        boolean refused = status.getRaftError() == RaftError.EPERM
                && (text.startsWith("Is not leader") || text.startsWith("expected_term"));
        return refused ? State.NOT_TAKEN : State.OPEN;
    }

    @Override
    public void answered(Message message) {
        synchronized (this) {
            answer = message;
            state = State.SETTLED;
        }
        changed();
    }

    @Override
    public void refused(StoreException refusal) {
        synchronized (this) {
            // A member that stops tells so; that says nothing about the command.
            error = refusal;
            state = State.SETTLED;
        }
        changed();
    }

    /** Waits for any news, for so long at most. */
    synchronized void pause(long nanos) {
        if (state != State.OPEN || blurred) {
            return;
        }
        try {
            TimeUnit.NANOSECONDS.timedWait(this, Math.max(nanos, 1_000_000));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Errors.stopped();
        }
    }

    synchronized Message result() {
        StoreException refusal = error;
        if (refusal != null) {
            throw new StoreException(refusal.code(), String.valueOf(refusal.getMessage()), refusal);
        }
        Message message = answer;
        if (message == null) {
            throw new IllegalStateException("not settled");
        }
        return message;
    }
}
