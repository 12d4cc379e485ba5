package dev.coppice.kernel;

import java.time.Duration;
import java.util.function.Function;

/** What a behaviour sees of its process while a thread runs it. */
abstract sealed class ProcessView<M> implements ProcessContext<M> permits Activation {
    final ProcessRun<M> run;

    ProcessView(ProcessRun<M> run) {
        this.run = run;
    }

    /** Makes the thread look at what is not mail, before the next message. */
    abstract void attend();

    @Override
    public ProcessRef<M> self() {
        return run.child.ref();
    }

    @Override
    public Kernel kernel() {
        return run.kernel();
    }

    @Override
    public Timers.Timer sendAfter(Duration delay, M message) {
        WheelTimers timers = run.kernel().wheelTimers();
        MailTimer<M> timer = new MailTimer<>(timers, run, message);
        if (run.relations().addTimer(timer)) {
            timers.schedule(timer, delay);
            if (!run.alive()) {
                timer.cancel(); // it ended in between, and had nothing to cancel yet
            }
        }
        return timer;
    }

    @Override
    public void continueWith(M message) {
        run.next(message);
        attend();
    }

    @Override
    public Monitor monitor(ProcessRef<?> other, Function<Down, M> message) {
        return run.observe(other, message);
    }

    @Override
    public void link(ProcessRef<?> other) {
        ProcessRef<?> resolved = NamedRef.resolve(other);
        if (resolved instanceof ForeignRef<?> foreign) {
            foreign.link(self());
            return;
        }
        ProcessRun<?> target = resolved instanceof ProcessAddress<?> address ? address.run() : null;
        if (target == null) {
            run.exitSignal(other, new ExitReason.NoProcess());
        } else {
            run.link(target);
        }
    }

    @Override
    public void unlink(ProcessRef<?> other) {
        ProcessRef<?> resolved = NamedRef.resolve(other);
        if (resolved instanceof ForeignRef<?> foreign) {
            foreign.unlink(self());
        } else if (resolved instanceof ProcessAddress<?> address && address.run() instanceof ProcessRun<?> target) {
            run.unlink(target);
        }
    }

    @Override
    public void trapExits(Function<ExitSignal, M> message) {
        run.relations().trap = message;
    }

    @Override
    public void stop() {
        run.relations().leaving = true;
        attend();
    }
}
