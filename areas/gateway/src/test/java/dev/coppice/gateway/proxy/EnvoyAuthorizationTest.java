package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.rule;
import static dev.coppice.gateway.proxy.ProxyFixture.upstream;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.BoolValue;
import com.google.rpc.Status;
import dev.coppice.gateway.config.OutlierConfig;
import dev.coppice.gateway.config.ResilienceConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.SecurityConfig;
import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.gateway.config.SecurityConfig.Rule;
import dev.coppice.gateway.config.SecurityConfig.SeenBody;
import dev.coppice.gateway.config.TrafficConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.config.UpstreamConfig;
import io.envoyproxy.envoy.config.core.v3.HeaderValue;
import io.envoyproxy.envoy.config.core.v3.HeaderValueOption;
import io.envoyproxy.envoy.config.core.v3.HeaderValueOption.HeaderAppendAction;
import io.envoyproxy.envoy.service.auth.v3.AttributeContext;
import io.envoyproxy.envoy.service.auth.v3.AuthorizationGrpc;
import io.envoyproxy.envoy.service.auth.v3.CheckRequest;
import io.envoyproxy.envoy.service.auth.v3.CheckResponse;
import io.envoyproxy.envoy.service.auth.v3.DeniedHttpResponse;
import io.envoyproxy.envoy.service.auth.v3.OkHttpResponse;
import io.envoyproxy.envoy.type.v3.HttpStatus;
import io.envoyproxy.envoy.type.v3.StatusCode;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A server of grpc-java with Envoy's own messages, asked by the data plane about requests. */
@Timeout(60)
class EnvoyAuthorizationTest {
    private static final CheckResponse OK =
            CheckResponse.newBuilder().setStatus(Status.newBuilder()).build();

    private final List<CheckRequest> asked = new CopyOnWriteArrayList<>();
    private volatile @Nullable CheckResponse answer = OK;
    private volatile @Nullable RuntimeException failure;
    private ProxyFixture proxy;
    private Backend backend;
    private Server server;

    @BeforeEach
    void start() throws Exception {
        proxy = new ProxyFixture();
        backend = Backend.saying("hello");
        server = NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
                .addService(new AuthorizationGrpc.AuthorizationImplBase() {
                    @Override
                    public void check(CheckRequest request, StreamObserver<CheckResponse> to) {
                        asked.add(request);
                        RuntimeException thrown = failure;
                        if (thrown != null) {
                            to.onError(thrown);
                            return;
                        }
                        CheckResponse now = answer;
                        if (now != null) {
                            to.onNext(now);
                            to.onCompleted();
                        }
                    }
                })
                .build()
                .start();
    }

    @AfterEach
    void stop() throws Exception {
        proxy.awaitNothingOpen();
        proxy.close();
        server.shutdownNow().awaitTermination();
        backend.close();
    }

    /** How the service is spoken to. */
    private @Nullable TrafficConfig traffic;

    private List<String> backendHeaders = List.of("x-user");

    private void serve(long timeoutMillis, boolean failOpen, @Nullable SeenBody body, Rule... rules) {
        Method.External method = new Method.External(
                "opa",
                "authz",
                "/",
                List.of("*"),
                backendHeaders,
                List.of(),
                "X-User",
                timeoutMillis,
                failOpen,
                true,
                body);
        SecurityConfig policy = new SecurityConfig(
                "default/p",
                List.of(new TrafficTarget("Gateway", "default/gateway", "")),
                null,
                "shop",
                List.of(method),
                false,
                rules.length == 0 ? null : new SecurityConfig.Authorization(List.of(rules), false));
        proxy.serveRoutes(
                List.of(),
                List.of(policy),
                List.of(new RouteConfig("HTTPRoute", "default", "route", 0, List.of(), List.of(rule("u")))),
                upstream("u", backend.port()),
                new UpstreamConfig(
                        "authz",
                        UpstreamConfig.Protocol.H2C,
                        List.of(new UpstreamConfig.Endpoint("127.0.0.1", server.getPort())),
                        null,
                        traffic));
    }

    private void serve(@Nullable SeenBody body) {
        serve(20_000, false, body);
    }

    private static HeaderValueOption header(String name, String value) {
        return HeaderValueOption.newBuilder()
                .setHeader(HeaderValue.newBuilder().setKey(name).setValue(value))
                .build();
    }

    private static HeaderValueOption header(String name, String value, HeaderAppendAction action) {
        return header(name, value).toBuilder().setAppendAction(action).build();
    }

    private static CheckResponse ok(OkHttpResponse.Builder ok) {
        return OK.toBuilder().setOkResponse(ok).build();
    }

    private static CheckResponse denied(DeniedHttpResponse.Builder denied) {
        return CheckResponse.newBuilder()
                .setStatus(Status.newBuilder().setCode(7))
                .setDeniedResponse(denied)
                .build();
    }

    private String post(String body, String... headers) throws Exception {
        return proxy.exchange("POST /upload HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\nContent-Length: "
                + body.length() + "\r\n" + String.join("", headers) + "\r\n" + body);
    }

    @Test
    void itsMetadataIsWhatIsKnownOfTheClient() throws Exception {
        serve(20_000, false, null, new Rule("", true, "auth.claims.tenant == 'acme' && auth.claims.level > 3"));
        for (int level : new int[] {7, 2}) {
            answer = OK.toBuilder()
                    .setOkResponse(OkHttpResponse.newBuilder())
                    .setDynamicMetadata(com.google.protobuf.Struct.newBuilder()
                            .putFields(
                                    "tenant",
                                    com.google.protobuf.Value.newBuilder()
                                            .setStringValue("acme")
                                            .build())
                            .putFields(
                                    "level",
                                    com.google.protobuf.Value.newBuilder()
                                            .setNumberValue(level)
                                            .build()))
                    .build();
            assertThat(proxy.get("/")).startsWith(level > 3 ? "HTTP/1.1 200" : "HTTP/1.1 403");
        }
        answer = ok(OkHttpResponse.newBuilder());
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 403");
    }

    @Test
    void itSeesTheRequestAsEnvoyShowsIt() throws Exception {
        serve(null);
        assertThat(proxy.get("/a?b=c", "X-A: 1", "X-A: 2", "Authorization: Bearer t"))
                .startsWith("HTTP/1.1 200");
        AttributeContext seen = asked.getLast().getAttributes();
        AttributeContext.HttpRequest http = seen.getRequest().getHttp();
        assertThat(http.getMethod()).isEqualTo("GET");
        assertThat(http.getPath()).isEqualTo("/a?b=c");
        assertThat(http.getHost()).isEqualTo("example.org");
        assertThat(http.getScheme()).isEqualTo("http");
        assertThat(http.getProtocol()).isEqualTo("HTTP/1.1");
        assertThat(http.getSize()).isZero();
        assertThat(http.getHeadersMap())
                .containsEntry("x-a", "1,2")
                .containsEntry("authorization", "Bearer t")
                .containsEntry(":authority", "example.org")
                .containsEntry(":path", "/a?b=c")
                .doesNotContainKeys("connection", "host", "x-envoy-auth-partial-body");
        assertThat(seen.getSource().getAddress().getSocketAddress().getAddress())
                .isEqualTo("127.0.0.1");
        assertThat(seen.getDestination().getAddress().getSocketAddress().getPortValue())
                .isEqualTo(proxy.port);
        assertThat(seen.getRequest().getTime().getSeconds()).isPositive();
    }

    @Test
    void itSeesWhereTheRequestGoes() throws Exception {
        serve(null);
        assertThat(proxy.exchange("GET http://admin.example/x HTTP/1.1\r\nHost: public.example\r\nConnection: close\r\n"
                        + "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Host: public.example\r\n"
                        + "X-Forwarded-Proto: https\r\n\r\n"))
                .startsWith("HTTP/1.1 200");
        AttributeContext.HttpRequest http =
                asked.getLast().getAttributes().getRequest().getHttp();
        assertThat(http.getHost()).isEqualTo("admin.example");
        assertThat(http.getHeadersMap())
                .containsEntry(":authority", "admin.example")
                .containsEntry("x-forwarded-for", "192.0.2.1, 127.0.0.1")
                .containsEntry("x-forwarded-host", "admin.example")
                .containsEntry("x-forwarded-proto", "http");
        Backend.Seen seen = backend.seen.getLast();
        assertThat(seen.header("x-forwarded-for")).hasValue("192.0.2.1, 127.0.0.1");
        assertThat(seen.header("x-forwarded-host")).hasValue("admin.example");
    }

    @Test
    void clientsCannotSayWhoTheyAre() throws Exception {
        backendHeaders = List.of();
        serve(20_000, false, null, new Rule("alice", true, "auth.subject == 'alice'"));
        for (HeaderValueOption each : List.of(
                header("X-User", "carol", HeaderAppendAction.ADD_IF_ABSENT),
                header("X-User", "carol", HeaderAppendAction.OVERWRITE_IF_EXISTS),
                header("X-User", "carol").toBuilder()
                        .setAppend(BoolValue.of(true))
                        .build(),
                header("X-Other", "carol"))) {
            answer = ok(OkHttpResponse.newBuilder().addHeaders(each));
            assertThat(proxy.get("/", "X-User: alice")).startsWith("HTTP/1.1 403");
        }
        answer = ok(OkHttpResponse.newBuilder().addHeaders(header("X-User", "alice")));
        assertThat(proxy.get("/", "X-User: mallory")).startsWith("HTTP/1.1 200");
    }

    @Test
    void whoeverIsRefusedIsSoEvenWhenTheRestCannotBeRead() throws Exception {
        serve(20_000, true, null);
        DeniedHttpResponse.Builder many = DeniedHttpResponse.newBuilder();
        for (int i = 0; i < 101; i++) {
            many.addHeaders(header("x-" + i, "a"));
        }
        for (DeniedHttpResponse.Builder each : List.of(
                DeniedHttpResponse.newBuilder().addHeaders(header("X-A", "a\r\nX-B: b")),
                DeniedHttpResponse.newBuilder().setBody("x".repeat(100_000)),
                DeniedHttpResponse.newBuilder()
                        .setStatus(HttpStatus.newBuilder().setCodeValue(700))
                        .setBody("no"),
                many)) {
            answer = denied(each);
            assertThat(proxy.get("/"))
                    .startsWith("HTTP/1.1 403")
                    .doesNotContain("x-")
                    .endsWith("\r\n\r\n");
        }
        // So is one whose status is cut off.
        answer = CheckResponse.newBuilder()
                .setStatus(Status.newBuilder().setCode(7).setMessage("x".repeat(100_000)))
                .build();
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 403");
        assertThat(backend.seen).isEmpty();
    }

    @Test
    void itChangesHeaders() throws Exception {
        serve(20_000, false, null, new Rule("alice", true, "auth.subject == 'alice' && auth.method == 'External'"));
        answer = ok(OkHttpResponse.newBuilder()
                .addHeaders(header("X-User", "alice"))
                .addHeaders(header("X-A", "over"))
                .addHeaders(header("X-B", "more").toBuilder()
                        .setAppend(BoolValue.of(true))
                        .build())
                .addHeaders(header("X-C", "new", HeaderAppendAction.ADD_IF_ABSENT))
                .addHeaders(header("X-D", "new", HeaderAppendAction.ADD_IF_ABSENT))
                .addHeaders(header("X-E", "new", HeaderAppendAction.OVERWRITE_IF_EXISTS))
                .addHeaders(header("X-F", "new", HeaderAppendAction.OVERWRITE_IF_EXISTS))
                .addHeaders(header("Host", "evil.example"))
                .addHeaders(header(":path", "/evil"))
                .addHeaders(header("Content-Length", "7"))
                .addHeadersToRemove("Authorization")
                .addHeadersToRemove("host")
                .addResponseHeadersToAdd(header("X-Checked", "yes")));
        String said =
                proxy.get("/a", "X-User: mallory", "X-A: 1", "X-B: 1", "X-D: 1", "X-F: 1", "Authorization: Bearer t");
        assertThat(said).startsWith("HTTP/1.1 200").containsIgnoringCase("x-checked: yes");
        Backend.Seen seen = backend.seen.getLast();
        assertThat(seen.line()).startsWith("GET /a ");
        assertThat(seen.headers().stream()
                        .filter(each -> each.regionMatches(true, 0, "x-", 0, 2)
                                && !each.regionMatches(true, 0, "x-forwarded", 0, 11))
                        .map(each -> each.toLowerCase(java.util.Locale.ROOT)))
                .containsExactlyInAnyOrder(
                        "x-user: alice", "x-a: over", "x-b: 1", "x-b: more", "x-c: new", "x-d: 1", "x-f: new");
        assertThat(seen.header("authorization")).isEmpty();
        assertThat(seen.header("host")).hasValue("example.org");
        assertThat(seen.header("content-length")).isEmpty();
        assertThat(asked.getLast().getAttributes().getRequest().getHttp().getHeadersMap())
                .doesNotContainKey("x-user");
    }

    @Test
    void itRefusesInItsOwnWords() throws Exception {
        serve(null);
        answer = denied(DeniedHttpResponse.newBuilder()
                .setStatus(HttpStatus.newBuilder().setCode(StatusCode.PaymentRequired))
                .addHeaders(header("X-Price", "7"))
                .addHeaders(header("Content-Length", "700"))
                .setBody("no\n"));
        assertThat(proxy.get("/"))
                .startsWith("HTTP/1.1 402")
                .containsIgnoringCase("x-price: 7\r\n")
                .containsIgnoringCase("content-length: 3\r\n")
                .endsWith("\r\n\r\nno\n");
        // Nothing more than no.
        answer = CheckResponse.newBuilder()
                .setStatus(Status.newBuilder().setCode(16))
                .build();
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 403");
        assertThat(backend.seen).isEmpty();
    }

    @Test
    void clientsGetEachHeaderOfARefusal() throws Exception {
        serve(null);
        answer = denied(DeniedHttpResponse.newBuilder()
                .addHeaders(header("Set-Cookie", "a=1"))
                .addHeaders(header("Set-Cookie", "b=2", HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD))
                .addHeaders(header("X-A", "1", HeaderAppendAction.OVERWRITE_IF_EXISTS)));
        assertThat(proxy.get("/"))
                .startsWith("HTTP/1.1 403")
                .containsIgnoringCase("set-cookie: a=1\r\n")
                .containsIgnoringCase("set-cookie: b=2\r\n")
                .containsIgnoringCase("x-a: 1\r\n");
    }

    @Test
    void itChangesHeadersOfAnswers() throws Exception {
        try (Backend saying = new Backend(
                (_, _) -> "HTTP/1.1 200 OK\r\nX-A: 1\r\nX-B: 1\r\nX-C: 1\r\nX-D: 1\r\nContent-Length: 0\r\n\r\n")) {
            backend.close();
            backend = saying;
            serve(null);
            answer = ok(OkHttpResponse.newBuilder()
                    .addResponseHeadersToAdd(header("X-A", "2"))
                    .addResponseHeadersToAdd(header("X-B", "2", HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD))
                    .addResponseHeadersToAdd(header("X-C", "2").toBuilder()
                            .setAppend(BoolValue.of(false))
                            .build())
                    .addResponseHeadersToAdd(header("X-D", "2", HeaderAppendAction.ADD_IF_ABSENT))
                    .addResponseHeadersToAdd(header("X-E", "2", HeaderAppendAction.ADD_IF_ABSENT))
                    .addResponseHeadersToAdd(header("X-F", "2", HeaderAppendAction.OVERWRITE_IF_EXISTS))
                    .addResponseHeadersToAdd(header("Set-Cookie", "a=1"))
                    .addResponseHeadersToAdd(header("Set-Cookie", "b=2")));
            assertThat(proxy.get("/")
                            .lines()
                            .map(each -> each.toLowerCase(java.util.Locale.ROOT))
                            .filter(each -> each.startsWith("x-") || each.startsWith("set-cookie")))
                    .containsExactlyInAnyOrder(
                            "x-a: 1",
                            "x-a: 2",
                            "x-b: 2",
                            "x-c: 2",
                            "x-d: 1",
                            "x-e: 2",
                            "set-cookie: a=1",
                            "set-cookie: b=2");
        }
    }

    @Test
    void deadlinesCount() throws Exception {
        serve(50, false, null);
        answer = null;
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 503").contains("in time");
        serve(50, true, null);
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 200");
    }

    @Test
    void failuresAreNoAnswers() throws Exception {
        serve(null);
        failure = io.grpc.Status.UNAVAILABLE.asRuntimeException();
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 503");
        failure = null;
        // What no header can have.
        answer = ok(OkHttpResponse.newBuilder().addHeaders(header("X-A", "a\r\nX-B: b")));
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 503");
        answer = ok(OkHttpResponse.newBuilder().addHeaders(header("X A", "a")));
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 503");
        assertThat(backend.seen).isEmpty();
        serve(20_000, true, null);
        failure = io.grpc.Status.UNAVAILABLE.asRuntimeException();
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 200");
    }

    @Test
    void itsBreakerOpens() throws Exception {
        long hour = 3_600_000_000_000L;
        traffic = TrafficConfig.NONE.withResilience(new ResilienceConfig(
                new ResilienceConfig.Breaker(
                        ResilienceConfig.Breaker.Mode.AUTOMATIC, hour, 0, 3, 50, List.of(503), 0, 0, hour, hour, 1, 0),
                null,
                null,
                null,
                null));
        serve(null);
        // Refused by it, and no failure of it.
        answer = denied(DeniedHttpResponse.newBuilder()
                .setStatus(HttpStatus.newBuilder().setCode(StatusCode.ServiceUnavailable)));
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 503");
        failure = io.grpc.Status.UNAVAILABLE.asRuntimeException();
        for (int i = 0; i < 2; i++) {
            assertThat(proxy.get("/")).contains("the service that is asked has failed");
        }
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 503").contains("gets no requests");
        assertThat(asked).hasSize(3);
    }

    @Test
    void itsOutliersAreLeftOut() throws Exception {
        traffic = TrafficConfig.NONE.withOutliers(
                new OutlierConfig(2, 0, null, 3_600_000_000_000L, 3_600_000_000_000L, 3_600_000_000_000L, 100));
        serve(null);
        failure = io.grpc.Status.INTERNAL.asRuntimeException();
        for (int i = 0; i < 2; i++) {
            assertThat(proxy.get("/")).startsWith("HTTP/1.1 503");
        }
        ProxyFixture.await(() -> proxy.kernel.metrics().scrape().stream()
                .filter(each -> each.getMetadata().getPrometheusName().equals("coppice_gateway_upstream_ejections"))
                .flatMap(each -> ((CounterSnapshot) each).getDataPoints().stream())
                .anyMatch(each -> each.getValue() > 0));
    }

    @Test
    void itSeesBodies() throws Exception {
        serve(new SeenBody(10, false));
        assertThat(post("0123456789")).startsWith("HTTP/1.1 200");
        AttributeContext.HttpRequest http =
                asked.getLast().getAttributes().getRequest().getHttp();
        assertThat(http.getBody()).isEqualTo("0123456789");
        assertThat(http.getRawBody().toStringUtf8()).isEqualTo("0123456789");
        assertThat(http.getSize()).isEqualTo(10);
        assertThat(http.getHeadersMap()).containsEntry("x-envoy-auth-partial-body", "false");
        assertThat(backend.seen.getLast().body()).isEqualTo("0123456789");
        // What is no text comes as bytes.
        assertThat(post("\u00ff\u00fe")).startsWith("HTTP/1.1 200");
        assertThat(asked.getLast()
                        .getAttributes()
                        .getRequest()
                        .getHttp()
                        .getRawBody()
                        .toByteArray())
                .containsExactly(0xff, 0xfe);
        assertThat(post("01234567890")).startsWith("HTTP/1.1 413");
        assertThat(asked).hasSize(2);
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 200");
    }

    @Test
    void itSeesTheBeginningOfLongerOnes() throws Exception {
        serve(new SeenBody(100_000, true));
        String body = "0123456789".repeat(50_000);
        assertThat(post(body)).startsWith("HTTP/1.1 200");
        AttributeContext.HttpRequest http =
                asked.getLast().getAttributes().getRequest().getHttp();
        assertThat(http.getBody()).isEqualTo(body.substring(0, 100_000));
        assertThat(http.getHeadersMap()).containsEntry("x-envoy-auth-partial-body", "true");
        assertThat(backend.seen.getLast().body()).isEqualTo(body);
    }

    @Test
    void chunkedBodiesAreBoundedToo() throws Exception {
        serve(new SeenBody(4, false));
        String head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
        assertThat(proxy.exchange(head + "2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n")).startsWith("HTTP/1.1 200");
        assertThat(asked.getLast().getAttributes().getRequest().getHttp().getBody())
                .isEqualTo("abcd");
        assertThat(proxy.exchange(head + "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n")).startsWith("HTTP/1.1 413");
    }

    @Test
    void whoWaitsToBeToldIsTold() throws Exception {
        serve(new SeenBody(10, false));
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("POST / HTTP/1.1\r\n"
                    + "Host: a\r\n"
                    + "Connection: close\r\n"
                    + "Expect: 100-continue\r\n"
                    + "Content-Length: 3\r\n\r\n");
            assertThat(client.head().getFirst()).startsWith("HTTP/1.1 100");
            client.send("abc");
            assertThat(client.answer()).startsWith("HTTP/1.1 200");
        }
        assertThat(asked.getLast().getAttributes().getRequest().getHttp().getBody())
                .isEqualTo("abc");
    }

    @Test
    void aClientThatGoesWhileItsBodyIsAwaitedLeavesNothing() throws Exception {
        serve(new SeenBody(10, false));
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
            ProxyFixture.await(() -> proxy.plane.open().exchanges() == 1);
            client.reset();
        }
        proxy.awaitNothingOpen();
        assertThat(asked).isEmpty();
    }
}
