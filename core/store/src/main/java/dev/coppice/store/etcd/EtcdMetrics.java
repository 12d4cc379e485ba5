package dev.coppice.store.etcd;

import com.sun.management.UnixOperatingSystemMXBean;
import dev.coppice.store.MemberKeyspace;
import dev.coppice.store.engine.Space;
import dev.coppice.store.engine.StoreMetrics;
import dev.coppice.store.raft.GrpcPeerTransport;
import dev.coppice.store.raft.ReplicatedLog;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricMetadata;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The main metrics of etcd by etcd's names, for dashboards and rules written for it. What etcd calls {@code _total} is a
 * counter here, also where etcd has a gauge.
 *
 * @see <a href="https://etcd.io/docs/v3.5/metrics/">etcd's metrics</a>
 */
final class EtcdMetrics {

    private static final System.Logger LOG = System.getLogger(EtcdMetrics.class.getName());

    private static final double NANOS_PER_SECOND = 1e9;

    private final MemberKeyspace keyspace;
    private final MetricSnapshots.Builder snapshots = MetricSnapshots.builder();

    private EtcdMetrics(MemberKeyspace keyspace) {
        this.keyspace = keyspace;
    }

    /** Everything registered, and etcd's names beside it. */
    static MetricSnapshots withEtcdNames(
            MemberKeyspace keyspace, MetricSnapshots registered, List<List<MetricSnapshot>> more) {
        EtcdMetrics metrics = new EtcdMetrics(keyspace);
        registered.forEach(metrics.snapshots::metricSnapshot);
        more.forEach(each -> each.forEach(metrics.snapshots::metricSnapshot));
        metrics.renamed(registered);
        metrics.server();
        metrics.space();
        metrics.process();
        return metrics.snapshots.build();
    }

    /** A counter of our own that is shown under a name of etcd's, too: with another label for the peer, or none. */
    private record Counted(
            String name, String help, @Nullable String label) {}

    private static final Map<String, Counted> COUNTERS = Map.of(
            "coppice_store_peer_failures",
            new Counted("etcd_network_peer_sent_failures", "Failures of sending to a member.", "To"),
            GrpcPeerTransport.SENT_BYTES,
            new Counted("etcd_network_peer_sent_bytes", "Bytes sent to a member.", "To"),
            GrpcPeerTransport.RECEIVED_BYTES,
            new Counted("etcd_network_peer_received_bytes", "Bytes received from a member.", "From"),
            StoreMetrics.SLOW_WRITES,
            new Counted("etcd_server_slow_apply", "Batches that took more than 100 ms to be applied.", null));

    /** What is measured under a name of our own is shown under etcd's, too. */
    private void renamed(MetricSnapshots registered) {
        for (MetricSnapshot each : registered) {
            String own = each.getMetadata().getName();
            if (each instanceof CounterSnapshot counter) {
                Counted known = COUNTERS.get(own);
                if (known != null) {
                    snapshots.metricSnapshot(renamed(counter, known));
                }
            }
            if (each instanceof HistogramSnapshot histogram) {
                String name = etcdName(own);
                if (!name.isEmpty()) {
                    snapshots.metricSnapshot(new HistogramSnapshot(
                            new MetricMetadata(
                                    name, String.valueOf(histogram.getMetadata().getHelp())),
                            histogram.getDataPoints().stream()
                                    .map(EtcdMetrics::toPeer)
                                    .toList()));
                }
            }
        }
    }

    private static CounterSnapshot renamed(CounterSnapshot counter, Counted known) {
        CounterSnapshot.Builder renamed =
                CounterSnapshot.builder().name(known.name()).help(known.help());
        for (CounterDataPointSnapshot each : counter.getDataPoints()) {
            renamed.dataPoint(CounterDataPointSnapshot.builder()
                    .labels(labels(known.label(), each.getLabels()))
                    .value(each.getValue())
                    .build());
        }
        return renamed.build();
    }

    private static Labels labels(@Nullable String name, Labels own) {
        String peer = own.get("peer");
        return name == null || peer == null ? own : Labels.of(name, peer);
    }

    private static HistogramDataPointSnapshot toPeer(HistogramDataPointSnapshot point) {
        return HistogramDataPointSnapshot.builder()
                .labels(labels("To", point.getLabels()))
                .classicHistogramBuckets(point.getClassicBuckets())
                .sum(point.getSum())
                .build();
    }

    private static String etcdName(String name) {
        if (name.equals(StoreMetrics.LOG_SYNC_SECONDS)) {
            return "etcd_disk_wal_fsync_duration_seconds";
        }
        if (name.equals(GrpcPeerTransport.ROUND_TRIP_SECONDS)) {
            return "etcd_network_peer_round_trip_time_seconds";
        }
        return name.equals(StoreMetrics.STATE_WRITE_SECONDS) ? "etcd_disk_backend_commit_duration_seconds" : "";
    }

    private void server() {
        info("etcd_server_version", "The version whose behaviour this is.", "server_version", MemberMethods.VERSION);
        info(
                "etcd_cluster_version",
                "The version of the cluster.",
                "cluster_version",
                MemberMethods.CLUSTER_VERSION.replaceFirst("\\.0$", ""));
        info(
                "etcd_server_id",
                "This member.",
                "server_id",
                Long.toHexString(keyspace.store().machine().memberId()));
        ReplicatedLog log = keyspace.store().log();
        gauge(
                "etcd_server_has_leader",
                "Whether there is a leader.",
                log.leaders().current() == null ? 0 : 1);
        gauge("etcd_server_is_leader", "Whether this member leads.", log.leading() ? 1 : 0);
        counter("etcd_server_leader_changes_seen", "Leaders seen.", log.leaderChanges());
        counter("etcd_server_proposals_committed", "The last entry committed.", log.committed());
        counter(
                "etcd_server_proposals_applied",
                "The last entry applied.",
                keyspace.store().machine().applied());
        gauge("etcd_server_proposals_pending", "Proposals on their way.", log.waiting());
        counter("etcd_server_proposals_failed", "Proposals that failed.", log.failures());
        counter("etcd_server_slow_read_indexes", "Leaders that took too long to confirm a read.", log.slowReads());
        counter("etcd_server_read_indexes_failed", "Reads that no leader confirmed.", log.failedReads());
    }

    private void space() {
        Space space = keyspace.space();
        gauge(
                "etcd_server_quota_backend_bytes",
                "The most it may hold.",
                keyspace.status().quotaBytes());
        gauge(
                "etcd_mvcc_db_total_size_in_bytes",
                "Files on disk, of all keyspaces.",
                keyspace.store().machine().fileBytes());
        gauge("etcd_mvcc_db_total_size_in_use_in_bytes", "Keys and values kept, with their history.", space.bytes());
        counter("etcd_debugging_mvcc_keys", "Keys.", space.keys());
        gauge("etcd_debugging_mvcc_current_revision", "The newest revision.", space.revision());
        gauge("etcd_debugging_mvcc_compact_revision", "The revision it was compacted to.", space.compacted());
        counter("etcd_mvcc_range", "Ranges read.", space.counters().ranges());
        counter("etcd_mvcc_put", "Puts.", space.counters().puts());
        counter("etcd_mvcc_delete", "Keys deleted.", space.counters().deletes());
        counter(
                "etcd_mvcc_txn",
                "Transactions that may write.",
                space.counters().transactions());
        counter(
                "etcd_debugging_mvcc_events",
                "Events of all keys.",
                space.counters().puts() + space.counters().deletes());
        counter("etcd_debugging_mvcc_watcher", "Watches running.", space.watchCount());
        counter("etcd_debugging_mvcc_slow_watcher", "Watches that have to catch up.", space.laggingWatches());
        Space.WatchLoad watches = space.watchLoad();
        counter("etcd_debugging_mvcc_watch_stream", "Streams with watches, and single watches.", watches.sessions());
        counter("etcd_debugging_mvcc_pending_events", "Events that wait for watches.", watches.waitingEvents());
    }

    /** What the Prometheus client for Go tells of its process, as far as this system tells it. */
    private void process() {
        if (ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system) {
            gauge("process_open_fds", "Number of open file descriptors.", system.getOpenFileDescriptorCount());
            gauge("process_max_fds", "Maximum number of open file descriptors.", system.getMaxFileDescriptorCount());
            counter(
                    "process_cpu_seconds",
                    "Total user and system CPU time spent in seconds.",
                    system.getProcessCpuTime() / NANOS_PER_SECOND);
        }
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
            lines.filter(line -> line.startsWith("VmRSS:"))
                    .map(line -> line.replaceAll("\\D", ""))
                    .findFirst()
                    .ifPresent(kibibytes -> gauge(
                            "process_resident_memory_bytes",
                            "Resident memory size in bytes.",
                            Long.parseLong(kibibytes) * 1024.0));
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "this system does not tell how much memory a process has", e);
        }
    }

    private void info(String name, String help, String label, String value) {
        snapshots.metricSnapshot(GaugeSnapshot.builder()
                .name(name)
                .help(help)
                .dataPoint(GaugeDataPointSnapshot.builder()
                        .labels(Labels.of(label, value))
                        .value(1)
                        .build())
                .build());
    }

    private void gauge(String name, String help, double value) {
        snapshots.metricSnapshot(GaugeSnapshot.builder()
                .name(name)
                .help(help)
                .dataPoint(GaugeDataPointSnapshot.builder().value(value).build())
                .build());
    }

    private void counter(String name, String help, double value) {
        snapshots.metricSnapshot(CounterSnapshot.builder()
                .name(name)
                .help(help)
                .dataPoint(CounterDataPointSnapshot.builder().value(value).build())
                .build());
    }
}
