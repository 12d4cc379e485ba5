package dev.coppice.kernel;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A child's place in the tree, which outlives its restarts. Its monitor serialises starts and ends. A million idle processes
 * have one each, so what few of them need is kept apart and made late.
 */
abstract sealed class ChildNode implements Supervisor.Child permits ProcessAddress, SupervisorPlace, WorkPlace {
    private final SupervisorNode parent;
    private final ChildSpec spec;
    private volatile @Nullable Run life;
    private volatile @Nullable Past past;
    /** Neighbours in the order of starting; guarded by the supervisor's lock. */
    @Nullable
    ChildNode before;

    @Nullable
    ChildNode after;

    private volatile long startedMillis;
    private volatile byte state = (byte) Supervisor.State.STARTING.ordinal();
    private volatile boolean wanted = true;
    /** Part of the supervisor's own specification, so it comes back with its siblings even after it ended. */
    final boolean fixed;

    private static final Supervisor.State[] STATES = Supervisor.State.values();

    /** What went wrong so far. */
    private record Past(long restarts, @Nullable Throwable lastFailure) {
        static final Past NONE = new Past(0, null);
    }

    ChildNode(SupervisorNode parent, ChildSpec spec, boolean fixed) {
        this.parent = parent;
        this.spec = spec;
        this.fixed = fixed;
        this.startedMillis = parent.kernel().clock().currentTimeMillis();
    }

    /** The place for a child of the sort that the specification names. */
    static ChildNode of(SupervisorNode parent, ChildSpec spec, boolean fixed) {
        return switch (spec.body()) {
            case ChildSpec.ProcessBody body -> new ProcessAddress<>(parent, spec, body, fixed);
            case ChildSpec.SupervisorBody body -> new SupervisorPlace(parent, spec, body, fixed);
            case ChildSpec.TaskBody _, ChildSpec.ServiceBody _, ChildSpec.PeriodicBody _ ->
                new WorkPlace(parent, spec, fixed);
        };
    }

    /** A life that has not started yet. */
    abstract Run newLife();

    /** Starts it for the first time, or again. Does nothing when it runs already. */
    void launch(boolean again) throws StartException {
        launch(again, null);
    }

    /** The same, on the thread of a life that ended, if there is one that does nothing else. */
    @SuppressWarnings("CatchingUnchecked")
    synchronized void launch(boolean again, @Nullable Activation<?> last) throws StartException {
        if (life != null) {
            return;
        }
        if (!wanted || !parent.launching()) {
            throw new StartException(path() + " was not started: its supervisor is stopping", null);
        }
        become(again ? Supervisor.State.RESTARTING : Supervisor.State.STARTING);
        Run made = newLife();
        life = made;
        boolean counted = false;
        try {
            if (!wanted || !parent.launching()) {
                throw new StartException(path() + " was not started: its supervisor is stopping", null);
            }
            kernel().meters().children(spec.body()).increment();
            counted = true;
            if (last == null) {
                made.start();
            } else {
                made.start(last);
            }
        } catch (Throwable t) {
            made.stopping = true;
            if (!counted) {
                kernel().meters().children(spec.body()).increment();
            }
            made.end(new ExitReason.Crash(t));
            life = null;
            become(Supervisor.State.STOPPED);
            failed(t);
            if (t instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            throw t instanceof StartException s ? s : new StartException(path() + " did not start: " + t, t);
        }
        become(Supervisor.State.RUNNING);
        if (again) {
            startedMillis = kernel().clock().currentTimeMillis();
            Past so = past();
            past = new Past(so.restarts + 1, so.lastFailure);
        }
    }

    private void become(Supervisor.State next) {
        state = (byte) next.ordinal();
    }

    private Past past() {
        Past known = past;
        return known == null ? Past.NONE : known;
    }

    private void failed(Throwable cause) {
        past = new Past(past().restarts, cause);
    }

    /** Ends it, for the supervisor to start again or not. */
    void halt(boolean brutal) {
        Run current = life;
        if (current != null) {
            stopRun(current, brutal);
        }
        synchronized (this) {
            current = life;
            if (current != null) {
                stopRun(current, brutal);
            }
            life = null;
            become(Supervisor.State.STOPPED);
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
        if (life == null) {
            become(Supervisor.State.RESTARTING);
        }
    }

    /** Takes note that a life ended by itself; false when that life is not the current one. */
    synchronized boolean forget(Run ended, ExitReason reason) {
        if (life != ended) {
            return false;
        }
        life = null;
        become(Supervisor.State.STOPPED);
        if (reason instanceof ExitReason.Crash crash) {
            failed(crash.cause());
        }
        return true;
    }

    void lifeOver() {
        kernel().meters().children(spec.body()).decrement();
    }

    /** Tells the supervisor; a thread that has {@code last} run that life, and does nothing else, may act for it. */
    void lifeEnded(Run ended, ExitReason reason, @Nullable Activation<?> last) {
        if (!ended.stopping) {
            parent.exited(this, ended, reason, last);
        }
    }

    Kernel kernel() {
        return parent.kernel();
    }

    @Nullable
    Run life() {
        return life;
    }

    @Override
    public ChildSpec spec() {
        return spec;
    }

    @Override
    public String childName() {
        return spec.name();
    }

    @Override
    public String path() {
        return parent.pathOf(childName());
    }

    @Override
    public Supervisor.State state() {
        return STATES[state];
    }

    @Override
    public long restarts() {
        return past().restarts;
    }

    @Override
    public int mailbox() {
        Run current = life;
        return current == null ? 0 : current.mailbox();
    }

    @Override
    public long handled() {
        Run current = life;
        return current == null ? 0 : current.handled();
    }

    @Override
    public Duration busy() {
        Run current = life;
        return current == null ? Duration.ZERO : Duration.ofNanos(current.busyNanos());
    }

    @Override
    public double busyShare() {
        Run current = life;
        long upMillis = kernel().clock().currentTimeMillis() - startedMillis;
        return current == null || upMillis <= 0 ? 0 : Math.min(1.0, current.busyNanos() / (upMillis * 1e6));
    }

    @Override
    public Instant startedAt() {
        return Instant.ofEpochMilli(startedMillis);
    }

    @Override
    public Optional<Throwable> lastFailure() {
        return Optional.ofNullable(past().lastFailure);
    }

    @Override
    public <M> ProcessRef<M> ref() {
        throw new IllegalStateException(path() + " is a " + spec.sort() + ", not a process");
    }

    @Override
    public SupervisorNode supervisor() {
        throw new IllegalStateException(path() + " is a " + spec.sort() + ", not a supervisor");
    }

    @Override
    public CompletableFuture<Optional<Object>> describe() {
        return CompletableFuture.completedFuture(Optional.empty());
    }

    @Override
    public void trace(@Nullable Tracer tracer) {
        throw new IllegalStateException(path() + " is a " + spec.sort() + ", which has no mail to trace");
    }

    @Override
    public Optional<Thread> thread() {
        Run current = life;
        return current == null ? Optional.empty() : Optional.ofNullable(current.thread());
    }

    @Override
    public void kill() {
        Run current = life;
        if (current != null) {
            current.kill();
        }
    }

    @Override
    public String toString() {
        return path();
    }
}
