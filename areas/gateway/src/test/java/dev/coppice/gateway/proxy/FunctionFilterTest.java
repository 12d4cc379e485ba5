package dev.coppice.gateway.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.FilterConfig.HeaderChanges;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RouteFilterConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.function.FunctionReading;
import dev.coppice.gateway.function.TestModules;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Functions in the way of requests and answers: what they change, and that what goes wrong harms one request. */
@Timeout(60)
class FunctionFilterTest {
    private static final String NAME = "default/test";
    private static final String LARGE = "x".repeat(300_000);
    private static final int PATIENT = 30_000;
    private static final int MOST_BODY = 50_000;

    private ProxyFixture proxy;
    private Backend backend;
    private volatile String body = "ok";
    private volatile CountDownLatch gate = new CountDownLatch(0);

    @BeforeEach
    void start() throws Exception {
        proxy = new ProxyFixture();
        backend = new Backend((_, conversation) -> {
            try {
                gate.await();
            } catch (InterruptedException e) {
                return null;
            }
            if (body.isEmpty()) {
                conversation.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
                return "2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n";
            }
            return "HTTP/1.1 200 OK\r\nX-Server: one\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
        });
    }

    @AfterEach
    void stop() throws Exception {
        gate.countDown();
        backend.close();
        proxy.awaitNothingOpen();
        proxy.close();
    }

    private static RouteFilterConfig filter(
            String name, byte[] module, int timeoutMillis, int most, boolean open, int memory) {
        return new RouteFilterConfig(
                name,
                "",
                "",
                HeaderChanges.NONE,
                HeaderChanges.NONE,
                null,
                null,
                null,
                null,
                new RouteFilterConfig.Function(
                        Base64.getEncoder().encodeToString(module),
                        "configured",
                        timeoutMillis,
                        memory,
                        MOST_BODY,
                        most,
                        open));
    }

    /** Each of them for requests to a host of the last part of its name, and the first for all others. */
    private void serve(List<RouteFilterConfig> filters) {
        List<RouteConfig> routes = new ArrayList<>();
        for (RouteFilterConfig each : filters) {
            RuleConfig rule = new RuleConfig(
                    List.of(MatchConfig.ANY),
                    List.of(new FilterConfig.Named(each.name())),
                    List.of(new BackendConfig("web", 1, List.of())));
            String host = each.name().substring(each.name().indexOf('/') + 1) + ".example";
            routes.add(new RouteConfig(
                    "HTTPRoute", "default", host, 0, routes.isEmpty() ? List.of() : List.of(host), List.of(rule)));
        }
        ListenerConfig listener = new ListenerConfig(
                "default/gateway", "http", "127.0.0.1", proxy.port, ListenerConfig.Protocol.HTTP, "", null, routes);
        assertThat(proxy.plane.apply(new GatewayConfig.Builder(
                                List.of(listener), List.of(ProxyFixture.upstream("web", backend.port())))
                        .filters(filters)
                        .build()))
                .isEmpty();
        // Until then the one before goes on.
        ProxyFixture.await(() -> proxy.plane.functions.modules.loading() == 0);
    }

    private void serve(byte[] module, int timeoutMillis, int most, boolean open) {
        serve(List.of(filter(NAME, module, timeoutMillis, most, open, 1 << 20)));
    }

    private void serve() {
        serve(TestModules.guest(), PATIENT, 10, false);
    }

    private String seen(String header) {
        return backend.seen.getLast().header(header).orElse("-");
    }

    private double counted(String result) {
        return proxy.plane.functions.counted(NAME, result);
    }

    private String post(String does, String content) throws Exception {
        return proxy.exchange("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nDo: " + does + "\r\nContent-Length: "
                + content.length() + "\r\n\r\n" + content);
    }

    @Test
    void aFunctionSeesAndChangesARequest() throws Exception {
        serve();
        assertThat(proxy.get("/p?q=1", "Do: u")).endsWith("ok");
        assertThat(seen("X-Guest")).isEqualTo("/p?q=1");
        assertThat(proxy.get("/p", "Do: g")).endsWith("ok");
        assertThat(seen("X-Guest")).isEqualTo("configured");
        assertThat(proxy.get("/p", "Do: v")).endsWith("ok");
        assertThat(seen("X-Guest")).isEqualTo("HTTP/1.1");
        assertThat(proxy.get("/p", "Do: i")).endsWith("ok");
        assertThat(seen("X-Guest")).matches("127\\.0\\.0\\.1:\\d+");
        assertThat(proxy.get("/p?q=1", "Do: p")).endsWith("ok");
        assertThat(backend.seen.getLast().line()).startsWith("GET /new?a=b ");
        assertThat(counted("passed")).isEqualTo(5);
    }

    @Test
    void aFunctionAnswersItself() throws Exception {
        serve();
        assertThat(proxy.get("/", "Do: a"))
                .startsWith("HTTP/1.1 402")
                .contains("content-type: text/plain\r\n", "content-length: 9\r\n")
                .endsWith("\r\n\r\npay first");
        assertThat(backend.seen).isEmpty();
        assertThat(counted("answered")).isEqualTo(1);
    }

    @Test
    void whatFailsFailsOneRequest() throws Exception {
        serve();
        for (String each : new String[] {"t", "x", "o", "O", "r", "c", "s", "A", "y", "E"}) {
            assertThat(proxy.get("/", "Do: " + each))
                    .as(each)
                    .startsWith("HTTP/1.1 500")
                    .contains("has failed");
        }
        assertThat(backend.seen).isEmpty();
        assertThat(proxy.get("/")).endsWith("ok");
        assertThat(counted("failed")).isEqualTo(10);
        serve(TestModules.guest(), PATIENT, 10, true);
        assertThat(proxy.get("/", "Do: t")).endsWith("ok");
    }

    /** With more of them than there are processors. */
    @Test
    void whatGoesOnForEverHoldsUpNobody() throws Exception {
        serve(TestModules.guest(), 50, 100, false);
        for (int i = 0; i < 2 * Runtime.getRuntime().availableProcessors(); i++) {
            assertThat(proxy.get("/", "Do: l")).startsWith("HTTP/1.1 503").contains("takes too long");
        }
        assertThat(counted("timeout")).isPositive();
        serve();
        assertThat(proxy.get("/", "Do: u")).endsWith("ok");
        ProxyFixture.await(() -> proxy.plane.functions.workers.waiting() == 0);
    }

    /** As many that compute without end as there are processors: what they have together must leave something to others. */
    @Test
    void endlessFunctionsLeaveOthersSomething() throws Exception {
        List<RouteFilterConfig> filters = new ArrayList<>();
        filters.add(filter(NAME, TestModules.guest(), PATIENT, 10, false, 1 << 20));
        int endless = Runtime.getRuntime().availableProcessors();
        for (int i = 0; i < endless; i++) {
            filters.add(filter("default/endless" + i, TestModules.guest(), PATIENT, 10, false, 1 << 20));
        }
        serve(filters);
        List<ProxyFixture.Client> clients = new ArrayList<>();
        try {
            for (int i = 0; i < endless; i++) {
                ProxyFixture.Client client = proxy.client();
                clients.add(client);
                client.send("GET / HTTP/1.1\r\nHost: endless" + i + ".example\r\nDo: l\r\n\r\n");
            }
            ProxyFixture.await(() -> proxy.plane.functions.workers.running(false) >= endless);
            for (int i = 0; i < 20; i++) {
                assertThat(proxy.get("/", "Do: u")).startsWith("HTTP/1.1 200").endsWith("ok");
            }
            assertThat(proxy.plane.functions.workers.running(false)).isGreaterThanOrEqualTo(endless);
        } finally {
            for (ProxyFixture.Client each : clients) {
                each.reset();
                each.close();
            }
        }
    }

    @Test
    void thoseThatWaitForAnAnswerCount() throws Exception {
        serve(TestModules.guest(), PATIENT, 1, false);
        gate = new CountDownLatch(1);
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            ProxyFixture.await(() -> backend.seen.size() == 1);
            assertThat(proxy.get("/")).startsWith("HTTP/1.1 503").contains("too much to do");
            gate.countDown();
            assertThat(client.answer()).endsWith("|ok");
        }
        ProxyFixture.await(() -> counted("answer_passed") == 1);
        assertThat(proxy.get("/")).endsWith("ok");
        // One that is nothing but a filter of requests counts no longer than it computes.
        serve(TestModules.header(), PATIENT, 1, false);
        gate = new CountDownLatch(1);
        try (ProxyFixture.Client one = proxy.client();
                ProxyFixture.Client two = proxy.client()) {
            int before = backend.seen.size();
            one.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            ProxyFixture.await(() -> backend.seen.size() == before + 1);
            two.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            ProxyFixture.await(() -> backend.seen.size() == before + 2);
            gate.countDown();
            assertThat(one.answer()).endsWith("|ok");
            assertThat(two.answer()).endsWith("|ok");
            assertThat(seen("x-function")).isEqualTo("hello");
        }
    }

    @Test
    void aModuleThatIsNoneIsNotSkipped() throws Exception {
        serve(new byte[] {1, 2, 3}, PATIENT, 1, true);
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 500").contains("cannot be run");
    }

    private FunctionReading reading() {
        return proxy.plane.functions().get(NAME);
    }

    /** A module that can be read, and yet not compiled: its function is larger than a method of the JVM may be. */
    private static byte[] tooLarge() {
        ByteArrayOutputStream straight = new ByteArrayOutputStream();
        for (int i = 0; i < 20_000; i++) {
            straight.writeBytes(new byte[] {0x41, 0, 0x41, 1, 0x36, 2, 0});
        }
        return TestModules.handling(straight.toByteArray());
    }

    /** What is known of functions only once configurations are applied, those who applied them have to hear. */
    @Test
    void whatCannotBeRunIsTold() throws Exception {
        AtomicInteger news = new AtomicInteger();
        proxy.plane.whenFunctionsChange(news::incrementAndGet);
        serve(tooLarge(), PATIENT, 1, true);
        ProxyFixture.await(() -> news.get() == 1);
        assertThat(reading().state()).isEqualTo(FunctionReading.State.INVALID);
        assertThat(reading().problem()).contains("the module cannot be compiled");
        assertThat(reading().before()).isFalse();
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 500").contains("cannot be run");
        serve(List.of(filter(NAME, TestModules.guest(), PATIENT, 10, true, 65_536)));
        assertThat(reading().problem()).contains("function.maxMemoryBytes: 65536: the module begins with 131072 bytes");
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 500").contains("cannot be run");
        serve();
        assertThat(reading()).isEqualTo(new FunctionReading(FunctionReading.State.RUNS, null, false));
        assertThat(proxy.get("/", "Do: u")).endsWith("ok");
        serve(tooLarge(), PATIENT, 1, true);
        assertThat(reading().state()).isEqualTo(FunctionReading.State.INVALID);
        assertThat(reading().before()).isTrue();
        assertThat(proxy.get("/", "Do: u")).endsWith("ok");
        assertThat(seen("X-Guest")).isEqualTo("/");
    }

    /** Who waits for something else than the function when that is replaced has the one that comes after it. */
    @Test
    void aRequestWhoseFunctionIsReplacedIsHandled() throws Exception {
        serve();
        try (ProxyFixture.Client client = proxy.client()) {
            // The first learns that it reads bodies; this one waits for the rest of its own.
            client.send("POST / HTTP/1.1\r\nHost: a\r\nDo: b\r\nContent-Length: 5\r\n\r\nab");
            ProxyFixture.await(() -> proxy.plane.functions.surroundings.memory().used() == 0
                    && proxy.plane.open().exchanges() == 1);
            serve(TestModules.header(), PATIENT, 10, false);
            ProxyFixture.await(() -> proxy.plane.functions.modules.bytes() == TestModules.header().length);
            client.send("cde");
            assertThat(client.answer()).isEqualTo("HTTP/1.1 200 OK|ok");
            assertThat(backend.seen.getLast().body()).isEqualTo("abcde");
            assertThat(seen("x-function")).isEqualTo("hello");
        }
    }

    @Test
    void oneThatCannotBeRunDoesNotTakeTheOneBeforeDown() throws Exception {
        serve(TestModules.header(), PATIENT, 10, false);
        assertThat(proxy.get("/")).endsWith("ok");
        serve(new byte[] {1, 2, 3}, PATIENT, 10, false);
        assertThat(proxy.get("/")).endsWith("ok");
        assertThat(seen("x-function")).isEqualTo("hello");
        serve();
        assertThat(proxy.get("/", "Do: u")).endsWith("ok");
        assertThat(seen("X-Guest")).isEqualTo("/");
    }

    // ---- bodies of requests

    @Test
    void aBodyIsReadWhenItIsWanted() throws Exception {
        serve();
        assertThat(post("b", "abcdefgh")).endsWith("ok");
        assertThat(seen("X-Guest")).isEqualTo("8");
        assertThat(backend.seen.getLast().body()).isEqualTo("abcdefgh");
        assertThat(proxy.exchange(
                        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nDo: b\r\nTransfer-Encoding: chunked\r\n"
                                + "\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"))
                .endsWith("ok");
        assertThat(seen("X-Guest")).isEqualTo("5");
        assertThat(backend.seen.getLast().body()).isEqualTo("abcde");
        assertThat(proxy.get("/", "Do: b")).endsWith("ok");
        assertThat(seen("X-Guest")).isEqualTo("0");
        assertThat(post("b", LARGE)).startsWith("HTTP/1.1 413").contains("longer than a filter");
        assertThat(post("u", LARGE)).endsWith("ok");
        assertThat(backend.seen.getLast().body()).isEqualTo(LARGE);
        assertThat(counted("body_too_long")).isEqualTo(1);
    }

    @Test
    void aBodyIsReplaced() throws Exception {
        serve();
        assertThat(post("w", "what it was")).endsWith("ok");
        assertThat(backend.seen.getLast().body()).isEqualTo("new body");
        assertThat(seen("Content-Length")).isEqualTo("8");
        assertThat(proxy.exchange(
                        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nDo: w\r\nTransfer-Encoding: chunked\r\n"
                                + "\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"))
                .endsWith("ok");
        assertThat(backend.seen.getLast().body()).isEqualTo("new body");
        assertThat(seen("Transfer-Encoding")).isEqualTo("-");
        assertThat(proxy.get("/", "Do: w")).endsWith("ok");
        assertThat(backend.seen.getLast().body()).isEqualTo("new body");
        assertThat(post("w", LARGE)).startsWith("HTTP/1.1 413");
        // The connection goes on.
        try (ProxyFixture.Client client = proxy.client()) {
            for (int i = 0; i < 3; i++) {
                client.send("POST / HTTP/1.1\r\nHost: a\r\nDo: w\r\nContent-Length: 3\r\n\r\nabc");
                assertThat(client.answer()).isEqualTo("HTTP/1.1 200 OK|ok");
            }
            client.send("POST / HTTP/1.1\r\nHost: a\r\nDo: w\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
            assertThat(client.head().getFirst()).isEqualTo("HTTP/1.1 100 Continue");
            client.send("xy");
            assertThat(client.answer()).isEqualTo("HTTP/1.1 200 OK|ok");
            assertThat(backend.seen.getLast().body()).isEqualTo("new body");
        }
    }

    // ---- answers

    @Test
    void aFunctionChangesAnAnswer() throws Exception {
        serve();
        assertThat(proxy.get("/", "Do: 1")).contains("x-answer: 49200\r\n").endsWith("\r\n\r\nok");
        assertThat(proxy.get("/", "Do: 2")).startsWith("HTTP/1.1 503").endsWith("\r\n\r\nok");
        assertThat(proxy.get("/", "Do: 3"))
                .containsIgnoringCase("content-length: 2\r\n")
                .endsWith("\r\n\r\nOK");
        assertThat(proxy.get("/", "Do: 7"))
                .containsIgnoringCase("content-length: 8\r\n")
                .endsWith("\r\n\r\nnew body");
        assertThat(proxy.get("/", "Do: h")).contains("x-answer: 1\r\n").endsWith("\r\n\r\nok");
        body = "";
        assertThat(proxy.get("/", "Do: 3"))
                .containsIgnoringCase("content-length: 5\r\n")
                .doesNotContainIgnoringCase("transfer-encoding")
                .endsWith("\r\n\r\nABCDE");
        assertThat(proxy.get("/", "Do: 1")).contains("x-answer: 49200\r\n").endsWith("de\r\n0\r\nX-Trailer: 1\r\n\r\n");
        ProxyFixture.await(() -> counted("answer_passed") == 7);
    }

    @Test
    void longAnswersPassUnlessTheyAreReadToTheEnd() throws Exception {
        serve();
        body = LARGE;
        assertThat(proxy.get("/", "Do: 1")).contains("x-answer: 49200\r\n").endsWith("\r\n\r\n" + LARGE);
        assertThat(proxy.get("/", "Do: B")).startsWith("HTTP/1.1 200").endsWith("\r\n\r\n" + LARGE);
        assertThat(proxy.get("/", "Do: 3")).startsWith("HTTP/1.1 500").contains("longer than a filter");
        assertThat(proxy.get("/", "Do: 7")).startsWith("HTTP/1.1 500").contains("longer than a filter");
        body = "x".repeat(5 << 20);
        assertThat(proxy.get("/", "Do: 1")).contains("x-answer: 49200\r\n").endsWith("\r\n\r\n" + body);
        // Those that are as long as may be seen.
        body = "x".repeat(MOST_BODY);
        assertThat(proxy.get("/", "Do: 3")).endsWith("\r\n\r\n" + "X".repeat(MOST_BODY));
    }

    @Test
    void anAnswerWhoseFunctionFailsIsNotTold() throws Exception {
        serve();
        for (String each : new String[] {"5", "6", "8"}) {
            assertThat(proxy.get("/", "Do: " + each))
                    .as(each)
                    .startsWith("HTTP/1.1 500")
                    .contains("has failed");
        }
        // Nobody waits for what one says that changes nothing.
        assertThat(proxy.get("/", "Do: N")).startsWith("HTTP/1.1 200").endsWith("ok");
        ProxyFixture.await(() -> counted("failed") == 4);
        // Long enough for what comes before, however busy the machine is.
        serve(TestModules.guest(), 500, 100, false);
        assertThat(proxy.get("/", "Do: 4")).startsWith("HTTP/1.1 503").contains("takes too long");
        assertThat(proxy.get("/", "Do: L")).startsWith("HTTP/1.1 200").endsWith("ok");
        ProxyFixture.await(() -> counted("timeout") == 2);
        serve(TestModules.guest(), 500, 100, true);
        assertThat(proxy.get("/", "Do: 4")).startsWith("HTTP/1.1 200").endsWith("ok");
    }

    @Test
    void aFunctionIsToldWhenThereIsNoAnswer() throws Exception {
        serve();
        backend.close();
        assertThat(proxy.get("/", "Do: 1")).startsWith("HTTP/1.1 503");
        ProxyFixture.await(() -> counted("answer_passed") == 1);
        gate = new CountDownLatch(1);
        backend = Backend.saying("unused");
    }

    @Test
    void streamsOfHttp2AreRequestsToo() throws Exception {
        serve();
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            assertThat(peer.get("/", "do", "v").body()).isEqualTo("ok");
            assertThat(seen("X-Guest")).isEqualTo("HTTP/2.0");
            assertThat(peer.get("/", "do", "n").body()).isEqualTo("ok");
            assertThat(seen("X-Guest")).contains("host,");
            var own = peer.get("/", "do", "a");
            assertThat(own.status()).isEqualTo(402);
            assertThat(own.body()).isEqualTo("pay first");
            assertThat(peer.get("/", "do", "3").body()).isEqualTo("OK");
            // The body comes when it is wanted, and not before.
            for (String does : new String[] {"b", "w"}) {
                Http2Peer.Stream stream = peer.open().send(Http2Peer.head("POST", "/", "do", does), false);
                assertThat(stream.send("abc", false).send("defg", true).answer().body())
                        .isEqualTo("ok");
                assertThat(backend.seen.getLast().body()).isEqualTo(does.equals("b") ? "abcdefg" : "new body");
            }
            assertThat(seen("Content-Length")).isEqualTo("8");
            body = LARGE;
            assertThat(peer.get("/", "do", "1").body()).isEqualTo(LARGE);
            assertThat(peer.get("/", "do", "3").status()).isEqualTo(500);
            assertThat(peer.get("/", "do", "u").body()).isEqualTo(LARGE);
        }
    }

    @Test
    void aWebSocketLeavesItsFunction() throws Exception {
        backend.close();
        backend = new Backend((request, conversation) -> {
            conversation.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    + "Sec-WebSocket-Accept: "
                    + WebSocketHandshake.accept(
                            request.header("sec-websocket-key").orElse(""))
                    + "\r\n\r\n");
            conversation.in().transferTo(conversation.out());
            return null;
        });
        serve();
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("GET / HTTP/1.1\r\nHost: example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nDo: k\r\n"
                    + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
            assertThat(client.head().getFirst()).isEqualTo("HTTP/1.1 101 Switching Protocols");
            assertThat(seen("x-guest")).isEqualTo("1");
            ProxyFixture.await(() -> counted("answer_passed") == 1);
        }
    }

    @Test
    void aClientThatGoesLeavesNothing() throws Exception {
        serve();
        gate = new CountDownLatch(1);
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("GET / HTTP/1.1\r\nHost: a\r\nDo: 3\r\n\r\n");
            ProxyFixture.await(() -> backend.seen.size() == 1);
            client.reset();
        }
        ProxyFixture.await(() -> counted("answer_passed") == 1);
        gate.countDown();
        proxy.awaitNothingOpen();
    }

    @Test
    void nothingIsLeftOfAFunctionThatIsGone() throws Exception {
        serve();
        assertThat(proxy.get("/", "Do: 1")).contains("x-answer");
        assertThat(proxy.plane.functions.surroundings.memory().used()).isPositive();
        serve(TestModules.header(), PATIENT, 1, false);
        ProxyFixture.await(() -> proxy.plane.functions.surroundings.memory().used() == 0);
        assertThat(proxy.get("/")).endsWith("ok");
        assertThat(seen("x-function")).isEqualTo("hello");
    }
}
