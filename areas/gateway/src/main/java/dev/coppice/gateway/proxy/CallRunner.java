package dev.coppice.gateway.proxy;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Runs calls of one filter whose code is somebody else's: away from event loops, so many at one time, and each for so long. A call that does not end when it is
 * interrupted goes on counting, so that there are never more. Safe for use by many threads.
 */
final class CallRunner {
    private static final System.Logger LOG = System.getLogger(CallRunner.class.getName());
    private static final long NANOS_A_MILLI = 1_000_000;

    /** Why a call has no result. */
    enum Failure {
        FAILED("failed"),
        TIMEOUT("timeout"),
        BUSY("busy"),
        BODY_TOO_LONG("body_too_long"),
        /** What the filter wants to see of the body did not come. */
        BODY_TIMEOUT("body_timeout"),
        /** Calls of it go on although they were interrupted, and no more of these are borne. */
        ENDLESS("endless");

        /** Among the results of calls. */
        final String result;

        Failure(String result) {
            this.result = result;
        }
    }

    /**
     * How calls are run.
     *
     * @param sort of the filter: begins its reasons in the access log, and among failures of filters
     * @param name of the filter, for people
     * @param maxConcurrent calls at one time
     * @param failOpen whether requests go on without it when it fails
     */
    record Bounds(String sort, String name, long timeoutMillis, int maxConcurrent, boolean failOpen) {}

    private final Bounds bounds;
    private final Executor threads;
    private final Consumer<String> counter;
    private final Function<Throwable, Failure> judge;
    private final @Nullable EndlessCalls endless;
    private final AtomicInteger running = new AtomicInteger();
    /** Calls that were interrupted and go on. */
    private final AtomicInteger interrupted = new AtomicInteger();

    /**
     * Runs nothing yet.
     *
     * @param counter is told what came of each call
     * @param judge says what sort of failure something is that a call throws
     * @param endless where calls are that do not end when they are interrupted; null: all end
     */
    CallRunner(
            Bounds bounds,
            Executor threads,
            Consumer<String> counter,
            Function<Throwable, Failure> judge,
            @Nullable EndlessCalls endless) {
        this.endless = endless;
        this.bounds = bounds;
        this.threads = threads;
        this.counter = counter;
        this.judge = judge;
    }

    /** Whether requests go on without the filter when it fails. */
    boolean failsOpen() {
        return bounds.failOpen;
    }

    /** Counts what came of a call. */
    void count(String result) {
        counter.accept(result);
    }

    /** What a failure is called in the access log, and among failures of filters. */
    String reason(Failure failure) {
        return bounds.sort + "_" + failure.result;
    }

    /** A call that is under way. Used on its event loop only, but for its thread. */
    final class Call {
        private final long deadlineNanos;
        private final Consumer<Failure> failed;
        private boolean over;
        private @Nullable Thread thread;
        private boolean cancelled;
        /** It counts among those that were interrupted. */
        private boolean noted;

        private Call(long deadlineNanos, Consumer<Failure> failed) {
            this.deadlineNanos = deadlineNanos;
            this.failed = failed;
        }

        /** Whether it has a result, or nobody waits for one. */
        boolean over() {
            return over;
        }

        /** Nobody waits for it any more. */
        void cancel() {
            over = true;
            interrupt();
        }

        private synchronized void interrupt() {
            boolean first = !cancelled;
            cancelled = true;
            if (thread != null) {
                if (first && endless != null) {
                    noted = true;
                    interrupted.incrementAndGet();
                    endless.add(thread);
                }
                thread.interrupt();
            }
        }

        /** Whether it is still wanted, which is seen by its thread. */
        private synchronized boolean began() {
            thread = Thread.currentThread();
            return !cancelled;
        }

        private synchronized void ended() {
            if (noted && thread != null && endless != null) {
                noted = false;
                interrupted.decrementAndGet();
                endless.remove(thread);
            }
            thread = null;
        }

        void checkDeadline(long now) {
            if (!over && now - deadlineNanos > 0) {
                cancel();
                fail(Failure.TIMEOUT);
            }
        }

        private void fail(Failure why) {
            over = true;
            count(why.result);
            failed.accept(why);
        }
    }

    /**
     * Calls the filter.
     *
     * @param then gets the result, on the event loop
     * @param unwanted gets a result for which nobody waits any more, on any thread
     * @param failed is told of a failure, on the event loop, perhaps before this returns
     */
    <T> Call call(
            EventLoopState state, Callable<T> what, Consumer<T> then, Consumer<T> unwanted, Consumer<Failure> failed) {
        Call call = new Call(state.now() + bounds.timeoutMillis * NANOS_A_MILLI, failed);
        if (endless != null && interrupted.get() > 0 && endless.full()) {
            call.fail(Failure.ENDLESS);
            return call;
        }
        if (running.incrementAndGet() > bounds.maxConcurrent) {
            running.decrementAndGet();
            call.fail(Failure.BUSY);
            return call;
        }
        try {
            threads.execute(() -> run(state, call, what, then, unwanted));
        } catch (RejectedExecutionException e) {
            running.decrementAndGet();
            call.fail(Failure.BUSY);
        }
        return call;
    }

    /** Whatever somebody else's code throws, it fails one request. */
    private <T> void run(EventLoopState state, Call call, Callable<T> what, Consumer<T> then, Consumer<T> unwanted) {
        try {
            if (call.began()) {
                T result = what.call();
                state.execute(() -> {
                    if (call.over) {
                        unwanted.accept(result);
                    } else {
                        call.over = true;
                        then.accept(result);
                    }
                });
            }
        } catch (Throwable e) {
            Failure why = judge.apply(e);
            state.execute(() -> {
                if (!call.over) {
                    LOG.log(Level.DEBUG, "the filter " + bounds.name + " failed", e);
                    call.fail(why);
                }
            });
        } finally {
            call.ended();
            running.decrementAndGet();
        }
    }

    /**
     * Calls the filter for a request for which nobody waits.
     *
     * @param done is told what came of it, on any thread
     * @param dropped runs when it was not begun
     */
    void callDetached(ProxyDataPlane plane, Callable<?> what, Consumer<@Nullable Failure> done, Runnable dropped) {
        Call call = new Call(0, _ -> {});
        try {
            threads.execute(() -> {
                // Nobody looks at its deadline.
                var timer = plane.kernel.timers().schedule(Duration.ofMillis(bounds.timeoutMillis), call::interrupt);
                try {
                    if (!call.began()) {
                        dropped.run();
                        return;
                    }
                    Object _ = what.call();
                    done.accept(null);
                } catch (Throwable e) {
                    LOG.log(Level.DEBUG, "the filter " + bounds.name + " failed", e);
                    done.accept(judge.apply(e));
                } finally {
                    call.ended();
                    boolean _ = timer.cancel();
                }
            });
        } catch (RejectedExecutionException e) {
            dropped.run();
        }
    }
}
