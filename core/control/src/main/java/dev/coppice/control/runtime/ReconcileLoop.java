package dev.coppice.control.runtime;

import dev.coppice.control.ApiException;
import dev.coppice.control.Controller;
import dev.coppice.control.Key;
import dev.coppice.control.Reconciler;
import dev.coppice.control.ResourceClient;
import dev.coppice.kernel.Kernel;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Optional;

/** What each worker of a controller does: take a key, reconcile it, put it back when it failed or asks for it. */
final class ReconcileLoop<S extends Record, T extends Record> {

    private static final System.Logger LOG = System.getLogger(ReconcileLoop.class.getName());

    private final Kernel kernel;
    private final Controller<S, T> controller;
    private final ResourceClient client;
    private final ObjectCache<dev.coppice.control.Resource<S, T>> objects;
    private final WorkQueue<Key> queue;
    private final RuntimeMetrics metrics;

    ReconcileLoop(
            Kernel kernel,
            Controller<S, T> controller,
            ResourceClient client,
            ObjectCache<dev.coppice.control.Resource<S, T>> objects,
            WorkQueue<Key> queue) {
        this.kernel = kernel;
        this.controller = controller;
        this.client = client;
        this.objects = objects;
        this.queue = queue;
        this.metrics = RuntimeMetrics.of(kernel.metrics());
    }

    void work() throws InterruptedException {
        objects.awaitSynced();
        for (Optional<Key> key = queue.take(); key.isPresent(); key = queue.take()) {
            metrics.activeWorkers.labelValues(controller.name()).inc();
            try {
                reconcile(key.get());
            } finally {
                metrics.activeWorkers.labelValues(controller.name()).dec();
                queue.done(key.get());
            }
        }
    }

    private void reconcile(Key key) throws InterruptedException {
        long startNanos = kernel.clock().nanoTime();
        try {
            Reconciler.Result result =
                    controller.reconciler().reconcile(new Reconciler.Request<>(key, objects.get(key), client));
            succeeded(key, result.after());
        } catch (InterruptedException e) {
            queue.addRateLimited(key);
            throw e;
        } catch (TerminalException e) {
            queue.forget(key);
            metrics.terminalErrors.labelValues(controller.name()).inc();
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
            metrics.panics.labelValues(controller.name()).inc();
            failed(key, e, level(key));
        } finally {
            metrics.reconcileSeconds
                    .labelValues(controller.name())
                    .observe((kernel.clock().nanoTime() - startNanos) * 1e-9);
        }
    }

    private void succeeded(Key key, @org.jspecify.annotations.Nullable Duration after) {
        queue.forget(key);
        if (after == null) {
            metrics.reconciles.labelValues(controller.name(), "success").inc();
        } else {
            metrics.reconciles.labelValues(controller.name(), "requeue_after").inc();
            queue.addAfter(key, after);
        }
    }

    private void failed(Key key, Throwable failure, Level level) {
        metrics.reconciles.labelValues(controller.name(), "error").inc();
        metrics.reconcileErrors.labelValues(controller.name()).inc();
        LOG.log(level, "controller " + controller.name() + " failed on " + key + ": " + failure, failure);
    }

    /** The first failures of a key are told, then every time their number doubles. */
    private Level level(Key key) {
        int failures = queue.failures(key);
        return Integer.bitCount(failures) == 1 ? Level.WARNING : Level.DEBUG;
    }
}
