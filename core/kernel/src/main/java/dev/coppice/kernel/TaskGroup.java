package dev.coppice.kernel;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Work on many inputs at a time, from a blocking call (Elixir: Task.async_stream). Each input gets a virtual thread; when one
 * fails, the time is over or the caller is interrupted, the others are interrupted, and no thread outlives the call by more
 * than 5 seconds. Immutable; get one from {@link Kernel#tasks}.
 */
public final class TaskGroup {
    private static final Duration ENDING = Duration.ofSeconds(5);

    private final Kernel kernel;
    private final int limit;
    private final @Nullable Duration timeout;

    /** Work on one input. */
    @FunctionalInterface
    public interface Work<T, R> {
        R apply(T input) throws Exception;
    }

    TaskGroup(Kernel kernel, int limit, @Nullable Duration timeout) {
        if (limit < 1) {
            throw new IllegalArgumentException("limit " + limit + " must be at least 1");
        }
        this.kernel = kernel;
        this.limit = limit;
        this.timeout = timeout;
    }

    /** The same with a bound, on the kernel's clock, for the whole call. */
    public TaskGroup withTimeout(Duration timeout) {
        return new TaskGroup(kernel, limit, timeout);
    }

    /**
     * The results in the order of the inputs.
     *
     * @throws ExecutionException with the cause, when one fails
     */
    public <T, R> List<R> map(Collection<T> inputs, Work<T, R> work)
            throws InterruptedException, ExecutionException, TimeoutException {
        List<@Nullable R> slots = new ArrayList<>();
        for (int i = 0; i < inputs.size(); i++) {
            slots.add(null);
        }
        new Flight<>(inputs.iterator(), work, (at, result) -> slots.set(at, result)).run();
        @SuppressWarnings({"unchecked", "NullAway"})
        List<R> results = (List<R>) (List<?>) slots;
        return results;
    }

    /**
     * Gives each result as soon as it is there, in the thread of the caller. Inputs are taken only as there is room, so
     * they may be endless.
     *
     * @throws ExecutionException with the cause, when one fails
     */
    public <T, R> void forEach(Iterable<T> inputs, Work<T, R> work, Consumer<R> sink)
            throws InterruptedException, ExecutionException, TimeoutException {
        new Flight<>(inputs.iterator(), work, (at, result) -> sink.accept(result)).run();
    }

    /**
     * How each ended, in the order of the inputs: one that fails ends no other (Elixir: async_stream_nolink). Work that
     * takes longer than {@code each}, on the kernel's clock, is interrupted and counts as killed; the call waits until it
     * heeds that.
     */
    public <T, R> List<TaskOutcome<R>> outcomes(Collection<T> inputs, Duration each, Work<T, R> work)
            throws InterruptedException, TimeoutException {
        try {
            return this.<T, TaskOutcome<R>>map(inputs, input -> attempt(input, each, work));
        } catch (ExecutionException e) {
            throw new IllegalStateException("an attempt failed, which tells its failure as its value", e);
        }
    }

    @SuppressWarnings("CatchingUnchecked")
    private <T, R> TaskOutcome<R> attempt(T input, Duration each, Work<T, R> work) {
        Thread own = Thread.currentThread();
        AtomicBoolean over = new AtomicBoolean();
        Timers.Timer timer = kernel.timers().schedule(each, () -> {
            if (over.compareAndSet(false, true)) {
                own.interrupt();
            }
        });
        try {
            R result = work.apply(input);
            return over.compareAndSet(false, true)
                    ? new TaskOutcome.Done<>(result)
                    : new TaskOutcome.Failed<>(new ExitReason.Killed());
        } catch (Throwable t) {
            return new TaskOutcome.Failed<>(
                    over.compareAndSet(false, true) ? new ExitReason.Crash(t) : new ExitReason.Killed());
        } finally {
            timer.cancel();
        }
    }

    private interface Sink<R> {
        void accept(int at, R result);
    }

    private record Outcome<R>(
            int at,
            Thread thread,
            @Nullable R result,
            @Nullable Throwable failure) {}

    /** One call under way. */
    private final class Flight<T, R> {
        private final Iterator<T> inputs;
        private final Work<T, R> work;
        private final Sink<R> sink;
        private final Thread caller = Thread.currentThread();
        private final Queue<Outcome<R>> done = new ConcurrentLinkedQueue<>();
        private final Set<Thread> running = new HashSet<>();
        private int started;

        Flight(Iterator<T> inputs, Work<T, R> work, Sink<R> sink) {
            this.inputs = inputs;
            this.work = work;
            this.sink = sink;
        }

        @SuppressWarnings("NullAway") // a result without a failure is whatever the work gave
        void run() throws InterruptedException, ExecutionException, TimeoutException {
            long start = kernel.clock().nanoTime();
            try {
                while (true) {
                    while (running.size() < limit && inputs.hasNext()) {
                        begin(inputs.next());
                    }
                    if (running.isEmpty()) {
                        return;
                    }
                    Outcome<R> outcome = await(start);
                    running.remove(outcome.thread);
                    if (outcome.failure != null) {
                        throw new ExecutionException(outcome.failure);
                    }
                    sink.accept(outcome.at, outcome.result);
                }
            } finally {
                endAll();
            }
        }

        @SuppressWarnings("CatchingUnchecked")
        private void begin(T input) {
            int at = started++;
            Thread thread = Thread.ofVirtual()
                    .name(caller.getName() + " task " + at)
                    .unstarted(() -> {
                        Outcome<R> outcome;
                        try {
                            outcome = new Outcome<>(at, Thread.currentThread(), work.apply(input), null);
                        } catch (Throwable t) {
                            outcome = new Outcome<>(at, Thread.currentThread(), null, t);
                        }
                        done.add(outcome);
                        LockSupport.unpark(caller);
                    });
            running.add(thread);
            thread.start();
        }

        private Outcome<R> await(long startNanos) throws InterruptedException, TimeoutException {
            Duration left = timeout == null
                    ? Duration.ofNanos(Long.MAX_VALUE / 4)
                    : timeout.minusNanos(kernel.clock().nanoTime() - startNanos);
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            kernel.heapTimers().await(() -> !done.isEmpty(), left);
            Outcome<R> outcome = done.poll();
            if (outcome == null) {
                throw new TimeoutException(running.size() + " tasks were not done within " + timeout);
            }
            return outcome;
        }

        private void endAll() {
            running.forEach(Thread::interrupt);
            boolean interrupted = false;
            long deadline = System.nanoTime() + ENDING.toNanos();
            for (Thread thread : running) {
                try {
                    if (!thread.join(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())))) {
                        kernel.meters().abandoned.inc();
                    }
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
