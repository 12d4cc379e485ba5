package dev.coppice.kernel;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;

/**
 * One piece of work on a process of its own, and its result (Elixir: Task). Get one from a {@link TaskSupervisor}. Safe for
 * use by many threads.
 */
public interface AsyncTask<T> extends AutoCloseable {

    /** Its path in the tree. */
    String name();

    /** Whether it has ended, in any way. */
    boolean isDone();

    /**
     * Waits for the value (Elixir: Task.await). A time-out leaves the task alone: an exception that leaves the callback of
     * its owner ends both, and who catches it may wait again or {@link #shutdown} it.
     *
     * @throws ExecutionException with the cause, when the work threw
     * @throws CancellationException when the task was killed or stopped
     */
    T await(Duration timeout) throws InterruptedException, ExecutionException, TimeoutException;

    /** Waits for the end, in any way; empty when the time is over first (Elixir: Task.yield). */
    Optional<TaskOutcome<T>> poll(Duration timeout) throws InterruptedException;

    /**
     * Ends the task: interrupts the work, and kills it when it goes on after {@code timeout}. Gives the value when it came
     * in time, or the failure; empty when the task was stopped (Elixir: Task.shutdown).
     */
    Optional<TaskOutcome<T>> shutdown(Duration timeout) throws InterruptedException;

    /** Kills the task if it still runs; does not wait. */
    @Override
    void close();
}
