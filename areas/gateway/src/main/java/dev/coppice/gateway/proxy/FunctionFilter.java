package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.RouteFilterConfig;
import dev.coppice.gateway.filter.FilterAnswer;
import dev.coppice.gateway.function.EdgeFunction;
import dev.coppice.gateway.function.FunctionException;
import dev.coppice.gateway.function.FunctionLog;
import dev.coppice.gateway.function.FunctionOutcome;
import dev.coppice.gateway.function.FunctionReading;
import dev.coppice.gateway.function.FunctionRequest;
import dev.coppice.gateway.function.FunctionSettings;
import dev.coppice.gateway.function.FunctionVisit;
import dev.coppice.gateway.function.FunctionWorkers;
import dev.coppice.gateway.function.SeenAnswer;
import dev.coppice.gateway.function.SharedModule;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.concurrent.Callable;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/** A function as a filter, each of whose calls is on one of the few threads that compute. Safe for use by many threads. */
final class FunctionFilter {
    final CallRunner calls;
    final EdgeFunction function;
    final int maxBodyBytes;
    private final Functions functions;
    private final Functions.Figures figures;
    private final SharedModule module;
    private final long maxMemoryBytes;
    private final FunctionWorkers.Share share;
    /** In whose place this one comes, until its module is compiled. */
    private volatile @Nullable FunctionFilter before;
    /** That came in the place of this one. */
    private volatile @Nullable FunctionFilter after;

    /**
     * Has no instance yet; its module is read and compiled elsewhere, and later.
     *
     * @param name of its HTTPRouteFilter
     * @throws IllegalArgumentException when its module is not in base64
     */
    FunctionFilter(String name, RouteFilterConfig.Function config, Functions functions) {
        this.functions = functions;
        this.maxBodyBytes = config.maxBodyBytes();
        this.maxMemoryBytes = config.maxMemoryBytes();
        this.module = functions.modules.of(Base64.getMimeDecoder().decode(config.module()));
        this.figures = functions.figures(name);
        this.function = new EdgeFunction(
                module,
                new FunctionSettings(
                        name,
                        config.config().getBytes(StandardCharsets.UTF_8),
                        config.maxMemoryBytes(),
                        maxBodyBytes,
                        config.maxConcurrent()),
                functions.surroundings,
                new FunctionLog(name, functions.surroundings.clock(), functions::logged));
        this.share = functions.workers.share();
        this.calls = new CallRunner(
                new CallRunner.Bounds(
                        "function", name, config.timeoutMillis(), config.maxConcurrent(), config.failOpen()),
                this::execute,
                figures::count,
                FunctionFilter::failure,
                null);
    }

    /** Its module stays for as long as a call of it waits. */
    private void execute(Runnable task) {
        boolean retained = function.retain();
        try {
            share.execute(() -> {
                try {
                    task.run();
                } finally {
                    if (retained) {
                        function.release();
                    }
                }
            });
        } catch (RejectedExecutionException e) {
            if (retained) {
                function.release();
            }
            throw e;
        }
    }

    /** Calls it for a request, or the one that came in its place if it is gone. It computes, and may be interrupted. */
    FunctionOutcome request(FunctionRequest request) throws FunctionException {
        FunctionFilter one = this;
        while (!one.function.retain()) {
            FunctionFilter next = one.after;
            if (next == null) {
                return one.function.request(request);
            }
            one = next;
        }
        try {
            return one.function.request(request);
        } finally {
            one.function.release();
        }
    }

    /**
     * Comes in place of another one, which goes on until the module of this one is compiled; if that fails, for good. Calls of one that follows none wait.
     *
     * @param other null: there is none
     */
    void follow(@Nullable FunctionFilter other) {
        if (other != null) {
            FunctionFilter running = other.current();
            before = running;
            if (running != other) {
                other.before = null;
                other.replaced(this);
            }
        }
        module.whenKnown(() -> {
            share.open();
            FunctionFilter last = before;
            if (last != null && reading().state() == FunctionReading.State.RUNS) {
                before = null;
                last.replaced(this);
            }
        });
    }

    private void replaced(FunctionFilter by) {
        after = by;
        function.close();
    }

    /** The one that is to be called for a request that comes now. */
    FunctionFilter current() {
        FunctionFilter last = before;
        return last == null ? this : last;
    }

    /** Whether it is known that it cannot be run. */
    boolean broken() {
        FunctionReading.State state = reading().state();
        return state == FunctionReading.State.INVALID || state == FunctionReading.State.NO_ROOM;
    }

    /** How it is now. */
    FunctionReading reading() {
        return module.reading(maxMemoryBytes, before != null);
    }

    /** Calls of it that wait for a thread. */
    int waiting() {
        return share.waiting();
    }

    /** Keeps no instances any more; calls that wait for a thread are still handled. */
    void close() {
        FunctionFilter last = before;
        if (last != null) {
            last.close();
        }
        function.close();
    }

    private static CallRunner.Failure failure(Throwable thrown) {
        return thrown instanceof FunctionException e
                ? switch (e.reason()) {
                    case FAILED -> CallRunner.Failure.FAILED;
                    case INTERRUPTED -> CallRunner.Failure.TIMEOUT;
                    case BUSY -> CallRunner.Failure.BUSY;
                    case BODY_TOO_LONG -> CallRunner.Failure.BODY_TOO_LONG;
                }
                : CallRunner.Failure.FAILED;
    }

    /** A call whose time is measured. */
    <T> Callable<T> measured(Callable<T> call) {
        return () -> {
            long began = functions.surroundings.clock().nanoTime();
            try {
                return call.call();
            } finally {
                figures.took(functions.surroundings.clock().nanoTime() - began);
            }
        };
    }

    /**
     * Tells of an answer that does not wait for what the function says.
     *
     * @param head null: no endpoint has answered
     */
    void tell(ProxyDataPlane plane, FunctionVisit visit, @Nullable FilterAnswer head) {
        if (visit.open()) {
            calls.callDetached(
                    plane,
                    measured(() -> visit.answer(head == null ? SeenAnswer.NONE : SeenAnswer.head(head))),
                    failure -> figures.count(failure == null ? "answer_passed" : failure.result),
                    visit::discard);
        }
    }
}
