package dev.coppice.store.raft;

import com.alipay.sofa.jraft.Status;
import com.google.protobuf.Message;
import dev.coppice.kernel.Timers;
import dev.coppice.store.StoreException;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.engine.Machine;
import dev.coppice.store.log.Command;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A command on its way through the log of the only member. Its outcome is told once: what it came to, that the log did not
 * take it, or that it is not known what it comes to: the log gave up, or nothing was heard of it for too long.
 */
final class Proposal implements PendingEntry {

    private final Command command;
    private final AtomicReference<Machine.@Nullable Outcome> waiting;
    private final Timers.Timer timer;

    Proposal(Command command, Machine.Outcome waiting, Timers timers, Duration timeout) {
        this.command = command;
        this.waiting = new AtomicReference<>(waiting);
        this.timer = timers.schedule(timeout, () -> refused(Errors.timeout()));
    }

    @Override
    public Command command() {
        return command;
    }

    /** Called by the library when the log could not take it, or lost it. */
    @Override
    public void run(Status status) {
        if (!status.isOk()) {
            refused(failure(status));
        }
    }

    /**
     * That there is no leader is said only of what was never appended: what was may be in the log, although the leader gave up,
     * and then happens when the log is opened again.
     */
    private static StoreException failure(Status status) {
        return switch (Attempt.read(status)) {
            case NOT_TAKEN -> Errors.noLeader();
            case BUSY -> Errors.tooManyRequests();
            case OPEN, SETTLED -> Errors.timeoutByLeader();
        };
    }

    @Override
    public void answered(Message answer) {
        Machine.Outcome told = waiting.getAndSet(null);
        if (told != null) {
            timer.cancel();
            told.answered(answer);
        }
    }

    @Override
    public void refused(StoreException error) {
        Machine.Outcome told = waiting.getAndSet(null);
        if (told != null) {
            timer.cancel();
            told.refused(error);
        }
    }
}
