package dev.coppice.health.check;

import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import java.lang.System.Logger.Level;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Supervised workers that take jobs from a queue: as many as the work needs, up to a bound, so that slow targets hold up
 * nobody. A worker that becomes busy while no other waits starts another; one that waited long ends. Each is a task in
 * the tree; a crash costs one job.
 */
final class WorkerPool {
    private static final System.Logger LOG = System.getLogger(WorkerPool.class.getName());
    private static final long PATIENCE_SECONDS = 20;
    private static final int SPARE = 4;

    private final Supervisor supervisor;
    private final int most;
    private final BlockingQueue<Runnable> queue = new LinkedBlockingQueue<>();
    private final AtomicInteger workers = new AtomicInteger();
    private final AtomicInteger idle = new AtomicInteger();
    private final AtomicLong names = new AtomicLong();
    private volatile boolean closed;

    WorkerPool(Supervisor supervisor, int most) {
        this.supervisor = supervisor;
        this.most = most;
    }

    void start() throws StartException {
        for (int i = 0; i < Math.min(SPARE, most); i++) {
            startWorker();
        }
    }

    /** Never blocks; the caller bounds how many jobs there are. */
    void submit(Runnable job) {
        if (!closed) {
            queue.add(job);
        }
    }

    void close() {
        closed = true;
        queue.clear();
    }

    int waiting() {
        return queue.size();
    }

    int workers() {
        return workers.get();
    }

    int busy() {
        return Math.max(0, workers.get() - idle.get());
    }

    private void startWorker() throws StartException {
        supervisor.start(ChildSpec.task("worker-" + names.incrementAndGet(), this::work)
                .withRestart(ChildSpec.Restart.TRANSIENT));
    }

    private void work() throws InterruptedException {
        workers.incrementAndGet();
        try {
            while (!closed) {
                Runnable job = next();
                if (job == null) {
                    return;
                }
                if (idle.get() == 0 && workers.get() < most) {
                    grow();
                }
                job.run();
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
            }
        } finally {
            workers.decrementAndGet();
        }
    }

    private @Nullable Runnable next() throws InterruptedException {
        idle.incrementAndGet();
        try {
            while (true) {
                Runnable job = queue.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
                if (job != null || closed || workers.get() > SPARE && idle.get() > SPARE) {
                    return job;
                }
            }
        } finally {
            idle.decrementAndGet();
        }
    }

    private void grow() {
        try {
            startWorker();
        } catch (StartException e) {
            LOG.log(Level.DEBUG, "no further worker was started", e);
        }
    }
}
