package dev.coppice.kernel;

import java.lang.System.Logger.Level;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One life of a child, from a start to an end. Each restart makes a new one. */
abstract class Run {
    private static final System.Logger LOG = System.getLogger(Run.class.getName());
    private static final VarHandle EXIT;

    static {
        try {
            EXIT = MethodHandles.lookup().findVarHandle(Run.class, "exit", ExitReason.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final ChildNode child;
    private volatile @Nullable ExitReason exit;
    volatile boolean stopping;
    private boolean over;

    Run(ChildNode child) {
        this.child = child;
    }

    /** Starts it and returns once it runs; throws when it could not, and is then ended. */
    abstract void start() throws Exception;

    /** The same; it may run on the calling thread once that has nothing else to do, as the last life on it ended. */
    void start(Activation<?> last) throws Exception {
        start();
    }

    /** Asks it to end in order; {@link #end} follows. */
    abstract void requestStop();

    /** Ends it now, whatever its threads do. */
    abstract void kill();

    /** The thread that runs it now, if there is one. */
    @Nullable
    Thread thread() {
        return null;
    }

    int mailbox() {
        return 0;
    }

    long handled() {
        return 0;
    }

    long busyNanos() {
        return 0;
    }

    final boolean alive() {
        return exit == null;
    }

    final @Nullable ExitReason exit() {
        return exit;
    }

    final Kernel kernel() {
        return child.kernel();
    }

    /** Ends this life, once: the first reason counts. Tells the supervisor, unless that asked for the end. */
    final boolean end(ExitReason reason) {
        if (!over(reason)) {
            return false;
        }
        child.lifeEnded(this, reason, null);
        return true;
    }

    /** Ends this life, as {@link #end} does, but leaves it to the caller to tell the supervisor when this gives true. */
    final boolean over(ExitReason reason) {
        if (exit != null || !EXIT.compareAndSet(this, null, reason)) {
            return false;
        }
        child.lifeOver();
        try {
            ended(reason);
        } finally {
            synchronized (this) {
                over = true;
                notifyAll();
            }
        }
        return true;
    }

    /** What follows from the end, such as telling those who wait. */
    void ended(ExitReason reason) {}

    /** Ends it in order, or by force when that takes longer than {@code shutdown} (null: waits for ever). */
    final void stop(@Nullable Duration shutdown) {
        stopping = true;
        if (shutdown != null && shutdown.isZero()) {
            stopNow(); // OTP: brutal_kill
            return;
        }
        if (!alive()) {
            awaitEnd(Duration.ofSeconds(5));
            return;
        }
        requestStop();
        if (!awaitEnd(shutdown)) {
            kernel().meters().abandoned.inc();
            LOG.log(Level.WARNING, "{0} did not stop within {1} and was killed", child.path(), shutdown);
            kill();
            awaitEnd(Duration.ofSeconds(5));
        }
    }

    /** Ends it by force. */
    final void stopNow() {
        stopping = true;
        kill();
        awaitEnd(Duration.ofSeconds(10));
    }

    /** Waits for the end; the limit runs on the kernel's clock and, so that no test hangs, on the machine's as well. */
    private boolean awaitEnd(@Nullable Duration limit) {
        boolean interrupted = false;
        boolean[] expired = new boolean[1];
        Timers.@Nullable Timer timer = null;
        if (limit != null && kernel().wheelTimers().isSimulated()) {
            timer = kernel().timers().schedule(limit, () -> {
                synchronized (this) {
                    expired[0] = true;
                    notifyAll();
                }
            });
        }
        long start = System.nanoTime();
        try {
            synchronized (this) {
                while (!over && !expired[0]) {
                    try {
                        if (limit == null) {
                            wait();
                            continue;
                        }
                        long left = WheelTimers.nanos(limit) - (System.nanoTime() - start);
                        if (left <= 0) {
                            break;
                        }
                        wait(TimeUnit.NANOSECONDS.toMillis(left) + 1);
                    } catch (InterruptedException e) {
                        interrupted = true;
                    }
                }
            }
        } finally {
            if (timer != null) {
                timer.cancel();
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        synchronized (this) {
            return over;
        }
    }
}
