package dev.coppice.gateway.share;

import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.List;

/** What is counted of limits that nodes share, of all limits together. Safe for use by many threads. */
final class ShareMetrics implements AutoCloseable {
    /** Why a request or an answer did not go the way that it should. */
    enum Dropped {
        /** Too many requests wait. */
        WAITING("waiting"),
        /** Too many keys are to be asked for. */
        QUEUE("queue"),
        /** In no place for the key's allowance is one that may go. */
        TABLE("table"),
        /** An answer came when nobody knew what was asked. */
        LATE("late");

        private final String word;

        Dropped(String word) {
            this.word = word;
        }
    }

    private final PrometheusRegistry registry;
    private final List<Collector> collectors;
    private final Counter dropped;

    /** Decided by what the owner gave, or said, before. */
    final CounterDataPoint allowance;
    /** Decided by what the owner answered. */
    final CounterDataPoint asked;
    /** Decided by this node alone. */
    final CounterDataPoint alone;
    /** Requests that others were asked for. */
    final CounterDataPoint wanted;
    /** Requests that others gave. */
    final CounterDataPoint granted;
    /** Requests that were given to others. */
    final CounterDataPoint given;

    final Histogram keys;

    ShareMetrics(PrometheusRegistry registry, LimitSharing of) {
        this.registry = registry;
        Counter decisions = Counter.builder()
                .name("coppice_gateway_limit_shared_decisions")
                .help(
                        "Requests for keys of other nodes that a shared rate limit decided: by what the owner said before (allowance),"
                                + " by its answer (asked), or alone while it is away (alone).")
                .labelNames("by")
                .build();
        allowance = decisions.labelValues("allowance");
        asked = decisions.labelValues("asked");
        alone = decisions.labelValues("alone");
        Counter requests = Counter.builder()
                .name("coppice_gateway_limit_shared_requests")
                .help(
                        "Requests of shared rate limits that other nodes were asked for (wanted), gave (granted), and were given (given).")
                .labelNames("event")
                .build();
        wanted = requests.labelValues("wanted");
        granted = requests.labelValues("granted");
        given = requests.labelValues("given");
        dropped = Counter.builder()
                .name("coppice_gateway_limit_shared_dropped")
                .help(
                        "What went another way since a bound was reached: waiting, queue, table; or answers that came too late.")
                .labelNames("reason")
                .build();
        keys = Histogram.builder()
                .name("coppice_gateway_limit_shared_batch_keys")
                .help("Keys that a node was asked for in one message.")
                .classicOnly()
                .classicUpperBounds(1, 2, 4, 8, 16, 32, 64, 128, 256, ShareMessage.MOST_KEYS)
                .build();
        collectors = List.of(
                decisions,
                requests,
                dropped,
                keys,
                CounterWithCallback.builder()
                        .name("coppice_gateway_limit_shared_evicted")
                        .help("Allowances for keys that were given up for other keys.")
                        .callback(callback -> callback.call(of.allowances.evicted()))
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_limit_shared_debts")
                        .help(
                                "Keys whose allowances were given up, and for which requests that passed without their owner are not paid for yet.")
                        .callback(callback -> callback.call(of.allowances.debts.held()))
                        .build(),
                CounterWithCallback.builder()
                        .name("coppice_gateway_limit_shared_debts_lost")
                        .help(
                                "Requests that passed without the owner of their key and are paid for by nobody, as too many keys owe something.")
                        .callback(callback -> callback.call(of.allowances.debts.lost()))
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_limit_shared_allowances")
                        .help("Keys of other nodes for which there is an allowance, a refusal, or a question.")
                        .callback(callback -> callback.call(of.allowances.held(of.now())))
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_limit_shared_waiting")
                        .help("Requests that wait for the owner of their key.")
                        .callback(callback -> callback.call(of.waiting()))
                        .build(),
                GaugeWithCallback.builder()
                        .name("coppice_gateway_limit_shared_nodes")
                        .help("Nodes that share rate limits: all, and those of them that do not answer in time (away).")
                        .labelNames("state")
                        .callback(callback -> {
                            callback.call(of.members().size(), "all");
                            callback.call(of.away(), "away");
                        })
                        .build());
        collectors.forEach(registry::register);
    }

    void dropped(Dropped why) {
        dropped.labelValues(why.word).inc();
    }

    /** Takes them out, so that another data plane may have its own. */
    @Override
    public void close() {
        collectors.forEach(registry::unregister);
    }
}
