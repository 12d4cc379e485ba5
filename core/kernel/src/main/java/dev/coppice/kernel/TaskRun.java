package dev.coppice.kernel;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A task or a periodic action, on a virtual thread of its own. Stopping it means interrupting it. */
final class TaskRun extends Run {
    private final Task task;
    private final ChildSpec.@Nullable PeriodicBody period;
    private volatile @Nullable Thread thread;
    private volatile long handled;
    private volatile long busyNanos;
    private volatile long busySince;

    TaskRun(ChildNode child, Task task, ChildSpec.@Nullable PeriodicBody period) {
        super(child);
        this.task = task;
        this.period = period;
    }

    @Override
    void start() {
        Thread t = Thread.ofVirtual().name(child.path()).unstarted(this::body);
        thread = t;
        if (alive()) {
            t.start();
        }
    }

    @Override
    void requestStop() {
        Thread t = thread;
        if (t == null) {
            end(new ExitReason.Shutdown());
        } else {
            t.interrupt();
        }
    }

    @Override
    void kill() {
        end(new ExitReason.Killed());
    }

    /** Interrupts a killed one before its next life can begin, so that it can tell that it is not the newest. */
    @Override
    void ended(ExitReason reason) {
        Thread t = thread;
        if (reason instanceof ExitReason.Killed && t != null) {
            t.interrupt();
        }
    }

    @Override
    @Nullable
    Thread thread() {
        return thread;
    }

    @Override
    long handled() {
        return handled;
    }

    @Override
    long busyNanos() {
        long since = busySince;
        return busyNanos + (since == 0 ? 0 : System.nanoTime() - since);
    }

    @SuppressWarnings("CatchingUnchecked")
    private void body() {
        try {
            if (period == null) {
                once();
            } else {
                repeat(period);
            }
            end(stopping ? new ExitReason.Shutdown() : new ExitReason.Normal());
        } catch (Throwable t) {
            end(stopping ? new ExitReason.Shutdown() : new ExitReason.Crash(t));
        }
    }

    private void repeat(ChildSpec.PeriodicBody body) throws Exception {
        long jitter = WheelTimers.nanos(body.jitter());
        if (jitter > 0) {
            kernel().timers().sleep(Duration.ofNanos(kernel().random().nextLong(jitter)));
        }
        while (alive() && !stopping) {
            once();
            kernel().timers().sleep(body.interval());
        }
    }

    @SuppressWarnings("NonAtomicVolatileUpdate")
    private void once() throws Exception {
        long start = System.nanoTime();
        busySince = start;
        try {
            task.run();
        } finally {
            busySince = 0;
            busyNanos += System.nanoTime() - start;
            handled++;
        }
    }
}
