package dev.coppice.kernel;

import java.time.Duration;
import java.util.function.Function;

/** What a behaviour sees of its process while a thread runs it, and what the kernel knows of that time. */
final class ProcessView<M> implements ProcessContext<M>, Watchdog.Watched {
    private final ProcessRun<M> run;
    final Thread thread;
    /** When the present stretch of work began, or 0 while it waits. */
    private volatile long sinceNanos;

    /** Messages taken whose room in the mailbox was not given back yet. Of the thread only. */
    int taken;

    private boolean closed;

    ProcessView(ProcessRun<M> run, Thread thread) {
        this.run = run;
        this.thread = thread;
    }

    void begin() {
        sinceNanos = System.nanoTime();
        run.kernel().watchdog().enter(this);
    }

    /** Ends a stretch of work and tells its nanoseconds. */
    long pause() {
        run.kernel().watchdog().leave(this);
        long took = System.nanoTime() - sinceNanos;
        sinceNanos = 0;
        return took;
    }

    /** Interrupts the thread while it works for this process. */
    synchronized void interrupt() {
        if (!closed && thread != Thread.currentThread()) {
            thread.interrupt();
        }
    }

    /** Ends its work for this process: from now on its thread is not interrupted any more. */
    synchronized void close() {
        closed = true;
        Thread.interrupted();
    }

    /** Nanoseconds of the stretch under way. */
    long underWay() {
        long since = sinceNanos;
        return since == 0 ? 0 : System.nanoTime() - since;
    }

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
        ProcessRun<?> target = NamedRef.resolve(other) instanceof ProcessAddress<?> address ? address.run() : null;
        if (target == null) {
            run.exitSignal(other, new ExitReason.NoProcess());
        } else {
            run.link(target);
        }
    }

    @Override
    public void unlink(ProcessRef<?> other) {
        if (NamedRef.resolve(other) instanceof ProcessAddress<?> address
                && address.run() instanceof ProcessRun<?> target) {
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
    }

    @Override
    public String watchedName() {
        return run.child.path();
    }

    @Override
    public long watchedProgress() {
        return run.handled();
    }

    @Override
    public Thread watchedThread() {
        return thread;
    }
}
