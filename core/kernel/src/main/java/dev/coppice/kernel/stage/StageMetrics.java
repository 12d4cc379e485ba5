package dev.coppice.kernel.stage;

import dev.coppice.kernel.Kernel;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.lang.ref.WeakReference;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** What the edges of a kernel's running pipelines show. Labels are bounded: edges past the limit are not shown, nor are second ones of a name. */
final class StageMetrics {
    private static final int MAX_EDGES = 200;
    private static final Map<PrometheusRegistry, WeakReference<StageMetrics>> ALL = new WeakHashMap<>();

    private final List<Pipeline> running = new CopyOnWriteArrayList<>();

    private StageMetrics(PrometheusRegistry registry) {
        gauge(registry, "queued", "Messages that wait for a worker.", Edge::queued);
        gauge(registry, "held", "Messages that workers took and have not settled.", Edge::held);
        counter(registry, "messages_total", "Messages that workers took.", Edge::messages);
        counter(
                registry,
                "wait_seconds_total",
                "Time that those messages waited.",
                e -> e.waited().toNanos() / 1e9);
        counter(registry, "failures_total", "Messages that were given up.", Edge::failures);
        counter(registry, "retries_total", "Attempts after a first one.", Edge::retries);
        counter(registry, "restarts_total", "Lives of workers after a first one.", Edge::restarts);
        perPipeline(registry, "acknowledged", "Produced messages that were done.", Pipeline::acknowledged);
        perPipeline(registry, "failed", "Produced messages of which something was given up.", Pipeline::failed);
    }

    static StageMetrics of(Kernel kernel) {
        synchronized (ALL) {
            WeakReference<StageMetrics> known = ALL.get(kernel.metrics());
            @Nullable StageMetrics metrics = known == null ? null : known.get();
            if (metrics == null) {
                metrics = new StageMetrics(kernel.metrics());
                ALL.put(kernel.metrics(), new WeakReference<>(metrics));
            }
            return metrics;
        }
    }

    void add(Pipeline pipeline) {
        running.add(pipeline);
    }

    void remove(Pipeline pipeline) {
        running.remove(pipeline);
    }

    List<Pipeline> running() {
        return List.copyOf(running);
    }

    private void each(ToDoubleFunction<Edge> figure, BiConsumer<Double, String[]> sink) {
        Set<List<String>> shown = new HashSet<>();
        for (Pipeline pipeline : running) {
            for (Edge edge : pipeline.edges()) {
                List<String> labels = List.of(edge.pipeline(), edge.from(), String.join(",", edge.to()));
                if (shown.size() < MAX_EDGES && shown.add(labels)) {
                    sink.accept(figure.applyAsDouble(edge), labels.toArray(String[]::new));
                }
            }
        }
    }

    private void gauge(PrometheusRegistry registry, String what, String help, ToDoubleFunction<Edge> figure) {
        GaugeWithCallback.builder()
                .name("coppice_kernel_stage_" + what)
                .help(help)
                .labelNames("pipeline", "from", "to")
                .callback(c -> each(figure, c::call))
                .register(registry);
    }

    private void counter(PrometheusRegistry registry, String what, String help, ToDoubleFunction<Edge> figure) {
        CounterWithCallback.builder()
                .name("coppice_kernel_stage_" + what)
                .help(help)
                .labelNames("pipeline", "from", "to")
                .callback(c -> each(figure, c::call))
                .register(registry);
    }

    private void perPipeline(PrometheusRegistry registry, String what, String help, ToDoubleFunction<Pipeline> figure) {
        CounterWithCallback.builder()
                .name("coppice_kernel_pipeline_" + what + "_total")
                .help(help)
                .labelNames("pipeline")
                .callback(c -> {
                    Set<String> shown = new HashSet<>();
                    for (Pipeline pipeline : running) {
                        if (shown.size() < MAX_EDGES && shown.add(pipeline.name())) {
                            c.call(figure.applyAsDouble(pipeline), pipeline.name());
                        }
                    }
                })
                .register(registry);
    }
}
