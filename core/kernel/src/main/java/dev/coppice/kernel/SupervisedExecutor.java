package dev.coppice.kernel;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * An executor that gives each task a virtual thread and is a child of a supervisor: its tasks are counted, and end with it.
 * For libraries that want an {@code Executor} or a {@code ThreadFactory}. It stays valid over restarts; while its supervisor
 * has stopped it, it refuses tasks. Safe for use by many threads.
 */
public final class SupervisedExecutor extends AbstractExecutorService {
    /** Tasks that may run and wait together. */
    public static final int MAX_TASKS = 100_000;

    private static final System.Logger LOG = System.getLogger(SupervisedExecutor.class.getName());
    private static final Duration GRACE = Duration.ofSeconds(2);

    private final Kernel kernel;
    private final String path;
    private final Semaphore turns;
    private final boolean limited;
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();
    private final AtomicInteger tasks = new AtomicInteger();
    private final AtomicLong completed = new AtomicLong();
    private volatile boolean open;

    SupervisedExecutor(Kernel kernel, String path, int concurrency) {
        if (concurrency < 1) {
            throw new IllegalArgumentException("concurrency " + concurrency + " of " + path + " must be at least 1");
        }
        this.kernel = kernel;
        this.path = path;
        this.turns = new Semaphore(concurrency);
        this.limited = concurrency < MAX_TASKS;
    }

    Service service() {
        return new Service() {
            @Override
            public void start(Failure failure) {
                open = true;
            }

            @Override
            public void stop() throws InterruptedException {
                end();
            }
        };
    }

    @Override
    public void execute(Runnable command) {
        if (tasks.incrementAndGet() > MAX_TASKS || !open) {
            tasks.decrementAndGet();
            kernel.meters().tasksRejected.inc();
            throw new RejectedExecutionException(
                    path + (open ? " holds " + MAX_TASKS + " tasks, its limit" : " is stopped"));
        }
        kernel.meters().threads.inc();
        Thread thread = Thread.ofVirtual().name(path).unstarted(() -> {
            try {
                inTurn(command);
            } finally {
                tasks.decrementAndGet();
                completed.incrementAndGet();
                kernel.meters().threads.dec();
                threads.remove(Thread.currentThread());
            }
        });
        threads.add(thread);
        thread.start();
    }

    /** Makes virtual threads that count, and end, as this executor's tasks do; they are not bound by its concurrency. */
    public ThreadFactory threadFactory() {
        return body -> Thread.ofVirtual().name(path).unstarted(() -> {
            Thread self = Thread.currentThread();
            threads.add(self);
            kernel.meters().threads.inc();
            if (!open) {
                self.interrupt();
            }
            try {
                guarded(body);
            } finally {
                kernel.meters().threads.dec();
                threads.remove(self);
            }
        });
    }

    /** Tasks that run or wait. */
    public int active() {
        return tasks.get();
    }

    /** Tasks that ended. */
    public long completed() {
        return completed.get();
    }

    private void inTurn(Runnable command) {
        if (!limited) {
            guarded(command);
            return;
        }
        try {
            turns.acquire();
        } catch (InterruptedException e) {
            return;
        }
        try {
            guarded(command);
        } finally {
            turns.release();
        }
    }

    @SuppressWarnings("CatchingUnchecked")
    private void guarded(Runnable command) {
        try {
            command.run();
        } catch (Throwable t) {
            kernel.meters().handlerFailures.inc();
            LOG.log(Level.WARNING, "a task of " + path + " failed", t);
        }
    }

    private void end() throws InterruptedException {
        open = false;
        long start = System.nanoTime();
        for (Thread thread : threads) {
            long left = GRACE.toNanos() - (System.nanoTime() - start);
            if (left <= 0 || !thread.join(Duration.ofNanos(left))) {
                break;
            }
        }
        threads.forEach(Thread::interrupt);
        start = System.nanoTime();
        for (Thread thread : threads) {
            long left = GRACE.toNanos() - (System.nanoTime() - start);
            if (left <= 0 || !thread.join(Duration.ofNanos(left))) {
                kernel.meters().abandoned.inc();
            }
        }
    }

    /** Refuses further tasks, until its supervisor starts it again. */
    @Override
    public void shutdown() {
        open = false;
    }

    @Override
    public List<Runnable> shutdownNow() {
        open = false;
        threads.forEach(Thread::interrupt);
        return List.of();
    }

    @Override
    public boolean isShutdown() {
        return !open;
    }

    @Override
    public boolean isTerminated() {
        return !open && threads.isEmpty();
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
        long start = System.nanoTime();
        for (Thread thread : threads) {
            long left = unit.toNanos(timeout) - (System.nanoTime() - start);
            if (left <= 0 || !thread.join(Duration.ofNanos(left))) {
                return false;
            }
        }
        return isTerminated();
    }
}
