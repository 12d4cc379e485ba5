package dev.coppice.gateway.proxy;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.gateway.config.RouteFilterConfig;
import dev.coppice.gateway.filter.Filter;
import dev.coppice.gateway.filter.FilterFactory;
import dev.coppice.gateway.filter.Filters;
import io.prometheus.metrics.core.metrics.Counter;
import java.lang.System.Logger.Level;
import java.util.concurrent.Callable;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Runs a filter of an extension: each call on a virtual thread, so many at one time, and each for so long. A call that does not end when it is interrupted goes on counting, so
 * that there are never more. Safe for use by many threads.
 */
final class FilterRunner {
    private static final System.Logger LOG = System.getLogger(FilterRunner.class.getName());
    private static final JsonMapper JSON = new JsonMapper();
    private static final long NANOS_A_MILLI = 1_000_000;

    /** Why a call has no result. */
    enum Failure {
        FAILED("failed"),
        TIMEOUT("timeout"),
        BUSY("busy");

        /** Among the results of calls. */
        final String result;
        /** In the access log, and among failures of filters. */
        final String reason;

        Failure(String result) {
            this.result = result;
            this.reason = "filter_" + result;
        }
    }

    private final RouteFilterConfig.Extension config;
    final Filter filter;
    final int bodyBytes;
    final boolean seesAnswers;
    private final Executor threads;
    private final Counter calls;
    private final AtomicInteger running = new AtomicInteger();

    /** @throws IllegalArgumentException when there is no such extension, or it does not take its configuration */
    FilterRunner(RouteFilterConfig.Extension config, Executor threads, Counter calls) {
        this.config = config;
        this.threads = threads;
        this.calls = calls;
        FilterFactory factory = Filters.named(config.name());
        if (factory == null) {
            throw new IllegalArgumentException("there is no extension with the filter " + config.name());
        }
        try {
            this.filter = factory.create((ObjectNode) JSON.readTree(config.config()));
            this.bodyBytes = Math.clamp(filter.bodyBytes(), 0, Filter.MOST_BODY);
            this.seesAnswers = filter.seesAnswers();
        } catch (Throwable e) {
            throw new IllegalArgumentException("the filter " + config.name() + " cannot be made: " + e, e);
        }
    }

    /** Whether requests go on without it when it fails. */
    boolean failsOpen() {
        return config.failOpen();
    }

    /** Counts what came of a call. */
    void count(String result) {
        calls.labelValues(config.name(), result).inc();
    }

    /** A call that is under way. Used on its event loop only, but for its thread. */
    final class Call {
        private final long deadlineNanos;
        private final Consumer<Failure> failed;
        private boolean over;
        private @Nullable Thread thread;
        private boolean cancelled;

        private Call(long deadlineNanos, Consumer<Failure> failed) {
            this.deadlineNanos = deadlineNanos;
            this.failed = failed;
        }

        /** Whether it has a result, or nobody waits for one. */
        boolean over() {
            return over;
        }

        /** Nobody waits for it any more. */
        synchronized void cancel() {
            over = true;
            cancelled = true;
            if (thread != null) {
                thread.interrupt();
            }
        }

        /** Whether it is still wanted, which is seen by its thread. */
        private synchronized boolean began() {
            thread = Thread.currentThread();
            return !cancelled;
        }

        private synchronized void ended() {
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
     * @param failed is told of a failure, on the event loop, perhaps before this returns
     */
    <T> Call call(EventLoopState state, Callable<T> what, Consumer<T> then, Consumer<Failure> failed) {
        Call call = new Call(state.now() + config.timeoutMillis() * NANOS_A_MILLI, failed);
        if (running.incrementAndGet() > config.maxConcurrent()) {
            running.decrementAndGet();
            call.fail(Failure.BUSY);
            return call;
        }
        try {
            threads.execute(() -> run(state, call, what, then));
        } catch (RejectedExecutionException e) {
            running.decrementAndGet();
            call.fail(Failure.BUSY);
        }
        return call;
    }

    /** Whatever somebody else's code throws, it fails one request. */
    private <T> void run(EventLoopState state, Call call, Callable<T> what, Consumer<T> then) {
        try {
            if (call.began()) {
                T result = what.call();
                state.execute(() -> {
                    if (!call.over) {
                        call.over = true;
                        then.accept(result);
                    }
                });
            }
        } catch (Throwable e) {
            state.execute(() -> {
                if (!call.over) {
                    LOG.log(Level.DEBUG, "the filter " + config.name() + " failed", e);
                    call.fail(Failure.FAILED);
                }
            });
        } finally {
            call.ended();
            running.decrementAndGet();
        }
    }
}
