package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.ObservationConfig;
import dev.coppice.gateway.config.ObservationConfig.Log;
import dev.coppice.gateway.config.ObservationConfig.Rotation;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.log.LogWriter;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** All that is told of requests, and what of it a rule has. Safe for use by many threads. */
final class Observations implements AutoCloseable {
    private static final Rotation STANDARD = new Rotation(64 << 20, 4);

    private final ProxyDataPlane plane;
    private final ProxyMetrics metrics;
    private final SpanExporter.Metrics spanMetrics;
    private final Executor exports;
    private final @Nullable Path directory;
    private final LogWriter files;
    private final LogWriter console;
    private final LogWriter.Sink stdout = new LogWriter.Sink.Stream(System.out);
    /** Where no policy says anything. */
    private final Observation standard;

    private Map<Log, AccessLog> logs = Map.of();
    private Map<TrafficTarget, ObservationConfig> targets = Map.of();
    private Map<SpanExporter.Target, SpanExporter> exporters = Map.of();
    private Map<ObservationConfig.Tracing, Tracing> tracings = Map.of();
    private Map<Observation, Observation> made = new HashMap<>();

    /**
     * Begins without policies.
     *
     * @param file of the log that is there without one; those of policies are in the directory {@code logs} beside it; null: there are no
     *     files
     */
    Observations(ProxyDataPlane plane, Supervisor supervisor, @Nullable Path file, PrometheusRegistry registry)
            throws StartException {
        this.plane = plane;
        this.metrics = plane.metrics;
        this.spanMetrics = new SpanExporter.Metrics(registry);
        this.exports = supervisor.executor("span-export");
        this.directory = file == null ? null : file.resolveSibling("logs");
        this.files = new LogWriter(metrics.accessLinesLost::inc);
        this.console = new LogWriter(metrics.accessLinesLost::inc);
        this.standard = new Observation(
                file == null ? List.of() : List.of(new AccessLog(files, rotated(file, STANDARD), metrics)), null);
        supervisor.start(ChildSpec.task("access-log", files.task()));
        supervisor.start(ChildSpec.task("access-log-stdout", console.task()));
    }

    private static LogWriter.Sink rotated(Path file, Rotation rotation) {
        return new LogWriter.Sink.RotatedFile(file, rotation.bytes(), rotation.files() - 1);
    }

    /** Takes over the policies that count from now on. */
    synchronized void update(List<ObservationConfig> configs, Function<String, @Nullable Upstream> upstreams) {
        Map<SpanExporter.Target, SpanExporter> nextExporters = new HashMap<>();
        Map<ObservationConfig.Tracing, Tracing> nextTracings = new HashMap<>();
        Map<Log, AccessLog> next = new HashMap<>();
        Map<TrafficTarget, ObservationConfig> byTarget = new HashMap<>();
        for (ObservationConfig config : configs) {
            config.targets().forEach(target -> byTarget.putIfAbsent(target, config));
            for (Log each : config.logs() == null ? List.<Log>of() : config.logs()) {
                AccessLog known = logs.get(each);
                AccessLog log = known == null ? made(each) : known;
                if (log != null) {
                    next.put(each, log);
                }
            }
            ObservationConfig.Tracing tracing = config.tracing();
            Upstream collector = tracing == null ? null : upstreams.apply(tracing.upstream());
            if (tracing != null && collector != null) {
                SpanExporter.Target to = new SpanExporter.Target(collector, tracing.path(), tracing.service());
                SpanExporter exporter = nextExporters.computeIfAbsent(to, this::exporter);
                Tracing known = tracings.get(tracing);
                nextTracings.put(
                        tracing, known != null && known.exporter() == exporter ? known : Tracing.of(tracing, exporter));
            }
        }
        exporters = nextExporters;
        tracings = nextTracings;
        logs = next;
        targets = byTarget;
        made = new HashMap<>();
    }

    private SpanExporter exporter(SpanExporter.Target to) {
        SpanExporter known = exporters.get(to);
        return known == null ? new SpanExporter(to, spanMetrics, plane, exports) : known;
    }

    private @Nullable AccessLog made(Log config) {
        Rotation rotation = config.file();
        if (rotation == null) {
            return new AccessLog(config, console, stdout, metrics);
        }
        return directory == null
                ? null
                : new AccessLog(config, files, rotated(directory.resolve(config.name() + ".log"), rotation), metrics);
    }

    /** Where nothing listens for a request. */
    Observation standard() {
        return standard;
    }

    /** What is told of a rule's requests: what the narrowest of its targets says. */
    synchronized Observation of(ListenerConfig listener, RouteConfig route, RuleConfig rule) {
        return targets.isEmpty() ? standard : of(TrafficTarget.of(listener, route, rule));
    }

    /** What is told of requests that no rule of a listener wanted. */
    synchronized Observation of(ListenerConfig listener) {
        return targets.isEmpty() ? standard : of(TrafficTarget.of(listener));
    }

    private Observation of(List<TrafficTarget> widestFirst) {
        List<AccessLog> chosen = standard.logs();
        Tracing tracing = null;
        for (TrafficTarget target : widestFirst) {
            ObservationConfig config = targets.get(target);
            if (config != null && config.logs() != null) {
                chosen = new ArrayList<>();
                for (Log each : config.logs()) {
                    AccessLog log = logs.get(each);
                    if (log != null) {
                        chosen.add(log);
                    }
                }
            }
            if (config != null && config.tracing() != null) {
                tracing = tracings.get(config.tracing());
            }
        }
        // Thousands of rules have the same.
        return made.computeIfAbsent(new Observation(List.copyOf(chosen), tracing), each -> each);
    }

    /** Takes its metrics out. */
    @Override
    public void close() {
        spanMetrics.close();
    }
}
