package dev.coppice.gateway.proxy;

import dev.coppice.gateway.function.EdgeFunction;
import dev.coppice.gateway.function.FunctionModules;
import dev.coppice.gateway.function.FunctionWorkers;
import dev.coppice.gateway.function.GuestMemory;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What functions in WebAssembly share: the threads that compute, the bounds of their memory, their modules, and what is counted of them. The first {@value #MOST_NAMES} have
 * figures of their own. Safe for use by many threads.
 */
final class Functions implements AutoCloseable {
    private static final int MOST_NAMES = 200;
    /** Calls that may wait for a thread. */
    private static final int MOST_WAITING = 1024;
    /** As many as processors compute what takes long, and as many what does not. */
    private static final int THREADS_A_PROCESSOR = 2;

    private static final int MEMORY_PART_OF_HEAP = 4;
    /** Read and compiled, they take a hundred times as much. */
    private static final int MODULES_PART_OF_HEAP = 400;

    private static final List<String> RESULTS = List.of(
            "passed", "answered", "answer_passed", "failed", "timeout", "busy", "body_too_long", "body_timeout");

    final FunctionWorkers workers;
    final FunctionModules modules;
    final EdgeFunction.Surroundings surroundings;
    private final Counter calls;
    private final Counter lines;
    private final Histogram seconds;
    private final PrometheusRegistry registry;
    private final List<Collector> collectors;
    private final NamedFigures<Figures> figures =
            new NamedFigures<>(MOST_NAMES, Figures::new, (_, gone) -> gone.forget());
    private final Map<String, FunctionFilter> instances = new ConcurrentHashMap<>();

    /**
     * Starts the threads.
     *
     * @param changed runs, on any thread, when more is known of a module than before
     */
    Functions(Kernel kernel, Supervisor supervisor, PrometheusRegistry registry, Runnable changed)
            throws StartException {
        this.registry = registry;
        long heap = Runtime.getRuntime().maxMemory();
        int processors = Runtime.getRuntime().availableProcessors();
        this.workers = new FunctionWorkers(
                supervisor, "functions", kernel.clock(), THREADS_A_PROCESSOR * processors, MOST_WAITING);
        FunctionWorkers.Share compiler =
                new FunctionWorkers(supervisor, "function-compiler", kernel.clock(), 1, MOST_WAITING).share();
        compiler.open();
        this.modules = new FunctionModules(heap / MODULES_PART_OF_HEAP, compiler, changed);
        this.surroundings = new EdgeFunction.Surroundings(
                kernel.clock(), kernel.secureRandom(), new GuestMemory(heap / MEMORY_PART_OF_HEAP));
        this.calls = Counter.builder()
                .name("coppice_gateway_function_calls")
                .help(
                        "Calls of functions: passed, answered, answer_passed, failed, timeout, busy, body_too_long, body_timeout.")
                .labelNames("function", "result")
                .build();
        this.seconds = Histogram.builder()
                .name("coppice_gateway_function_seconds")
                .help("How long a call of a function took on its thread.")
                .classicOnly()
                .classicUpperBounds(0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 10)
                .labelNames("function")
                .build();
        this.lines = Counter.builder()
                .name("coppice_gateway_function_log_lines")
                .help("Lines of functions for the log: written, dropped since there were too many.")
                .labelNames("result")
                .build();
        this.collectors = List.of(
                calls,
                seconds,
                lines,
                GaugeWithCallback.builder()
                        .name("coppice_gateway_function_instances")
                        .help("Instances of a function: idle, computing, or waiting for the answer to their request.")
                        .labelNames("function")
                        .callback(callback -> instances.forEach((name, each) ->
                                callback.call(each.current().function.instances(), name)))
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_function_memory_bytes")
                        .help("Memory of all instances of functions.")
                        .callback(
                                callback -> callback.call(surroundings.memory().used()))
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_function_module_bytes")
                        .help("Size of all modules of functions.")
                        .callback(callback -> callback.call(modules.bytes()))
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_function_modules_compiling")
                        .help("Modules of functions that are read and compiled, or wait for that.")
                        .callback(callback -> callback.call(modules.loading()))
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_function_modules_without_room")
                        .help("Modules of functions for which there is no room.")
                        .callback(callback -> callback.call(modules.withoutRoom()))
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_function_running")
                        .help(
                                "Calls of functions that compute: of slow functions, whose last call was long, and of quick ones.")
                        .labelNames("functions")
                        .callback(callback -> {
                            callback.call(workers.running(true), "slow");
                            callback.call(workers.running(false), "quick");
                        })
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_function_waiting")
                        .help("Calls of a function that wait for a thread.")
                        .labelNames("function")
                        .callback(callback -> instances.forEach(
                                (name, each) -> callback.call(each.current().waiting(), name)))
                        .build());
        collectors.forEach(registry::register);
    }

    /** The figures of one function. */
    final class Figures {
        private final String name;
        private final DistributionDataPoint took;

        private Figures(String name) {
            this.name = name;
            this.took = seconds.labelValues(name);
        }

        void count(String result) {
            calls.labelValues(name, result).inc();
        }

        void took(long nanos) {
            took.observe(nanos / 1e9);
        }

        private void forget() {
            RESULTS.forEach(each -> calls.remove(name, each));
            seconds.remove(name);
        }
    }

    Figures figures(String name) {
        return figures.of(name);
    }

    void logged(String result) {
        lines.labelValues(result).inc();
    }

    /** Calls of one with a result. */
    double counted(String name, String result) {
        return calls.labelValues(name, result).get();
    }

    /** These are there, and no others. */
    void keepOnly(Map<String, FunctionFilter> now) {
        figures.keepOnly(now::containsKey);
        instances.keySet().retainAll(Set.copyOf(now.keySet()));
        now.forEach((name, each) -> {
            if (figures.has(name)) {
                instances.put(name, each);
            }
        });
    }

    /** Takes its metrics out; its supervisor stops the rest. */
    @Override
    public void close() {
        collectors.forEach(registry::unregister);
    }
}
