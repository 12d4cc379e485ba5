package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.rule;
import static dev.coppice.gateway.proxy.ProxyFixture.upstream;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.ObservationConfig;
import dev.coppice.gateway.config.ObservationConfig.Propagation;
import dev.coppice.gateway.config.ObservationConfig.Share;
import dev.coppice.gateway.config.RetryConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.kernel.FreePorts;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Traces of requests: what endpoints and a collector get of them. */
class TraceTest {
    private static final TrafficTarget GATEWAY = new TrafficTarget("Gateway", "default/gateway", "");
    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String PARENT = "b7ad6b7169203331";
    private static final String SAMPLED = "traceparent: 00-" + TRACE + "-" + PARENT + "-01";
    private static final String UNSAMPLED = "traceparent: 00-" + TRACE + "-" + PARENT + "-00";

    @TempDir
    Path directory;

    private final List<Span> spans = new CopyOnWriteArrayList<>();
    private final List<ResourceSpans> resources = new CopyOnWriteArrayList<>();
    private ProxyFixture proxy;
    private Backend backend;
    private Backend collector;
    private volatile int refusals;

    @BeforeEach
    void open() throws Exception {
        proxy = new ProxyFixture(ProxyOptions.DEFAULT.withLoops(1).withAccessLog(directory.resolve("access.log")));
        backend = new Backend((request, _) -> request.line().contains("/broken")
                ? "HTTP/1.1 503 Broken\r\nContent-Length: 0\r\n\r\n"
                : Backend.ok("hello"));
        collector = new Backend((request, _) -> {
            if (refusals > 0) {
                refusals--;
                return "HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n";
            }
            collect(request);
            return "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
        });
    }

    private void collect(Backend.Seen request) throws IOException {
        assertThat(request.line()).isEqualTo("POST /v1/traces HTTP/1.1");
        assertThat(request.header("content-type")).contains("application/x-protobuf");
        assertThat(request.header("content-encoding")).contains("gzip");
        byte[] body = request.body().getBytes(StandardCharsets.ISO_8859_1);
        try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(body))) {
            ExportTraceServiceRequest read = ExportTraceServiceRequest.parseFrom(in);
            resources.addAll(read.getResourceSpansList());
            read.getResourceSpansList()
                    .forEach(each -> each.getScopeSpansList().forEach(scope -> spans.addAll(scope.getSpansList())));
        }
    }

    @AfterEach
    void close() throws Exception {
        proxy.awaitNothingOpen();
        backend.close();
        collector.close();
        proxy.close();
    }

    private static ObservationConfig.Tracing tracing(Share share, boolean follows, String when) {
        return new ObservationConfig.Tracing("collector", "/v1/traces", "edge", share, follows, when);
    }

    private void serve(ObservationConfig.Tracing tracing, RuleConfig rule, UpstreamConfig to) {
        serve(tracing, rule, to, upstream("collector", collector.port()));
    }

    private void serve(
            ObservationConfig.Tracing tracing, RuleConfig rule, UpstreamConfig to, UpstreamConfig collecting) {
        RouteConfig route = new RouteConfig("HTTPRoute", "default", "route", 0, List.of("example.org"), List.of(rule));
        ListenerConfig listener = new ListenerConfig(
                "default/gateway",
                "http",
                "127.0.0.1",
                proxy.port,
                ListenerConfig.Protocol.HTTP,
                "",
                null,
                List.of(route));
        assertThat(proxy.plane.apply(new GatewayConfig.Builder(List.of(listener), List.of(to, collecting))
                        .observations(List.of(new ObservationConfig("default/policy", List.of(GATEWAY), null, tracing)))
                        .build()))
                .isEmpty();
    }

    private void serve(ObservationConfig.Tracing tracing) {
        serve(tracing, rule("u"), upstream("u", backend.port()));
    }

    private List<Span> await(int count) {
        ProxyFixture.await(() -> spans.size() >= count);
        return List.copyOf(spans);
    }

    private static String hex(com.google.protobuf.ByteString bytes) {
        return HexFormat.of().formatHex(bytes.toByteArray());
    }

    private static String attribute(Span span, String name) {
        return span.getAttributesList().stream()
                .filter(each -> each.getKey().equals(name))
                .map(KeyValue::getValue)
                .map(each -> each.hasIntValue() ? Long.toString(each.getIntValue()) : each.getStringValue())
                .findFirst()
                .orElse("");
    }

    private static Span of(List<Span> all, Span.SpanKind kind) {
        return all.stream().filter(each -> each.getKind() == kind).findFirst().orElseThrow();
    }

    @Test
    void aTraceGoesOnWithASpanOfTheRequestAndOneOfItsTry() throws Exception {
        serve(tracing(Share.ALL, true, ""));
        proxy.get("/a?b=c&sig=hidden", SAMPLED, "tracestate: vendor=1", "User-Agent: tester");
        List<Span> all = await(2);
        Span server = of(all, Span.SpanKind.SPAN_KIND_SERVER);
        Span client = of(all, Span.SpanKind.SPAN_KIND_CLIENT);
        assertThat(hex(server.getTraceId())).isEqualTo(TRACE);
        assertThat(hex(server.getParentSpanId())).isEqualTo(PARENT);
        assertThat(server.getTraceState()).isEqualTo("vendor=1");
        assertThat(server.getFlags()).isEqualTo(0x301);
        assertThat(server.getName()).isEqualTo("GET /*");
        assertThat(attribute(server, "http.request.method")).isEqualTo("GET");
        assertThat(attribute(server, "http.response.status_code")).isEqualTo("200");
        assertThat(attribute(server, "url.path")).isEqualTo("/a");
        assertThat(attribute(server, "url.query")).isEqualTo("b=c&sig=REDACTED");
        assertThat(attribute(server, "url.scheme")).isEqualTo("http");
        assertThat(attribute(server, "server.address")).isEqualTo("example.org");
        assertThat(attribute(server, "server.port")).isEqualTo(Integer.toString(proxy.port));
        assertThat(attribute(server, "client.address")).isEqualTo("127.0.0.1");
        assertThat(attribute(server, "network.protocol.version")).isEqualTo("1.1");
        assertThat(attribute(server, "user_agent.original")).isEqualTo("tester");
        assertThat(server.getStatus().getCode()).isEqualTo(Status.StatusCode.STATUS_CODE_UNSET);
        assertThat(hex(client.getTraceId())).isEqualTo(TRACE);
        assertThat(client.getParentSpanId()).isEqualTo(server.getSpanId());
        assertThat(client.getFlags()).isEqualTo(0x101);
        assertThat(client.getName()).isEqualTo("GET");
        assertThat(attribute(client, "url.full"))
                .isEqualTo("http://127.0.0.1:" + backend.port() + "/a?b=c&sig=REDACTED");
        assertThat(attribute(client, "server.port")).isEqualTo(Integer.toString(backend.port()));
        assertThat(client.getStartTimeUnixNano()).isBetween(server.getStartTimeUnixNano(), server.getEndTimeUnixNano());
        assertThat(client.getEndTimeUnixNano()).isBetween(client.getStartTimeUnixNano(), server.getEndTimeUnixNano());
        Backend.Seen seen = backend.seen.getFirst();
        assertThat(seen.header("traceparent")).contains("00-" + TRACE + "-" + hex(client.getSpanId()) + "-01");
        assertThat(seen.header("tracestate")).contains("vendor=1");
        assertThat(resources
                        .getFirst()
                        .getResource()
                        .getAttributes(0)
                        .getValue()
                        .getStringValue())
                .isEqualTo("edge");
        ProxyFixture.await(() -> log().contains("\"trace_id\":\"" + TRACE + "\""));
    }

    @Test
    void aStreamIsASpanWithWhichATraceBegins() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 10, java.net.InetAddress.getLoopbackAddress())) {
            ListenerConfig listener = new ListenerConfig(
                    "default/gateway",
                    "tcp",
                    "127.0.0.1",
                    proxy.port,
                    ListenerConfig.Protocol.TCP,
                    "",
                    null,
                    List.of(new RouteConfig("TCPRoute", "default", "db", 0, List.of(), List.of(rule("u")))));
            UpstreamConfig db = new UpstreamConfig(
                    "u",
                    UpstreamConfig.Protocol.BYTES,
                    List.of(new UpstreamConfig.Endpoint("127.0.0.1", server.getLocalPort())));
            for (String when : List.of("request.scheme == 'udp'", "request.scheme == 'tcp'")) {
                assertThat(proxy.plane.apply(new GatewayConfig.Builder(
                                        List.of(listener), List.of(db, upstream("collector", collector.port())))
                                .observations(List.of(new ObservationConfig(
                                        "default/policy", List.of(GATEWAY), null, tracing(Share.ALL, true, when))))
                                .build()))
                        .isEmpty();
                try (ProxyFixture.Client client = proxy.client();
                        Socket endpoint = server.accept()) {
                    client.send("hello");
                    assertThat(endpoint.getInputStream().readNBytes(5)).hasSize(5);
                    endpoint.shutdownOutput();
                    assertThat(client.rest()).isEmpty();
                }
                proxy.awaitNothingOpen();
            }
            Span span = await(1).getFirst();
            assertThat(spans).hasSize(1);
            assertThat(span.getName()).isEqualTo("TCP");
            assertThat(span.getKind()).isEqualTo(Span.SpanKind.SPAN_KIND_SERVER);
            assertThat(span.getParentSpanId().isEmpty()).isTrue();
            assertThat(attribute(span, "network.transport")).isEqualTo("tcp");
            assertThat(attribute(span, "coppice.gateway.route")).isEqualTo("default/db");
            assertThat(attribute(span, "coppice.gateway.bytes_in")).isEqualTo("5");
            assertThat(span.getEndTimeUnixNano()).isGreaterThan(span.getStartTimeUnixNano());
        }
    }

    private static final String B3 = TRACE + "-" + PARENT + "-";

    private void propagate(Propagation... forms) {
        serve(new ObservationConfig.Tracing("collector", "/v1/traces", "edge", Share.ALL, true, "", List.of(forms)));
    }

    @Test
    void zipkinsHeadersGoOnInTheFormThatIsAskedFor() throws Exception {
        propagate(Propagation.B3);
        proxy.get("/", "b3: " + B3 + "1-05e3ac9a4f6e3b90", "traceparent: of-another", "tracestate: vendor=1");
        List<Span> all = await(2);
        Span client = of(all, Span.SpanKind.SPAN_KIND_CLIENT);
        assertThat(hex(of(all, Span.SpanKind.SPAN_KIND_SERVER).getParentSpanId()))
                .isEqualTo(PARENT);
        assertThat(of(all, Span.SpanKind.SPAN_KIND_SERVER).getTraceState()).isEmpty();
        Backend.Seen seen = backend.seen.getLast();
        assertThat(seen.header("b3")).contains(TRACE + "-" + hex(client.getSpanId()) + "-1");
        // What is none of its business passes.
        assertThat(seen.header("traceparent")).contains("of-another");
        assertThat(seen.header("tracestate")).contains("vendor=1");

        propagate(Propagation.B3_MULTI, Propagation.W3C);
        proxy.get(
                "/",
                "X-B3-TraceId: " + TRACE,
                "X-B3-SpanId: " + PARENT,
                "X-B3-ParentSpanId: 05e3ac9a4f6e3b90",
                "X-B3-Flags: 1",
                "tracestate: vendor=1");
        Span next = of(await(4).subList(2, 4), Span.SpanKind.SPAN_KIND_CLIENT);
        seen = backend.seen.getLast();
        assertThat(seen.header("x-b3-traceid")).contains(TRACE);
        assertThat(seen.header("x-b3-spanid")).contains(hex(next.getSpanId()));
        assertThat(seen.header("x-b3-parentspanid")).isEmpty();
        assertThat(seen.header("x-b3-flags")).contains("1");
        assertThat(seen.header("x-b3-sampled")).isEmpty();
        assertThat(seen.header("traceparent")).contains("00-" + TRACE + "-" + hex(next.getSpanId()) + "-01");
        assertThat(seen.header("tracestate")).isEmpty();
    }

    @Test
    void whoeverSentATraceByZipkinsHeadersHasDecidedOrLeftItToOthers() throws Exception {
        propagate(Propagation.W3C, Propagation.B3);
        proxy.get("/no", "b3: " + B3 + "0");
        assertThat(backend.seen.getLast().header("b3")).contains(B3 + "0");
        assertThat(backend.seen.getLast().header("traceparent")).contains("00-" + TRACE + "-" + PARENT + "-00");
        proxy.get("/never", "b3: 0");
        assertThat(backend.seen.getLast().header("b3").orElse("")).endsWith("-0");
        // The first form that is valid counts.
        proxy.get("/yes", SAMPLED, "b3: " + "1".repeat(32) + "-" + PARENT + "-0");
        assertThat(hex(await(2).getFirst().getTraceId())).isEqualTo(TRACE);
        assertThat(backend.seen.getLast().header("b3").orElse(""))
                .startsWith(TRACE + "-")
                .endsWith("-1");
        proxy.get("/deferred", "b3: " + TRACE + "-" + PARENT);
        assertThat(hex(await(4).get(2).getTraceId())).isEqualTo(TRACE);
        proxy.get("/broken-header", "b3: nonsense");
        assertThat(backend.seen.getLast().header("b3").orElse(""))
                .endsWith("-1")
                .doesNotContain("nonsense");
    }

    private String log() {
        try {
            Path file = directory.resolve("access.log");
            return Files.exists(file) ? Files.readString(file) : "";
        } catch (IOException e) {
            return "";
        }
    }

    @Test
    void aTraceBeginsHereWhereNoneIsBroughtOrNoValidOne() throws Exception {
        serve(tracing(Share.ALL, true, ""));
        proxy.get("/a", "traceparent: 00-nonsense", "tracestate: vendor=1");
        proxy.get("/a", SAMPLED, SAMPLED);
        List<Span> all = await(4);
        for (Backend.Seen seen : backend.seen) {
            assertThat(seen.header("traceparent").orElseThrow()).matches("00-[0-9a-f]{32}-[0-9a-f]{16}-03");
            assertThat(seen.header("traceparent").orElseThrow()).doesNotContain(TRACE);
            assertThat(seen.header("tracestate")).isEmpty();
        }
        assertThat(all)
                .filteredOn(each -> each.getKind() == Span.SpanKind.SPAN_KIND_SERVER)
                .allSatisfy(each -> assertThat(each.getParentSpanId()).isEmpty());
        assertThat(all).extracting(Span::getTraceId).hasSize(4);
        assertThat(Set.copyOf(all.stream().map(each -> hex(each.getTraceId())).toList()))
                .hasSize(2);
    }

    @Test
    void whoeverSentTheRequestMayHaveDecided() throws Exception {
        serve(tracing(new Share(0, 1), true, ""));
        proxy.get("/a", UNSAMPLED);
        proxy.get("/b");
        proxy.get("/c", SAMPLED);
        List<Span> all = await(2);
        assertThat(all)
                .hasSize(2)
                .allSatisfy(each -> assertThat(hex(each.getTraceId())).isEqualTo(TRACE));
        assertThat(backend.seen.get(0).header("traceparent")).contains(UNSAMPLED.substring("traceparent: ".length()));
        assertThat(backend.seen.get(1).header("traceparent").orElseThrow()).endsWith("-02");
        assertThat(backend.seen.get(2).header("traceparent").orElseThrow()).endsWith("-01");
    }

    @Test
    void orItDoesNotMatterWhatTheyDecided() throws Exception {
        serve(tracing(Share.ALL, false, "request.path != '/quiet'"));
        proxy.get("/quiet", SAMPLED);
        proxy.get("/a", UNSAMPLED);
        List<Span> all = await(2);
        assertThat(all).hasSize(2);
        assertThat(attribute(of(all, Span.SpanKind.SPAN_KIND_SERVER), "url.path"))
                .isEqualTo("/a");
        // Whoever changes the flag is another parent (Trace Context, 3.4).
        assertThat(backend.seen.get(0).header("traceparent").orElseThrow())
                .matches("00-" + TRACE + "-[0-9a-f]{16}-00")
                .doesNotContain(PARENT);
        assertThat(backend.seen.get(1).header("traceparent").orElseThrow()).endsWith("-01");
    }

    @Test
    void eachTryHasASpan() throws Exception {
        RuleConfig retried = new RuleConfig(
                "",
                List.of(MatchConfig.ANY),
                List.of(),
                List.of(new BackendConfig("u", 1, List.of())),
                0,
                0,
                new RetryConfig(List.of(503), 1, 0),
                null);
        serve(tracing(Share.ALL, true, ""), retried, upstream("u", backend.port()));
        proxy.get("/broken", SAMPLED);
        List<Span> all = await(3);
        assertThat(all)
                .filteredOn(each -> each.getKind() == Span.SpanKind.SPAN_KIND_CLIENT)
                .extracting(
                        each -> attribute(each, "http.response.status_code"),
                        each -> attribute(each, "http.request.resend_count"),
                        each -> each.getStatus().getCode())
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("503", "", Status.StatusCode.STATUS_CODE_ERROR),
                        org.assertj.core.groups.Tuple.tuple("503", "1", Status.StatusCode.STATUS_CODE_ERROR));
        assertThat(backend.seen.get(0).header("traceparent"))
                .isNotEqualTo(backend.seen.get(1).header("traceparent"));
        assertThat(attribute(of(all, Span.SpanKind.SPAN_KIND_SERVER), "error.type"))
                .isEqualTo("503");
    }

    @Test
    void whatTheGatewayAnswersItselfIsTracedToo() throws Exception {
        serve(tracing(Share.ALL, true, ""), rule("u"), upstream("u", FreePorts.next()));
        proxy.get("/a", SAMPLED);
        proxy.exchange("GET /b HTTP/1.1\r\nHost: other.org\r\n" + UNSAMPLED.replace("-00", "-01")
                + "\r\nConnection: close\r\n\r\n");
        List<Span> all = await(3);
        Span failed = of(all, Span.SpanKind.SPAN_KIND_CLIENT);
        assertThat(attribute(failed, "error.type")).isEqualTo("connect");
        assertThat(all)
                .filteredOn(each -> each.getKind() == Span.SpanKind.SPAN_KIND_SERVER)
                .extracting(Span::getName, each -> attribute(each, "error.type"))
                .contains(
                        org.assertj.core.groups.Tuple.tuple("GET /*", "connect"),
                        org.assertj.core.groups.Tuple.tuple("GET", ""));
    }

    @Test
    void aCollectorThatIsBusyIsAskedAgain() throws Exception {
        refusals = 1;
        serve(tracing(Share.ALL, true, ""));
        proxy.get("/a", SAMPLED);
        await(2);
        assertThat(collector.seen).hasSizeGreaterThanOrEqualTo(2);
    }

    @Test
    void withoutACollectorRequestsPassAsTheyCome() throws Exception {
        serve(new ObservationConfig.Tracing("", "/", "x", Share.ALL, true, ""));
        proxy.get("/a", SAMPLED);
        assertThat(backend.seen.getFirst().header("traceparent")).contains(SAMPLED.substring("traceparent: ".length()));
    }

    @Test
    void aCollectorMaySpeakHttp2() throws Exception {
        try (Http2Backend other = new Http2Backend(100)) {
            serve(
                    tracing(Share.ALL, true, ""),
                    rule("u"),
                    upstream("u", backend.port()),
                    new UpstreamConfig(
                            "collector",
                            UpstreamConfig.Protocol.H2C,
                            List.of(new UpstreamConfig.Endpoint("127.0.0.1", other.port()))));
            proxy.get("/a", SAMPLED);
            // It would not take a body of another length than it was told.
            ProxyFixture.await(() -> counted("coppice_gateway_spans_sent") == 2);
            assertThat(other.seen.getFirst().path()).hasToString("/v1/traces");
        }
    }

    private double counted(String name) {
        return proxy.kernel.metrics().scrape(name::equals).stream()
                .flatMap(each -> ((CounterSnapshot) each).getDataPoints().stream())
                .mapToDouble(CounterSnapshot.CounterDataPointSnapshot::getValue)
                .sum();
    }
}
