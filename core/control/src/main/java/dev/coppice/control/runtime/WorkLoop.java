package dev.coppice.control.runtime;

import dev.coppice.control.ApiException;
import dev.coppice.control.Reconciler.Result;
import dev.coppice.control.Trigger;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.Task;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Workers on a queue: each takes a key, works on it, and puts it back when that failed or asks for it. One that is killed
 * or breaks is restarted, and its key comes again. What the work changes through the API names what the key was added for.
 * Each piece of work is a span of the kernel's telemetry, {@value #SPAN}, with {@code controller}, {@code key} and, at its end,
 * how many {@code failures} of the key in a row there were before.
 */
public final class WorkLoop<K> {

    private static final System.Logger LOG = System.getLogger(WorkLoop.class.getName());
    private static final String SPAN = "controller.reconcile";

    /** What is done with a key. */
    @FunctionalInterface
    public interface Work<K> {
        Result on(K key) throws Exception;
    }

    private final String name;
    private final Kernel kernel;
    private final WorkQueue<K> queue;
    private final Work<K> work;
    private final RuntimeMetrics metrics;

    /** {@code name} is that of the controller in metrics and logs. */
    public WorkLoop(String name, Kernel kernel, WorkQueue<K> queue, Work<K> work) {
        this.name = name;
        this.kernel = kernel;
        this.queue = queue;
        this.work = work;
        this.metrics = RuntimeMetrics.of(kernel.metrics());
    }

    /** Starts so many workers below a supervisor. They begin once {@code ready} returns. */
    public void start(Supervisor supervisor, int parallelism, Task ready) throws StartException {
        metrics.maxConcurrent.labelValues(name).set(parallelism);
        for (int worker = 1; worker <= parallelism; worker++) {
            Task body = () -> {
                ready.run();
                work();
            };
            Supervisor.Child _ =
                    supervisor.start(ChildSpec.task("worker-" + worker, body).withRestart(ChildSpec.Restart.TRANSIENT));
        }
    }

    private void work() throws InterruptedException {
        for (Optional<K> key = queue.take(); key.isPresent(); key = queue.take()) {
            metrics.activeWorkers.labelValues(name).inc();
            try {
                work(key.get());
            } finally {
                metrics.activeWorkers.labelValues(name).dec();
                queue.done(key.get());
            }
        }
    }

    private void work(K key) throws InterruptedException {
        long startNanos = kernel.clock().nanoTime();
        try {
            Result result = kernel.telemetry().span(SPAN, Map.of("controller", name, "key", key.toString()), span -> {
                span.measure("failures", queue.failures(key));
                return Trigger.call(queue.triggers(key), () -> work.on(key));
            });
            succeeded(key, result.after());
        } catch (InterruptedException e) {
            queue.addRateLimited(key);
            throw e;
        } catch (TerminalException e) {
            queue.forget(key);
            metrics.terminalErrors.labelValues(name).inc();
            failed(key, e, Level.WARNING);
        } catch (Exception e) {
            boolean conflict = e instanceof ApiException refused && refused.code() == 409;
            queue.addRateLimited(key);
            failed(key, e, conflict ? Level.DEBUG : level(key));
        } catch (OutOfMemoryError e) {
            queue.addRateLimited(key);
            throw e;
        } catch (Error e) {
            queue.addRateLimited(key);
            metrics.panics.labelValues(name).inc();
            failed(key, e, level(key));
        } finally {
            metrics.reconcileSeconds.labelValues(name).observe((kernel.clock().nanoTime() - startNanos) * 1e-9);
        }
    }

    private void succeeded(K key, @Nullable Duration after) {
        queue.forget(key);
        if (after == null) {
            metrics.reconciles.labelValues(name, "success").inc();
        } else {
            metrics.reconciles.labelValues(name, "requeue_after").inc();
            Trigger.run(List.of(new Trigger.Timer(name, key.toString())), () -> queue.addAfter(key, after));
        }
    }

    private void failed(K key, Throwable failure, Level level) {
        metrics.reconciles.labelValues(name, "error").inc();
        metrics.reconcileErrors.labelValues(name).inc();
        LOG.log(level, "controller " + name + " failed on " + key + ": " + failure, failure);
    }

    /** The first failures of a key are told, then every time their number doubles. */
    private Level level(K key) {
        return Integer.bitCount(queue.failures(key)) == 1 ? Level.WARNING : Level.DEBUG;
    }
}
