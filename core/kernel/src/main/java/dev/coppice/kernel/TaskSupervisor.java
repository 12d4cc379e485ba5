package dev.coppice.kernel;

import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * Runs single pieces of work as children of a supervisor, so they are seen in the tree, bounded, and stopped with it
 * (Elixir: Task.Supervisor). A task is a process that is never restarted. Safe for use by many threads.
 *
 * <p>For the same work on many inputs take {@link Kernel#tasks}.
 */
public final class TaskSupervisor {
    /** Stopped by force, which interrupts the work: it has no state to clean up. */
    private static final ChildSpec KIND = ChildSpec.<Boolean>process(
                    "task",
                    () -> (self, _) -> {},
                    ProcessOptions.DEFAULT.withMailbox(2, ProcessOptions.Overflow.REJECT))
            .withRestart(ChildSpec.Restart.TEMPORARY)
            .withShutdown(Duration.ZERO);

    private final Kernel kernel;
    private final Supervisor supervisor;

    private TaskSupervisor(Kernel kernel, Supervisor supervisor) {
        this.kernel = kernel;
        this.supervisor = supervisor;
    }

    /** Starts a supervisor for at most {@code maxTasks} tasks at a time. */
    public static TaskSupervisor start(Kernel kernel, Supervisor parent, String name, int maxTasks)
            throws StartException {
        return of(kernel, parent.startSupervisor(name, SupervisorOptions.DEFAULT.withMaxChildren(maxTasks)));
    }

    /** Runs tasks below a supervisor that is there, within its limit of children. */
    public static TaskSupervisor of(Kernel kernel, Supervisor supervisor) {
        return new TaskSupervisor(kernel, supervisor);
    }

    /**
     * Starts work that belongs to the calling process (Elixir: Task.async): when the work throws or is killed, the process
     * gets an exit signal, which ends it unless it traps exits; and when the process ends, for whatever reason, the task is
     * stopped.
     *
     * @param owner the context of the callback that calls
     * @throws StartException when as many tasks run as may
     */
    public <T> AsyncTask<T> async(ProcessContext<?> owner, Callable<T> work) throws StartException {
        return begin(owner, work);
    }

    /**
     * Starts work that belongs to nobody but its supervisor (Elixir: async_nolink): a failure is heard of by who awaits it
     * only.
     *
     * @throws StartException when as many tasks run as may
     */
    public <T> AsyncTask<T> async(Callable<T> work) throws StartException {
        return begin(null, work);
    }

    /** The tasks that run. */
    public int running() {
        return supervisor.childCount();
    }

    private <T> AsyncTask<T> begin(@Nullable ProcessContext<?> owner, Callable<T> work) throws StartException {
        SpanContext span = SpanContext.current().orElse(null);
        TaskResult<T> result = new TaskResult<>(kernel);
        ProcessRef<Boolean> process = supervisor.spawn(KIND, () -> (self, _) -> {
            T value = span == null ? work.call() : span.call(work::call);
            result.complete(new TaskOutcome.Done<>(value));
            self.stop();
        });
        result.follow(process);
        if (owner != null) {
            tie(owner, process);
        }
        process.cast(true);
        return result;
    }

    /** A link tells the owner of a crash; its end, a normal one too, stops the task. */
    private static void tie(ProcessContext<?> owner, ProcessRef<?> process) {
        // The life that calls, which may have been killed meanwhile, and not the next one.
        ProcessRun<?> life = owner instanceof ProcessView<?> view ? view.run : ProcessAddress.living(owner.self());
        Relations ties = life.relations();
        Runnable stop = () -> process.exit(new ExitReason.Shutdown());
        owner.link(process);
        if (!ties.addEnding(stop)) {
            stop.run();
            return;
        }
        process.monitor(_ -> ties.removeEnding(stop));
    }
}
