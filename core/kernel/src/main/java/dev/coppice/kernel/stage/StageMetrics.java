package dev.coppice.kernel.stage;

import dev.coppice.kernel.Kernel;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.lang.ref.WeakReference;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** What the edges of a kernel's pipelines show. Labels are bounded: edges past the limit are not shown. */
final class StageMetrics {
    private static final int MAX_EDGES = 200;
    private static final Map<PrometheusRegistry, WeakReference<StageMetrics>> ALL = new WeakHashMap<>();

    private final Map<List<String>, Junction> edges = new ConcurrentHashMap<>();

    private StageMetrics(PrometheusRegistry registry) {
        gauge(registry, "queued", "Messages that wait for a worker.", 0);
        gauge(registry, "held", "Messages that workers took and have not settled.", 1);
        counter(registry, "messages_total", "Messages that workers took.", 2, 1);
        counter(registry, "wait_seconds_total", "Time that those messages waited.", 3, 1e-9);
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

    void watch(String pipeline, String stage, Junction edge) {
        if (edges.size() < MAX_EDGES || edges.containsKey(List.of(pipeline, stage))) {
            edges.put(List.of(pipeline, stage), edge);
        }
    }

    private void each(int figure, double scale, BiConsumer<Double, String[]> sink) {
        edges.forEach((labels, edge) -> sink.accept(edge.figures()[figure] * scale, labels.toArray(String[]::new)));
    }

    private void gauge(PrometheusRegistry registry, String what, String help, int figure) {
        GaugeWithCallback.builder()
                .name("coppice_kernel_stage_" + what)
                .help(help)
                .labelNames("pipeline", "from")
                .callback(c -> each(figure, 1, c::call))
                .register(registry);
    }

    private void counter(PrometheusRegistry registry, String what, String help, int figure, double scale) {
        CounterWithCallback.builder()
                .name("coppice_kernel_stage_" + what)
                .help(help)
                .labelNames("pipeline", "from")
                .callback(c -> each(figure, scale, c::call))
                .register(registry);
    }
}
