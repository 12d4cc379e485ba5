package dev.coppice.control.runtime;

import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/**
 * What controllers and informers count. Work queues and reconciles have the names of Kubernetes' controller-runtime, so
 * that dashboards made for it work. One per registry, however many managers there are.
 */
final class RuntimeMetrics {

    private static final Map<PrometheusRegistry, RuntimeMetrics> BY_REGISTRY = new WeakHashMap<>();
    private static final double[] SECONDS = {0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 600};

    /** By name; of several with one name the newest. */
    final Map<String, Supplier<WorkQueue.InWork>> queues = new ConcurrentHashMap<>();

    final Gauge depth;
    final Counter adds;
    final Counter retries;
    final Counter blocked;
    final Histogram queueSeconds;
    final Histogram workSeconds;
    final Counter reconciles;
    final Counter reconcileErrors;
    final Counter terminalErrors;
    final Counter panics;
    final Histogram reconcileSeconds;
    final Gauge maxConcurrent;
    final Gauge activeWorkers;
    final Counter relists;
    final Counter watchFailures;
    final Counter unreadable;
    final Counter observerFailures;
    final Gauge objects;
    final Counter events;
    final Gauge leader;

    private RuntimeMetrics(PrometheusRegistry registry) {
        depth = gauge(registry, "workqueue_depth", "Keys that wait.", "name", "controller");
        adds = counter(registry, "workqueue_adds_total", "Keys added.", "name", "controller");
        retries =
                counter(registry, "workqueue_retries_total", "Keys added again after a failure.", "name", "controller");
        blocked = counter(
                registry,
                "coppice_control_workqueue_blocked_total",
                "Adds that waited because the queue was full.",
                "name");
        queueSeconds =
                histogram(registry, "workqueue_queue_duration_seconds", "How long keys waited.", "name", "controller");
        workSeconds = histogram(
                registry, "workqueue_work_duration_seconds", "How long keys were worked on.", "name", "controller");
        inWork(
                registry,
                "workqueue_unfinished_work_seconds",
                "Sum of the time that keys now in work have taken.",
                WorkQueue.InWork::seconds);
        inWork(
                registry,
                "workqueue_longest_running_processor_seconds",
                "How long the key that has been in work longest has taken.",
                WorkQueue.InWork::longestSeconds);
        reconciles = counter(
                registry, "controller_runtime_reconcile_total", "Reconciles, by result.", "controller", "result");
        reconcileErrors =
                counter(registry, "controller_runtime_reconcile_errors_total", "Reconciles that failed.", "controller");
        terminalErrors = counter(
                registry,
                "controller_runtime_terminal_reconcile_errors_total",
                "Reconciles that failed and are not tried again.",
                "controller");
        panics = counter(
                registry,
                "controller_runtime_reconcile_panics_total",
                "Reconciles that broke with an Error.",
                "controller");
        reconcileSeconds = histogram(
                registry, "controller_runtime_reconcile_time_seconds", "How long reconciles took.", "controller");
        maxConcurrent = gauge(
                registry,
                "controller_runtime_max_concurrent_reconciles",
                "Keys reconciled at once, at most.",
                "controller");
        activeWorkers = gauge(registry, "controller_runtime_active_workers", "Workers busy now.", "controller");
        relists = counter(registry, "coppice_control_informer_lists_total", "Lists made to start anew.", "type");
        watchFailures =
                counter(registry, "coppice_control_informer_failures_total", "Lists and watches that failed.", "type");
        unreadable = counter(
                registry, "coppice_control_informer_unreadable_total", "Objects that could not be read.", "type");
        observerFailures =
                counter(registry, "coppice_control_informer_observer_failures_total", "Observers that threw.", "type");
        objects = gauge(registry, "coppice_control_informer_objects", "Objects held.", "type");
        events = counter(
                registry,
                "coppice_control_recorded_events_total",
                "Events recorded, by what became of them.",
                "outcome");
        leader = gauge(registry, "leader_election_master_status", "1 while this process leads.", "name");
    }

    static RuntimeMetrics of(PrometheusRegistry registry) {
        synchronized (BY_REGISTRY) {
            return BY_REGISTRY.computeIfAbsent(registry, RuntimeMetrics::new);
        }
    }

    /** What grows by itself is worked out when somebody looks, so that idle queues cost nothing. */
    private void inWork(
            PrometheusRegistry registry, String name, String help, ToDoubleFunction<WorkQueue.InWork> value) {
        GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .labelNames("name", "controller")
                .callback(c -> queues.forEach((queue, look) -> c.call(value.applyAsDouble(look.get()), queue, queue)))
                .register(registry);
    }

    private static Counter counter(PrometheusRegistry registry, String name, String help, String... labels) {
        return Counter.builder().name(name).help(help).labelNames(labels).register(registry);
    }

    private static Gauge gauge(PrometheusRegistry registry, String name, String help, String... labels) {
        return Gauge.builder().name(name).help(help).labelNames(labels).register(registry);
    }

    private static Histogram histogram(PrometheusRegistry registry, String name, String help, String... labels) {
        return Histogram.builder()
                .name(name)
                .help(help)
                .labelNames(labels)
                .classicOnly()
                .classicUpperBounds(SECONDS)
                .register(registry);
    }
}
