package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.RouteFilterConfig;
import dev.coppice.gateway.filter.FilterAnswer;
import dev.coppice.gateway.function.EdgeFunction;
import dev.coppice.gateway.function.FunctionException;
import dev.coppice.gateway.function.FunctionLog;
import dev.coppice.gateway.function.FunctionModule;
import dev.coppice.gateway.function.FunctionSettings;
import dev.coppice.gateway.function.FunctionVisit;
import dev.coppice.gateway.function.FunctionWorkers;
import dev.coppice.gateway.function.InvalidModuleException;
import dev.coppice.gateway.function.SeenAnswer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** A function as a filter, each of whose calls is on one of the few threads that compute. Safe for use by many threads. */
final class FunctionFilter {
    final CallRunner calls;
    final EdgeFunction function;
    final int maxBodyBytes;
    private final Functions functions;
    private final Functions.Figures figures;
    private final FunctionModule module;
    private final FunctionWorkers.Share share;
    /** In whose place this one comes, until its module is compiled. */
    private volatile @Nullable FunctionFilter before;

    /**
     * Has no instance yet.
     *
     * @param name of its HTTPRouteFilter
     * @throws IllegalArgumentException when its module is none, or there is no room for it
     */
    FunctionFilter(String name, RouteFilterConfig.Function config, Functions functions) {
        this.functions = functions;
        this.maxBodyBytes = config.maxBodyBytes();
        try {
            this.module = functions.modules.of(Base64.getMimeDecoder().decode(config.module()));
        } catch (InvalidModuleException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
        if (module.initialMemory() > config.maxMemoryBytes()) {
            throw new IllegalArgumentException("its module begins with " + module.initialMemory()
                    + " bytes of memory; it may have " + config.maxMemoryBytes());
        }
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
                share,
                figures::count,
                FunctionFilter::failure);
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
                other.close();
            }
        }
        module.whenCompiled(() -> {
            share.open();
            FunctionFilter last = before;
            if (last != null && module.runs()) {
                before = null;
                last.close();
            }
        });
    }

    /** The one that is to be called for a request that comes now. */
    FunctionFilter current() {
        FunctionFilter last = before;
        return last == null ? this : last;
    }

    /** Keeps no instances any more; requests that have it are still handled. */
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
