package dev.coppice.gateway.proxy;

import dev.coppice.gateway.file.FileContents;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.datapoints.GaugeDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * What the data plane counts. Of routes and upstreams the first {@value #MOST_NAMES} have figures of their own. Safe for use by many threads.
 */
final class ProxyMetrics implements AutoCloseable {
    private static final int MOST_NAMES = 2000;
    private static final int CODES = 600;
    private static final String IN = "in";
    private static final String OUT = "out";

    private final Counter requests;
    private final Counter streams;
    private final Counter streamBytes;
    private final Counter streamsBroken;
    private final Histogram seconds;
    private final Counter upstreamRequests;
    private final Counter upstreamFailures;
    private final Counter upstreamHandshakes;
    private final Gauge upstreamConnections;
    final Counter refused;
    /** Faults of the gateway's own; each has ended a connection. */
    final Counter faults;

    final CounterDataPoint retries;
    final CounterDataPoint mirrored;
    final Counter mirrorsLost;
    final Counter translated;
    final Counter compressed;
    final Counter filterAnswers;
    final Counter filterFailures;
    final Gauge filesOpen;
    final Counter filterCalls;
    final Counter challenges;
    final Gauge connections;
    final CounterDataPoint accessLines;
    final CounterDataPoint accessLinesLost;
    final CounterDataPoint accessConditionsFailed;
    final CounterDataPoint traceConditionsFailed;

    private final PrometheusRegistry registry;
    private final List<Collector> collectors = new ArrayList<>();
    private final NamedFigures<PerRoute> routes = new NamedFigures<>(MOST_NAMES, PerRoute::new, this::forget);
    private final NamedFigures<PerTarget> targets = new NamedFigures<>(MOST_NAMES, PerTarget::new, this::forget);

    ProxyMetrics(PrometheusRegistry registry) {
        this.registry = registry;
        requests = kept(Counter.builder()
                .name("coppice_gateway_requests")
                .help("Requests that were answered; code 499 when the client went before.")
                .labelNames("route", "code")
                .build());
        streams = kept(Counter.builder()
                .name("coppice_gateway_streams")
                .help("Streams that ended, and clients of datagrams that fell silent.")
                .labelNames("route")
                .build());
        streamBytes = kept(Counter.builder()
                .name("coppice_gateway_stream_bytes")
                .help("Bytes of streams and datagrams that are over: in, from clients; out, to them.")
                .labelNames("route", "direction")
                .build());
        streamsBroken = kept(Counter.builder()
                .name("coppice_gateway_streams_broken")
                .help("Streams that did not end by what both sides said, by the reason that access logs have.")
                .labelNames("route", "reason")
                .build());
        seconds = kept(Histogram.builder()
                .name("coppice_gateway_request_seconds")
                .help("Seconds from a request's head to its answer's end.")
                .labelNames("route")
                .classicOnly()
                .classicExponentialUpperBounds(0.0005, 2, 16)
                .build());
        upstreamRequests = kept(Counter.builder()
                .name("coppice_gateway_upstream_requests")
                .help("Requests sent to endpoints, each try.")
                .labelNames("upstream")
                .build());
        upstreamFailures = kept(Counter.builder()
                .name("coppice_gateway_upstream_failures")
                .help(
                        "Requests to endpoints that ended without an answer: connect, tls, reset, timeout, waiting, malformed, websocket.")
                .labelNames("upstream", "reason")
                .build());
        upstreamHandshakes = kept(Counter.builder()
                .name("coppice_gateway_upstream_handshakes")
                .help("Handshakes of TLS with endpoints that succeeded.")
                .labelNames("upstream")
                .build());
        upstreamConnections = kept(Gauge.builder()
                .name("coppice_gateway_upstream_connections")
                .help("Connections to endpoints.")
                .labelNames("upstream")
                .build());
        refused = kept(Counter.builder()
                .name("coppice_gateway_refused")
                .help("Requests and connections refused before routing, by reason.")
                .labelNames("reason")
                .build());
        faults = kept(Counter.builder()
                .name("coppice_gateway_faults")
                .help("Connections closed because of a fault in the gateway itself.")
                .build());
        retries = kept(Counter.builder()
                .name("coppice_gateway_retries")
                .help("Requests sent to an endpoint once more.")
                .build());
        mirrored = kept(Counter.builder()
                .name("coppice_gateway_mirrored")
                .help("Copies of requests sent.")
                .build());
        mirrorsLost = kept(Counter.builder()
                .name("coppice_gateway_mirrors_lost")
                .help("Copies of requests that could not be sent whole, by reason.")
                .labelNames("reason")
                .build());
        translated = kept(Counter.builder()
                .name("coppice_gateway_calls_translated")
                .help("Calls of gRPC that came in another form: grpc-web, grpc-web-text, json.")
                .labelNames("form")
                .build());
        compressed = kept(Counter.builder()
                .name("coppice_gateway_answers_compressed")
                .help("Answers that were compressed on their way to the client: gzip, zstd.")
                .labelNames("encoding")
                .build());
        filterAnswers = kept(Counter.builder()
                .name("coppice_gateway_filter_answers")
                .help("Requests that HTTPRouteFilters have answered: direct, file, extension, function.")
                .labelNames("kind")
                .build());
        filterFailures = kept(Counter.builder()
                .name("coppice_gateway_filter_failures")
                .help("Requests and answers that HTTPRouteFilters could not change or answer, by reason:"
                        + " filter_condition, filter_too_long, filter_path, filter_host, filter_missing,"
                        + " filter_failed, filter_timeout, filter_busy, filter_body_timeout, filter_endless, function_failed,"
                        + " function_timeout, function_busy, function_body_timeout,"
                        + " function_body_too_long, file_unreadable, files_busy.")
                .labelNames("reason")
                .build());
        filesOpen = kept(Gauge.builder()
                .name("coppice_gateway_files_open")
                .help("Files of the machine that are open, or about to be, as answers.")
                .build());
        filterCalls = kept(Counter.builder()
                .name("coppice_gateway_filter_calls")
                .help(
                        "Calls of extensions' filters: passed, answered, answer_passed, failed, timeout, busy, body_timeout,"
                                + " endless.")
                .labelNames("filter", "result")
                .build());
        challenges = kept(Counter.builder()
                .name("coppice_gateway_challenges_shown")
                .help("Challenges of ACME servers that somebody looked at: http-01, tls-alpn-01.")
                .labelNames("type")
                .build());
        connections = kept(Gauge.builder()
                .name("coppice_gateway_connections")
                .help("Connections from clients.")
                .labelNames("listener")
                .build());
        accessLines = kept(Counter.builder()
                .name("coppice_gateway_access_log_lines")
                .help("Lines given to access logs.")
                .build());
        accessLinesLost = kept(Counter.builder()
                .name("coppice_gateway_access_log_lost")
                .help("Lines of access logs that were dropped, since a file did not keep up or could not be written.")
                .build());
        accessConditionsFailed = kept(Counter.builder()
                .name("coppice_gateway_access_log_condition_failures")
                .help("Requests for which the CEL condition of an access log failed.")
                .build());
        traceConditionsFailed = kept(Counter.builder()
                .name("coppice_gateway_trace_condition_failures")
                .help("Requests for which the CEL condition of traces failed.")
                .build());
    }

    /** Shows what filters hold, too. */
    void watch(HeldBodies bodies, EndlessCalls endless, FileContents files) {
        kept(GaugeWithCallback.builder()
                .name("coppice_gateway_filter_bodies_bytes")
                .help("Bytes of bodies that came for filters that want to see them, or may still come.")
                .callback(callback -> callback.call(bodies.bytes()))
                .build());
        kept(GaugeWithCallback.builder()
                .name("coppice_gateway_filter_endless_calls")
                .help("Calls of extensions' filters that go on although they were interrupted: they compute, or wait.")
                .labelNames("state")
                .callback(callback -> {
                    int computing = endless.computing();
                    callback.call(computing, "computing");
                    callback.call(Math.max(0, endless.count() - computing), "waiting");
                })
                .build());
        kept(GaugeWithCallback.builder()
                .name("coppice_gateway_filter_files_bytes")
                .help("Bytes of files that filters have in memory; what several have counts once.")
                .callback(callback -> callback.call(files.bytes()))
                .build());
    }

    private <C extends Collector> C kept(C collector) {
        registry.register(collector);
        collectors.add(collector);
        return collector;
    }

    /** Takes them out, so that another data plane may have its own. */
    @Override
    public void close() {
        collectors.forEach(registry::unregister);
    }

    /** The figures of one route. */
    final class PerRoute {
        private final String name;
        private final AtomicReferenceArray<@Nullable CounterDataPoint> codes = new AtomicReferenceArray<>(CODES);
        final DistributionDataPoint seconds;
        /** Why streams broke; as few as there are words. */
        private final Set<String> broken = ConcurrentHashMap.newKeySet();

        PerRoute(String name) {
            this.name = name;
            this.seconds = ProxyMetrics.this.seconds.labelValues(name);
        }

        /** A stream, or a client's datagrams, ended. */
        void streamed(StreamReport of) {
            streams.labelValues(name).inc();
            streamBytes.labelValues(name, IN).inc(of.bytesIn());
            streamBytes.labelValues(name, OUT).inc(of.bytesOut());
            if (!of.reason().isEmpty()) {
                streamsBroken.labelValues(name, of.reason()).inc();
                broken.add(of.reason());
            }
            seconds.observe(of.nanos() / 1e9);
        }

        void answered(int code, long nanos) {
            int index = code < 0 || code >= CODES ? 0 : code;
            CounterDataPoint counter = codes.get(index);
            if (counter == null) {
                counter = requests.labelValues(name, Integer.toString(code));
                codes.set(index, counter);
            }
            counter.inc();
            seconds.observe(nanos / 1e9);
        }
    }

    /** The figures of one upstream. */
    final class PerTarget {
        private final String name;
        final CounterDataPoint requests;
        final GaugeDataPoint connections;

        PerTarget(String name) {
            this.name = name;
            this.requests = upstreamRequests.labelValues(name);
            this.connections = upstreamConnections.labelValues(name);
        }

        void handshake() {
            upstreamHandshakes.labelValues(name).inc();
        }

        void failed(String reason) {
            upstreamFailures.labelValues(name, reason).inc();
        }
    }

    private void forget(String route, PerRoute gone) {
        for (int code = 0; code < CODES; code++) {
            if (gone.codes.get(code) != null) {
                requests.remove(route, Integer.toString(code));
            }
        }
        seconds.remove(route);
        streams.remove(route);
        streamBytes.remove(route, IN);
        streamBytes.remove(route, OUT);
        gone.broken.forEach(each -> streamsBroken.remove(route, each));
    }

    private void forget(String upstream, PerTarget gone) {
        upstreamRequests.remove(upstream);
        upstreamHandshakes.remove(upstream);
        for (Attempt.Failure failure : Attempt.Failure.values()) {
            upstreamFailures.remove(upstream, failure.word);
        }
    }

    PerRoute route(String name) {
        return routes.of(name);
    }

    PerTarget target(String upstream) {
        return targets.of(upstream);
    }

    /** Forgets the figures of what is no longer there. */
    void keepOnly(Set<String> routeNames, Set<String> upstreamNames) {
        routes.keepOnly(each -> each.isEmpty() || routeNames.contains(each));
        targets.keepOnly(upstreamNames::contains);
    }
}
