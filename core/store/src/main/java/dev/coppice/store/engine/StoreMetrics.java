package dev.coppice.store.engine;

import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** The store's metrics. Registered once per kernel, whatever restarts. Safe for use by many threads. */
public final class StoreMetrics {

    public static final String LOG_SYNC_SECONDS = "coppice_store_log_sync_seconds";
    public static final String STATE_WRITE_SECONDS = "coppice_store_state_write_seconds";

    private final Counter commands;
    private final Counter failures;
    private final Counter fellBehind;
    private final Counter compactedRevisions;
    private final Counter slowWrites;
    private final Histogram batchCommands;
    private final Histogram syncSeconds;
    private final Histogram writeSeconds;
    private final PrometheusRegistry registry;

    public static final String SLOW_WRITES = "coppice_store_slow_writes";

    /** etcd warns from there on. */
    private static final long SLOW_NANOS = 100_000_000;

    public StoreMetrics(PrometheusRegistry registry) {
        this.registry = registry;
        commands = Counter.builder()
                .name("coppice_store_commands_applied")
                .help("Commands of the log that were applied.")
                .register(registry);
        failures = Counter.builder()
                .name("coppice_store_commands_refused")
                .help("Commands that were applied and answered with an error.")
                .register(registry);
        fellBehind = Counter.builder()
                .name("coppice_store_watches_fell_behind")
                .help("Times a watch could not keep up and went on from the disk.")
                .register(registry);
        compactedRevisions = Counter.builder()
                .name("coppice_store_compacted_versions")
                .help("Old versions of keys that compaction removed.")
                .register(registry);
        syncSeconds = seconds(registry, LOG_SYNC_SECONDS, "Seconds that writing to the log with its sync took.");
        writeSeconds = seconds(registry, STATE_WRITE_SECONDS, "Seconds that writing a batch to the state took.");
        slowWrites = Counter.builder()
                .name(SLOW_WRITES)
                .help("Batches that took more than 100 ms to be written to the state.")
                .register(registry);
        batchCommands = Histogram.builder()
                .name("coppice_store_batch_commands")
                .help("Commands that were written to the state together.")
                .classicOnly()
                .classicUpperBounds(1, 2, 4, 8, 16, 32, 64, 128, 256)
                .register(registry);
    }

    /** etcd's buckets: 1 ms and its doubles. */
    private static Histogram seconds(PrometheusRegistry registry, String name, String help) {
        return Histogram.builder()
                .name(name)
                .help(help)
                .classicOnly()
                .classicExponentialUpperBounds(0.001, 2, 14)
                .register(registry);
    }

    void synced(long nanos) {
        syncSeconds.observe(nanos / 1e9);
    }

    void written(long nanos) {
        writeSeconds.observe(nanos / 1e9);
        if (nanos > SLOW_NANOS) {
            slowWrites.inc();
        }
    }

    void applied(int number) {
        commands.inc(number);
        batchCommands.observe(number);
    }

    void refused() {
        failures.inc();
    }

    void watchesFellBehind() {
        fellBehind.inc();
    }

    void compacted(long versions) {
        compactedRevisions.inc(versions);
    }

    /** Shows the state of all keyspaces. */
    public void show(Supplier<Iterable<Space>> spaces) {
        gauge("coppice_store_revision", "The newest revision.", spaces, Space::revision);
        gauge("coppice_store_bytes", "Keys and values kept, with their history.", spaces, Space::bytes);
        gauge(
                "coppice_store_watches",
                "Watches running.",
                spaces,
                space -> space.hub().count());
        gauge(
                "coppice_store_watches_lagging",
                "Watches that read on from the ring or the disk.",
                spaces,
                Space::laggingWatches);
        gauge(
                "coppice_store_watch_sessions",
                "Streams with watches, and single watches.",
                spaces,
                space -> space.watchLoad().sessions());
        gauge(
                "coppice_store_watch_events_waiting",
                "Events that wait for watches; at most 8192 a session.",
                spaces,
                space -> space.watchLoad().waitingEvents());
        gauge(
                "coppice_store_leases",
                "Leases alive.",
                spaces,
                space -> space.lessor().count());
    }

    /** Shows how many proposals wait in the log, how long that is, and the space left on the disk. */
    public void show(IntSupplier waiting, LongSupplier logBytes, LongSupplier freeDiskBytes) {
        GaugeWithCallback.builder()
                .name("coppice_store_proposals_waiting")
                .help("Proposals on their way through the log; more than 5000 are refused.")
                .callback(callback -> callback.call(waiting.getAsInt()))
                .register(registry);
        GaugeWithCallback.builder()
                .name("coppice_store_log_bytes")
                .help("Size of the log's files; entries go once a snapshot has them.")
                .callback(callback -> callback.call(logBytes.getAsLong()))
                .register(registry);
        GaugeWithCallback.builder()
                .name("coppice_store_disk_free_bytes")
                .help("Space left on the disk of the store; writes are refused below 64 MiB.")
                .callback(callback -> callback.call(freeDiskBytes.getAsLong()))
                .register(registry);
    }

    private interface Value {
        double of(Space space);
    }

    private void gauge(String name, String help, Supplier<Iterable<Space>> spaces, Value value) {
        GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .labelNames("keyspace")
                .callback(callback -> spaces.get().forEach(space -> callback.call(value.of(space), space.name())))
                .register(registry);
    }
}
