package dev.coppice.kernel;

import org.jspecify.annotations.Nullable;

/**
 * A message that a process sends itself later. It is its own entry in the timers, in the list of its process and, once it
 * fired, in the mailbox; there the process takes it out of its list, which no other thread writes while all goes well.
 */
final class MailTimer<M> extends TimerEntry implements KernelMail {
    private final ProcessRun<M> run;
    private final Relations ties;
    private final M message;

    /** Neighbours in the list of the process's timers, which {@link Relations} guards. */
    @Nullable
    MailTimer<?> before;

    @Nullable
    MailTimer<?> after;

    boolean linked;

    MailTimer(WheelTimers timers, ProcessRun<M> run, M message) {
        super(timers);
        this.run = run;
        this.ties = run.relations();
        this.message = message;
    }

    @Override
    void fire() {
        run.sendFromTimer(this);
    }

    /** Leaves the list of the process's timers, and gives the message. */
    M opened() {
        leave();
        return message;
    }

    void leave() {
        ties.removeTimer(this);
    }

    Relations ties() {
        return ties;
    }

    ProcessRun<M> run() {
        return run;
    }

    @Override
    public boolean cancel() {
        leave();
        return super.cancel();
    }
}
