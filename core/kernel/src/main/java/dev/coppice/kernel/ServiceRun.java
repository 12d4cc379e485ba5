package dev.coppice.kernel;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A service. Its stop also runs when it broke or was killed, before the supervisor hears of the end, so that the next one
 * finds the port or the file free.
 */
final class ServiceRun extends Run {
    private static final System.Logger LOG = System.getLogger(ServiceRun.class.getName());
    private static final Duration CLEANING = Duration.ofSeconds(5);

    private final Supplier<? extends Service> source;
    private final AtomicBoolean closing = new AtomicBoolean();
    private final CompletableFuture<Boolean> started = new CompletableFuture<>();
    private volatile @Nullable Service service;
    private volatile @Nullable Thread starter;
    private volatile @Nullable Thread stopper;

    ServiceRun(ChildNode child, Supplier<? extends Service> source) {
        super(child);
        this.source = source;
    }

    @Nullable
    Service service() {
        return service;
    }

    @Override
    @SuppressWarnings("CatchingUnchecked")
    void start() throws Exception {
        Thread t = Thread.ofVirtual().name(child.path()).unstarted(this::startService);
        starter = t;
        t.start();
        try {
            started.get();
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            end(new ExitReason.Crash(cause));
            throw new StartException(child.path() + " did not start: " + cause, cause);
        } catch (InterruptedException e) {
            kill();
            throw e;
        }
    }

    @SuppressWarnings("CatchingUnchecked")
    private void startService() {
        try {
            Service made = source.get();
            service = made;
            made.start(failure -> close(new ExitReason.Crash(failure), CLEANING));
            if (!started.complete(true)) {
                made.stop();
            }
        } catch (Throwable t) {
            if (!started.completeExceptionally(t)) {
                LOG.log(Level.DEBUG, child.path() + " failed after it was given up", t);
            }
        }
    }

    @Override
    void requestStop() {
        close(new ExitReason.Shutdown(), null);
    }

    @Override
    void kill() {
        if (!closing.get()) {
            close(new ExitReason.Killed(), CLEANING);
            return;
        }
        giveUpStarting(new InterruptedException("killed while it was starting"));
        end(new ExitReason.Killed());
        Thread s = stopper;
        if (s != null) {
            s.interrupt();
        }
    }

    private void close(ExitReason reason, @Nullable Duration limit) {
        if (!closing.compareAndSet(false, true)) {
            return;
        }
        boolean neverStarted = giveUpStarting(
                reason instanceof ExitReason.Crash crash
                        ? crash.cause()
                        : new InterruptedException("stopped while it was starting"));
        Service current = service;
        if (neverStarted || current == null) {
            end(reason);
            return;
        }
        Thread t = Thread.ofVirtual().name(child.path() + " stop").unstarted(() -> {
            stop(current);
            end(reason);
        });
        stopper = t;
        t.start();
        if (limit != null) {
            kernel().timers().schedule(limit, () -> {
                if (end(reason)) {
                    kernel().meters().abandoned.inc();
                    t.interrupt();
                }
            });
        }
    }

    /** Interrupts a start under way; true when there was one. */
    private boolean giveUpStarting(Throwable why) {
        if (!started.completeExceptionally(why)) {
            return started.isCompletedExceptionally();
        }
        Thread t = starter;
        if (t != null) {
            t.interrupt();
        }
        return true;
    }

    @SuppressWarnings("CatchingUnchecked")
    private void stop(Service current) {
        try {
            current.stop();
        } catch (Throwable t) {
            kernel().meters().handlerFailures.inc();
            LOG.log(Level.WARNING, child.path() + " failed to stop cleanly", t);
        }
    }
}
