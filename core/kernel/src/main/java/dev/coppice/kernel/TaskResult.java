package dev.coppice.kernel;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** The handle of a task: a process, and its outcome, of which the first counts. */
final class TaskResult<T> implements AsyncTask<T> {
    private final Kernel kernel;
    private final CompletableFuture<TaskOutcome<T>> outcome = new CompletableFuture<>();
    private volatile @Nullable ProcessRef<?> process;

    TaskResult(Kernel kernel) {
        this.kernel = kernel;
    }

    void follow(ProcessRef<?> started) {
        process = started;
        started.monitor(down -> outcome.complete(new TaskOutcome.Failed<>(down.reason())));
    }

    void complete(TaskOutcome<T> value) {
        outcome.complete(value);
    }

    @Override
    public String name() {
        ProcessRef<?> known = process;
        return known == null ? "task" : known.name();
    }

    @Override
    public boolean isDone() {
        return outcome.isDone();
    }

    @Override
    public T await(Duration timeout) throws InterruptedException, ExecutionException, TimeoutException {
        TaskOutcome<T> ended = poll(timeout)
                .orElseThrow(() -> new TimeoutException("task " + name() + " was not done within " + timeout));
        return switch (ended) {
            case TaskOutcome.Done<T> done -> done.value();
            case TaskOutcome.Failed<T> failed -> {
                if (failed.reason() instanceof ExitReason.Crash crash) {
                    throw new ExecutionException("task " + name() + " failed: " + crash.cause(), crash.cause());
                }
                throw new CancellationException("task " + name() + " was ended: " + failed.reason());
            }
        };
    }

    @Override
    public Optional<TaskOutcome<T>> poll(Duration timeout) throws InterruptedException {
        if (!outcome.isDone() && timeout.isPositive()) {
            Thread waiter = Thread.currentThread();
            CompletableFuture<?> waking = outcome.whenComplete((_, _) -> LockSupport.unpark(waiter));
            try {
                kernel.wheelTimers().await(outcome::isDone, timeout);
            } finally {
                waking.cancel(false);
            }
        }
        return outcome.isDone() ? Optional.of(outcome.join()) : Optional.empty();
    }

    @Override
    public Optional<TaskOutcome<T>> shutdown(Duration timeout) throws InterruptedException {
        ProcessRef<?> running = process;
        if (running != null && !outcome.isDone()) {
            running.exit(new ExitReason.Shutdown());
            if (poll(timeout).isEmpty()) {
                close();
            }
        }
        return poll(Duration.ofSeconds(5))
                .filter(ended -> !(ended instanceof TaskOutcome.Failed<T> failed)
                        || failed.reason() instanceof ExitReason.Crash
                        || failed.reason() instanceof ExitReason.NoProcess);
    }

    @Override
    public void close() {
        ProcessRef<?> running = process;
        if (running != null && !outcome.isDone()) {
            running.exit(new ExitReason.Killed());
        }
    }
}
