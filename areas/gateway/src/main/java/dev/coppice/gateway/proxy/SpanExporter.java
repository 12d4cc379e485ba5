package dev.coppice.gateway.proxy;

import dev.coppice.gateway.trace.SpanQueue;
import dev.coppice.kernel.OccasionalLine;
import dev.coppice.kernel.Timers;
import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * Sends spans to a Service by OTLP over HTTP, through the connections that event loops have to its endpoints. What is sent is made on a
 * virtual thread. Safe for use by many threads.
 */
final class SpanExporter implements SpanQueue.Collector, SpanQueue.Told {
    private static final Duration SILENCE = Duration.ofSeconds(ExportCall.DEADLINE_SECONDS * 2);

    /** What exporters count. */
    static final class Metrics implements AutoCloseable {
        private final PrometheusRegistry registry;
        private final Counter sent;
        private final Counter lost;

        Metrics(PrometheusRegistry registry) {
            this.registry = registry;
            sent = Counter.builder()
                    .name("coppice_gateway_spans_sent")
                    .help("Spans that collectors took.")
                    .register(registry);
            lost = Counter.builder()
                    .name("coppice_gateway_spans_lost")
                    .help("Spans that were dropped: full, failed, rejected, stopped.")
                    .labelNames("reason")
                    .register(registry);
        }

        /** Takes them out, so that another data plane may have its own. */
        @Override
        public void close() {
            registry.unregister(sent);
            registry.unregister(lost);
        }
    }

    /**
     * Where spans go.
     *
     * @param service the resource that they are of
     */
    record Target(Upstream upstream, String path, String service) {}

    private final Target target;
    private final Metrics metrics;
    private final ProxyDataPlane plane;
    private final SpanQueue queue;
    private final OccasionalLine complaints;

    /** @param executor gives it a thread while there are spans */
    SpanExporter(Target target, Metrics metrics, ProxyDataPlane plane, Executor executor) {
        this.target = target;
        this.metrics = metrics;
        this.plane = plane;
        this.queue =
                new SpanQueue(plane.kernel.timers(), plane.kernel.random(), executor, target.service(), this, this);
        this.complaints = new OccasionalLine(System.getLogger(SpanExporter.class.getName()), plane.clock);
    }

    SpanQueue queue() {
        return queue;
    }

    @Override
    public SpanQueue.Answer send(byte[] body) throws IOException, InterruptedException {
        EventLoopState state = plane.anyLoop();
        if (state == null) {
            throw new IOException("the gateway's event loops begin anew");
        }
        HttpHeaders headers = DefaultHttpHeadersFactory.headersFactory().newHeaders();
        headers.set(HttpHeaderNames.HOST, host())
                .set(HttpHeaderNames.CONTENT_TYPE, "application/x-protobuf")
                .set(HttpHeaderNames.CONTENT_ENCODING, HttpHeaderValues.GZIP)
                .set(HttpHeaderNames.USER_AGENT, "OTel-OTLP-Exporter-Coppice")
                .set(HttpHeaderNames.CONTENT_LENGTH, body.length);
        CompletableFuture<SpanQueue.Answer> answer = new CompletableFuture<>();
        // A loop that ends meanwhile says nothing any more.
        Timers.Timer silence = plane.kernel
                .timers()
                .schedule(SILENCE, () -> answer.completeExceptionally(new IOException("the event loop ended")));
        try {
            state.loop.execute(() -> ExportCall.begin(state, target, headers, body, answer));
            return answer.get();
        } catch (RejectedExecutionException e) {
            throw new IOException("the gateway's event loops end", e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getCause());
        } finally {
            silence.cancel();
        }
    }

    /** The Service's name, without its namespace and port. */
    private String host() {
        String name = target.upstream().name;
        return name.substring(name.indexOf('/') + 1).replaceFirst(":.*", "");
    }

    @Override
    public void sent(long spans) {
        metrics.sent.inc(spans);
    }

    @Override
    public void lost(String reason, long spans) {
        metrics.lost.labelValues(reason).inc(spans);
    }

    @Override
    public void trouble(String what) {
        complaints.warn("spans for " + target.upstream().name + ": " + what);
    }
}
