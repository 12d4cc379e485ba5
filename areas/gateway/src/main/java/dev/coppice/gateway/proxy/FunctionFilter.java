package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.RouteFilterConfig;
import dev.coppice.gateway.filter.FilterAnswer;
import dev.coppice.gateway.function.EdgeFunction;
import dev.coppice.gateway.function.FunctionException;
import dev.coppice.gateway.function.FunctionLog;
import dev.coppice.gateway.function.FunctionModule;
import dev.coppice.gateway.function.FunctionSettings;
import dev.coppice.gateway.function.FunctionVisit;
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

    /**
     * Has no instance yet.
     *
     * @param name of its HTTPRouteFilter
     * @throws IllegalArgumentException when its module is none, or there is no room for it
     */
    FunctionFilter(String name, RouteFilterConfig.Function config, Functions functions) {
        this.functions = functions;
        this.maxBodyBytes = config.maxBodyBytes();
        FunctionModule module;
        try {
            module = functions.modules.of(Base64.getMimeDecoder().decode(config.module()));
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
        this.calls = new CallRunner(
                new CallRunner.Bounds(
                        "function", name, config.timeoutMillis(), config.maxConcurrent(), config.failOpen()),
                functions.workers,
                figures::count,
                FunctionFilter::failure);
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
