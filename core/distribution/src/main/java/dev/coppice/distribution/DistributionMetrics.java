package dev.coppice.distribution;

import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.function.DoubleSupplier;

/** What is counted of the distribution of a node. */
final class DistributionMetrics {
    private final PrometheusRegistry registry;
    private final Counter sentFrames;
    private final Counter sentBytes;
    private final Counter received;
    private final Counter dropped;
    private final Counter nodes;
    private final Counter refused;

    DistributionMetrics(PrometheusRegistry registry) {
        this.registry = registry;
        sentFrames = counter("frames_sent", "Messages and what belongs to them sent to other nodes.");
        sentBytes = counter("bytes_sent", "Bytes of what was sent to other nodes, before TLS.");
        received = counter("frames_received", "Messages and what belongs to them received from other nodes.");
        dropped = Counter.builder()
                .name("coppice_distribution_dropped")
                .help(
                        "Messages that were lost: disconnected, overload (too much waits for a node), mailbox (the process"
                                + " does not keep up), dead (nobody has the address), unreadable, shard_overload, shard_lost.")
                .labelNames("reason")
                .register(registry);
        nodes = Counter.builder()
                .name("coppice_distribution_node_changes")
                .help("Nodes that were connected, or lost.")
                .labelNames("change")
                .register(registry);
        refused = counter("names_lost", "Names that were lost to another node after a net split.");
    }

    private Counter counter(String name, String help) {
        return Counter.builder().name("coppice_distribution_" + name).help(help).register(registry);
    }

    void gauge(String name, String help, DoubleSupplier value) {
        GaugeWithCallback.builder()
                .name("coppice_distribution_" + name)
                .help(help)
                .callback(callback -> callback.call(value.getAsDouble()))
                .register(registry);
    }

    void sent(int frames, int bytes) {
        sentFrames.inc(frames);
        sentBytes.inc(bytes);
    }

    void received() {
        received.inc();
    }

    void dropped(String reason) {
        dropped.labelValues(reason).inc();
    }

    void node(String change) {
        nodes.labelValues(change).inc();
    }

    void nameLost() {
        refused.inc();
    }
}
