package dev.coppice.kernel;

import org.jspecify.annotations.Nullable;

/** A message that a process sends itself later. It is its own entry in the timers and in the list of its process. */
final class MailTimer<M> extends TimerEntry {
    private final ProcessRun<M> run;
    private final Relations ties;
    private final M message;

    /** Neighbours in the list of the process's timers, which {@link Relations} guards. */
    @Nullable
    MailTimer<?> before;

    @Nullable
    MailTimer<?> after;

    boolean linked;

    MailTimer(HeapTimers timers, ProcessRun<M> run, M message) {
        super(timers);
        this.run = run;
        this.ties = run.relations();
        this.message = message;
    }

    @Override
    void fire() {
        ties.removeTimer(this);
        if (run.alive()) {
            run.sendQuietly(message);
        }
    }

    /** Wakes the process for all its mail at once. */
    @Override
    void fired() {
        run.wake();
    }

    @Override
    public boolean cancel() {
        ties.removeTimer(this);
        return super.cancel();
    }
}
