package dev.coppice.kernel;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
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

    /** Work on one input, on a thread of its own. */
    private static final class Piece<T, R> implements Runnable {
        private final Flight<T, R> flight;
        private final int at;
        private final T input;
        private @Nullable Thread thread;
        private @Nullable R result;
        private @Nullable Throwable failure;
        /** The one that was done before it. */
        private @Nullable Piece<T, R> before;

        /** Its place among those that run. Of the caller. */
        private int place;

        Piece(Flight<T, R> flight, int at, T input) {
            this.flight = flight;
            this.at = at;
            this.input = input;
        }

        @Override
        @SuppressWarnings("CatchingUnchecked")
        public void run() {
            try {
                result = flight.work.apply(input);
            } catch (Throwable t) {
                failure = t;
            }
            flight.done(this);
        }
    }

    /** One call under way. Those that are done stand on a stack, which the caller empties at once: most find it awake. */
    private final class Flight<T, R> {
        private final Iterator<T> inputs;
        private final Work<T, R> work;
        private final Sink<R> sink;
        private final Thread caller = Thread.currentThread();
        private final AtomicReference<@Nullable Piece<T, R>> done = new AtomicReference<>();
        private volatile boolean waiting;
        private final List<Piece<T, R>> running = new ArrayList<>();
        private int started;

        Flight(Iterator<T> inputs, Work<T, R> work, Sink<R> sink) {
            this.inputs = inputs;
            this.work = work;
            this.sink = sink;
        }

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
                    Piece<T, R> piece = await(start);
                    while (piece != null) {
                        finish(piece);
                        piece = piece.before;
                    }
                }
            } finally {
                endAll();
            }
        }

        private void begin(T input) {
            Piece<T, R> piece = new Piece<>(this, started++, input);
            // Unnamed: building the name would cost more than the thread.
            Thread thread = Thread.ofVirtual().unstarted(piece);
            piece.thread = thread;
            piece.place = running.size();
            running.add(piece);
            thread.start();
        }

        @SuppressWarnings("NullAway") // a result without a failure is whatever the work gave
        private void finish(Piece<T, R> piece) throws ExecutionException {
            Piece<T, R> last = running.removeLast();
            if (last != piece) {
                running.set(piece.place, last);
                last.place = piece.place;
            }
            if (piece.failure != null) {
                throw new ExecutionException(piece.failure);
            }
            sink.accept(piece.at, piece.result);
        }

        void done(Piece<T, R> piece) {
            Piece<T, R> top;
            do {
                top = done.get();
                piece.before = top;
            } while (!done.compareAndSet(top, piece));
            if (waiting) {
                LockSupport.unpark(caller);
            }
        }

        /** Those that are done, in the order in which they came to be. */
        private Piece<T, R> await(long startNanos) throws InterruptedException, TimeoutException {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            if (done.get() == null && caller.isVirtual()) {
                Thread.yield(); // most are done by then
            }
            if (done.get() == null) {
                Duration left = timeout == null
                        ? Duration.ofNanos(Long.MAX_VALUE / 4)
                        : timeout.minusNanos(kernel.clock().nanoTime() - startNanos);
                waiting = true;
                try {
                    kernel.wheelTimers().await(() -> done.get() != null, left);
                } finally {
                    waiting = false;
                }
            }
            Piece<T, R> newest = done.getAndSet(null);
            if (newest == null) {
                throw new TimeoutException(running.size() + " tasks were not done within " + timeout);
            }
            return reverse(newest);
        }

        private Piece<T, R> reverse(Piece<T, R> newest) {
            Piece<T, R> first = newest;
            Piece<T, R> rest = newest.before;
            newest.before = null;
            while (rest != null) {
                Piece<T, R> following = rest.before;
                rest.before = first;
                first = rest;
                rest = following;
            }
            return first;
        }

        private void endAll() {
            List<Thread> left = new ArrayList<>();
            for (Piece<T, R> piece : running) {
                if (piece.thread != null) {
                    left.add(piece.thread);
                }
            }
            left.forEach(Thread::interrupt);
            boolean interrupted = false;
            long deadline = System.nanoTime() + ENDING.toNanos();
            for (Thread thread : left) {
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
