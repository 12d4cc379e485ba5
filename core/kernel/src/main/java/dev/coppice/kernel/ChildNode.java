package dev.coppice.kernel;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A child's place in the tree, which outlives its restarts. Its monitor serialises starts and ends. */
final class ChildNode implements Supervisor.Child {
    private final SupervisorNode parent;
    private final ChildSpec spec;
    /** Part of the supervisor's own specification, so it comes back with its siblings even after it ended. */
    final boolean fixed;

    private final @Nullable SupervisorNode node;
    private final @Nullable ProcessAddress<?> address;
    private volatile @Nullable Run run;
    private volatile Supervisor.State state = Supervisor.State.STARTING;
    private volatile boolean wanted = true;
    private volatile long restarts;
    private volatile long startedNanos;
    private volatile Instant startedAt;
    private volatile @Nullable Throwable lastFailure;

    ChildNode(SupervisorNode parent, ChildSpec spec, boolean fixed) {
        this.parent = parent;
        this.spec = spec;
        this.fixed = fixed;
        this.address = spec.body() instanceof ChildSpec.ProcessBody ? new ProcessAddress<>(this) : null;
        this.startedAt = parent.kernel().clock().now();
        this.node = spec.body() instanceof ChildSpec.SupervisorBody body
                ? new SupervisorNode(parent.kernel(), parent, spec.name(), body)
                : null;
    }

    /** Starts it for the first time, or again. Does nothing when it runs already. */
    @SuppressWarnings("CatchingUnchecked")
    synchronized void launch(boolean again) throws StartException {
        if (run != null) {
            return;
        }
        if (!wanted || !parent.launching()) {
            throw new StartException(path() + " was not started: its supervisor is stopping", null);
        }
        state = again ? Supervisor.State.RESTARTING : Supervisor.State.STARTING;
        Run made = newRun();
        run = made;
        boolean counted = false;
        try {
            if (!wanted || !parent.launching()) {
                throw new StartException(path() + " was not started: its supervisor is stopping", null);
            }
            kernel().meters().children(spec.body()).increment();
            counted = true;
            made.start();
        } catch (Throwable t) {
            made.stopping = true;
            if (!counted) {
                kernel().meters().children(spec.body()).increment();
            }
            made.end(new ExitReason.Crash(t));
            run = null;
            state = Supervisor.State.STOPPED;
            lastFailure = t;
            if (t instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            throw t instanceof StartException s ? s : new StartException(path() + " did not start: " + t, t);
        }
        startedAt = kernel().clock().now();
        startedNanos = System.nanoTime();
        state = Supervisor.State.RUNNING;
        if (again) {
            restarts = restarts + 1;
        }
    }

    private Run newRun() {
        return switch (spec.body()) {
            case ChildSpec.ProcessBody body -> new ProcessRun<>(this, body);
            case ChildSpec.TaskBody body -> new TaskRun(this, body.task(), null);
            case ChildSpec.ServiceBody body -> new ServiceRun(this, body.service());
            case ChildSpec.PeriodicBody body -> new TaskRun(this, body.action(), body);
            case ChildSpec.SupervisorBody body -> new SupervisorRun(this, supervisor());
        };
    }

    /** Ends it, for the supervisor to start again or not. */
    void halt(boolean brutal) {
        Run current = run;
        if (current != null) {
            stopRun(current, brutal);
        }
        synchronized (this) {
            current = run;
            if (current != null) {
                stopRun(current, brutal);
            }
            run = null;
            state = Supervisor.State.STOPPED;
        }
    }

    private void stopRun(Run current, boolean brutal) {
        if (brutal) {
            current.stopNow();
        } else {
            current.stop(spec.shutdown());
        }
    }

    /** Marks it as not to be started any more. */
    void unwanted() {
        wanted = false;
    }

    boolean isWanted() {
        return wanted;
    }

    /** Shows that it is about to be started again; a late caller, past the start by somebody else, changes nothing. */
    synchronized void restarting() {
        if (run == null) {
            state = Supervisor.State.RESTARTING;
        }
    }

    /** Takes note that a life ended by itself; false when that life is not the current one. */
    synchronized boolean forget(Run ended, ExitReason reason) {
        if (run != ended) {
            return false;
        }
        run = null;
        state = Supervisor.State.STOPPED;
        if (reason instanceof ExitReason.Crash crash) {
            lastFailure = crash.cause();
        }
        return true;
    }

    void lifeOver() {
        kernel().meters().children(spec.body()).decrement();
    }

    void runEnded(Run ended, ExitReason reason) {
        if (!ended.stopping) {
            parent.exited(this, ended, reason);
        }
    }

    Kernel kernel() {
        return parent.kernel();
    }

    @Nullable
    Run run() {
        return run;
    }

    @Override
    public ChildSpec spec() {
        return spec;
    }

    @Override
    public String path() {
        return parent.pathOf(spec.name());
    }

    @Override
    public Supervisor.State state() {
        return state;
    }

    @Override
    public long restarts() {
        return restarts;
    }

    @Override
    public int mailbox() {
        Run current = run;
        return current == null ? 0 : current.mailbox();
    }

    @Override
    public long handled() {
        Run current = run;
        return current == null ? 0 : current.handled();
    }

    @Override
    public Duration busy() {
        Run current = run;
        return current == null ? Duration.ZERO : Duration.ofNanos(current.busyNanos());
    }

    @Override
    public double busyShare() {
        Run current = run;
        long up = System.nanoTime() - startedNanos;
        return current == null || up <= 0 ? 0 : Math.min(1.0, (double) current.busyNanos() / up);
    }

    @Override
    public Instant startedAt() {
        return startedAt;
    }

    @Override
    public Optional<Throwable> lastFailure() {
        return Optional.ofNullable(lastFailure);
    }

    @Override
    @SuppressWarnings("unchecked")
    public <M> ProcessRef<M> ref() {
        if (address == null) {
            throw new IllegalStateException(path() + " is a " + spec.sort() + ", not a process");
        }
        return (ProcessRef<M>) address;
    }

    @Override
    public SupervisorNode supervisor() {
        if (node == null) {
            throw new IllegalStateException(path() + " is a " + spec.sort() + ", not a supervisor");
        }
        return node;
    }

    @Override
    public void kill() {
        Run current = run;
        if (current != null) {
            current.kill();
        }
    }

    @Override
    public String toString() {
        return path();
    }
}
