package dev.coppice.kernel;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A supervisor: starts children, restarts them by its strategy, stops them in reverse order. Safe for many threads.
 *
 * <p>A child that ended and is not to be restarted is forgotten. A supervisor that is itself restarted brings back all the
 * children it had, those started later included, except temporary ones; handles and addresses stay valid. One-for-one
 * children start beside each other; with the other strategies a child must not start siblings while it starts.
 */
public interface Supervisor {

    /** Its name among its siblings. */
    String name();

    /** The path from the root, such as {@code /areas/health/scheduler}. */
    String path();

    /** How it treats its children. */
    SupervisorOptions options();

    /**
     * Starts a child and waits until it runs.
     *
     * @throws StartException when it fails to start, the name is taken, or the supervisor is full or stopping
     */
    Child start(ChildSpec spec) throws StartException;

    /**
     * Starts one more process of a kind (OTP: simple_one_for_one). It has a number instead of a name of its own, as in
     * {@code session#17}, and shares the specification, so that ten million of them fit into memory: below 150 bytes each,
     * its behaviour included, while idle.
     *
     * @param kind how each of them is run and restarted: a {@linkplain ChildSpec#process process}, made once
     * @param behavior what this one does; kept, for restarts
     * @throws StartException when it fails to start, or the supervisor is full or stopping
     */
    <M> ProcessRef<M> spawn(ChildSpec kind, Supplier<? extends Behavior<M>> behavior) throws StartException;

    /** Starts a process and gives its address. */
    default <M> ProcessRef<M> startProcess(ChildSpec spec) throws StartException {
        return start(spec).ref();
    }

    /** Starts a supervisor below this one. */
    default Supervisor startSupervisor(String name, SupervisorOptions options) throws StartException {
        return start(ChildSpec.supervisor(name, options)).supervisor();
    }

    /** Starts an executor of supervised virtual threads, without a limit of its own below 100,000 tasks. */
    default SupervisedExecutor executor(String name) throws StartException {
        return executor(name, SupervisedExecutor.MAX_TASKS);
    }

    /**
     * Starts an executor of supervised virtual threads, for libraries that want one.
     *
     * @param concurrency tasks that run at a time; others wait
     */
    SupervisedExecutor executor(String name, int concurrency) throws StartException;

    /** Stops a child and forgets it; false when there is none of that name. */
    boolean stop(String name);

    /** The child of that name. */
    Optional<Child> child(String name);

    /** All children in the order of their starts. */
    default List<Child> children() {
        return children(Integer.MAX_VALUE);
    }

    /** The first children in the order of their starts, at most {@code limit}. */
    List<Child> children(int limit);

    /** Children now, those that are being restarted included. */
    int childCount();

    /** A child of a supervisor, over all its restarts. */
    interface Child {
        /** How it is started, restarted and stopped. */
        ChildSpec spec();

        /** Its name among its siblings: that of its specification, or with a number as in {@code session#17}. */
        String childName();

        /** The path from the root. */
        String path();

        /** What it is doing now. */
        State state();

        /** How often it was restarted. */
        long restarts();

        /** Messages waiting; 0 for what has no mailbox. */
        int mailbox();

        /** Messages handled, or runs of a periodic action. */
        long handled();

        /** Time spent in handlers and runs since the last start, waiting included; an upper bound of the CPU time. */
        Duration busy();

        /** {@link #busy} as a share, 0 to 1, of the time since the last start. */
        double busyShare();

        /** When its present life began, on the kernel's clock. */
        Instant startedAt();

        /** The last crash, if any. */
        Optional<Throwable> lastFailure();

        /** The address of a process. Throws IllegalStateException for other sorts. */
        <M> ProcessRef<M> ref();

        /** The supervisor that this child is. Throws IllegalStateException for other sorts. */
        Supervisor supervisor();

        /**
         * What its behaviour {@linkplain Behavior#describe tells} of its state (OTP: sys:get_state), asked for in its own
         * thread between two messages: completes once it gets there, and empty when it ends before or has nothing to tell.
         */
        CompletableFuture<Optional<Object>> describe();

        /**
         * Shows the mail of this life of a process to the tracer, or to nobody when null (OTP: sys:trace). One at a time.
         * Throws IllegalStateException for other sorts.
         */
        void trace(@Nullable Tracer tracer);

        /** The thread that runs it now, if there is one. */
        Optional<Thread> thread();

        /**
         * Kills it without clean-up, as a crash: its supervisor acts. For fault tests and operators. Only a service is
         * stopped, within 5 seconds, to free its port for the next one.
         */
        void kill();
    }

    /** What a child is doing. */
    enum State {
        /** It is started for the first time. */
        STARTING,
        /** It lives. */
        RUNNING,
        /** It ended, and is about to live again. */
        RESTARTING,
        /** It ended, or could not start. */
        STOPPED
    }
}
