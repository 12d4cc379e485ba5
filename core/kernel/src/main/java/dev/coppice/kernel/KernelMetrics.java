package dev.coppice.kernel;

import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.IntSupplier;

/** What the kernel counts about itself. Labels are bounded: past the limit a supervisor is counted as {@code other}. */
final class KernelMetrics {
    private static final int MAX_SUPERVISOR_LABELS = 200;

    final Counter timerFailures;
    final Counter timerSlow;
    final Counter handlerFailures;
    final Counter handlersSlow;
    final Counter mailboxDropped;
    final Counter deadLetters;
    final Counter lateReplies;
    final Counter abandoned;
    final Counter escalations;
    final Counter telemetryDetached;
    final Counter telemetrySlow;
    final Counter telemetryDropped;
    final Counter tasksRejected;
    final Gauge threads;
    private final LongAdder processes = new LongAdder();
    private final LongAdder tasks = new LongAdder();
    private final LongAdder services = new LongAdder();
    private final LongAdder periodics = new LongAdder();
    private final LongAdder supervisors = new LongAdder();
    private final Counter restarts;
    private final PrometheusRegistry registry;
    private final Set<String> labels = ConcurrentHashMap.newKeySet();

    KernelMetrics(PrometheusRegistry registry) {
        this.registry = registry;
        timerFailures = counter("coppice_kernel_timer_failures_total", "Timer actions that threw.");
        timerSlow = counter("coppice_kernel_timer_slow_total", "Timer actions that held up the timers over 50 ms.");
        handlerFailures = counter("coppice_kernel_handler_failures_total", "Children that ended by throwing.");
        handlersSlow = counter("coppice_kernel_handlers_slow_total", "Handlers found running longer than the limit.");
        mailboxDropped = counter("coppice_kernel_mailbox_dropped_total", "Messages dropped by a full mailbox.");
        deadLetters = counter("coppice_kernel_dead_letters_total", "Messages to processes that were not alive.");
        lateReplies = counter("coppice_kernel_late_replies_total", "Answers to calls that had already ended.");
        abandoned = counter("coppice_kernel_threads_abandoned_total", "Children that did not stop in time.");
        escalations = counter("coppice_kernel_escalations_total", "Supervisors that exceeded their restart intensity.");
        telemetryDetached = counter("coppice_kernel_telemetry_detached_total", "Event handlers detached for throwing.");
        telemetrySlow = counter(
                "coppice_kernel_telemetry_slow_total", "Calls of event handlers that held up the sender over 50 ms.");
        telemetryDropped =
                counter("coppice_kernel_telemetry_dropped_total", "Events dropped by a full queue of a handler.");
        tasksRejected =
                counter("coppice_kernel_executor_rejected_total", "Tasks that a full or stopped executor refused.");
        GaugeWithCallback.builder()
                .name("coppice_kernel_processes")
                .help("Processes alive.")
                .callback(c -> c.call(processes.sum()))
                .register(registry);
        GaugeWithCallback.builder()
                .name("coppice_kernel_children")
                .help("Children alive, by sort.")
                .labelNames("sort")
                .callback(c -> {
                    c.call(processes.sum(), "process");
                    c.call(tasks.sum(), "task");
                    c.call(services.sum(), "service");
                    c.call(periodics.sum(), "periodic");
                    c.call(supervisors.sum(), "supervisor");
                })
                .register(registry);
        threads = gauge("coppice_kernel_executor_tasks", "Tasks running or waiting in supervised executors.");
        restarts = Counter.builder()
                .name("coppice_kernel_restarts_total")
                .help("Restarts, by supervisor.")
                .labelNames("supervisor")
                .withoutExemplars()
                .register(registry);
    }

    /** The number of children alive of the sort that the body has. */
    LongAdder children(ChildSpec.Body body) {
        return switch (body) {
            case ChildSpec.ProcessBody _ -> processes;
            case ChildSpec.TaskBody _ -> tasks;
            case ChildSpec.ServiceBody _ -> services;
            case ChildSpec.PeriodicBody _ -> periodics;
            case ChildSpec.SupervisorBody _ -> supervisors;
        };
    }

    /** Where the restarts by one supervisor are counted, for it to keep. */
    CounterDataPoint restartsBy(String supervisor) {
        boolean known = labels.contains(supervisor);
        if (!known && labels.size() < MAX_SUPERVISOR_LABELS) {
            known = labels.add(supervisor) || labels.contains(supervisor);
        }
        return restarts.labelValues(known ? supervisor : "other");
    }

    void watchTimers(IntSupplier pending) {
        GaugeWithCallback.builder()
                .name("coppice_kernel_timers_pending")
                .help("Timers that wait.")
                .callback(c -> c.call(pending.getAsInt()))
                .register(registry);
    }

    void watchNames(IntSupplier names, IntSupplier groups) {
        GaugeWithCallback.builder()
                .name("coppice_kernel_registered_names")
                .help("Names that processes have.")
                .callback(c -> c.call(names.getAsInt()))
                .register(registry);
        GaugeWithCallback.builder()
                .name("coppice_kernel_groups")
                .help("Groups that processes are in.")
                .callback(c -> c.call(groups.getAsInt()))
                .register(registry);
    }

    void watchTelemetry(LongAdder events, IntSupplier handlers) {
        CounterWithCallback.builder()
                .name("coppice_kernel_telemetry_events_total")
                .help("Events that had a handler.")
                .callback(c -> c.call(events.sum()))
                .register(registry);
        GaugeWithCallback.builder()
                .name("coppice_kernel_telemetry_handlers")
                .help("Event handlers attached.")
                .callback(c -> c.call(handlers.getAsInt()))
                .register(registry);
    }

    void watchInspector(IntSupplier looks, IntSupplier traces) {
        GaugeWithCallback.builder()
                .name("coppice_kernel_looks_kept")
                .help("Children whose last looks are kept, for rates, while somebody looks.")
                .callback(c -> c.call(looks.getAsInt()))
                .register(registry);
        GaugeWithCallback.builder()
                .name("coppice_kernel_traces")
                .help("Traces of processes that run or are kept.")
                .callback(c -> c.call(traces.getAsInt()))
                .register(registry);
    }

    private Counter counter(String name, String help) {
        return Counter.builder().name(name).help(help).withoutExemplars().register(registry);
    }

    private Gauge gauge(String name, String help) {
        return Gauge.builder().name(name).help(help).withoutExemplars().register(registry);
    }
}
