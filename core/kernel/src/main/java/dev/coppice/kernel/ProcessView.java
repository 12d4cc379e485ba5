package dev.coppice.kernel;

import java.time.Duration;
import java.util.function.Function;

/** What a behaviour sees of its process. */
record ProcessView<M>(ProcessRun<M> run) implements ProcessContext<M> {

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
        Relations ties = run.relations();
        Timers.Timer[] self = new Timers.Timer[1];
        synchronized (self) {
            Timers.Timer timer = run.kernel().timers().schedule(delay, () -> {
                synchronized (self) {
                    ties.removeTimer(self[0]);
                }
                if (run.alive()) {
                    run.sendFromTimer(message);
                }
            });
            self[0] = timer;
            if (!ties.addTimer(timer)) {
                timer.cancel();
            }
        }
        Timers.Timer timer = self[0];
        return () -> {
            ties.removeTimer(timer);
            return timer.cancel();
        };
    }

    @Override
    public void continueWith(M message) {
        run.next(message);
    }

    @Override
    public Monitor monitor(ProcessRef<?> other, Function<Down, M> message) {
        return run.observe(other, message);
    }

    @Override
    public void link(ProcessRef<?> other) {
        ProcessRun<?> target = other instanceof ProcessAddress<?> address ? address.run() : null;
        if (target == null) {
            run.exitSignal(other, new ExitReason.NoProcess());
        } else {
            run.link(target);
        }
    }

    @Override
    public void unlink(ProcessRef<?> other) {
        if (other instanceof ProcessAddress<?> address && address.run() instanceof ProcessRun<?> target) {
            run.unlink(target);
        }
    }

    @Override
    public void trapExits(Function<ExitSignal, M> message) {
        run.trap(message);
    }

    @Override
    public void stop() {
        run.leaveSoon();
    }
}
