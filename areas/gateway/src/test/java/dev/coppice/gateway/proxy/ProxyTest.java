package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.rule;
import static dev.coppice.gateway.proxy.ProxyFixture.upstream;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.FilterConfig.Header;
import dev.coppice.gateway.config.FilterConfig.HeaderChanges;
import dev.coppice.gateway.config.FilterConfig.PathChange;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.MatchConfig.PathMatch;
import dev.coppice.gateway.config.RetryConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.kernel.FreePorts;
import dev.coppice.kernel.SupervisorOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Requests through the data plane, byte for byte at both ends. */
@Timeout(60)
class ProxyTest {
    private ProxyFixture proxy;

    @BeforeEach
    void start() throws Exception {
        proxy = new ProxyFixture();
    }

    @AfterEach
    void stop() {
        proxy.awaitNothingOpen();
        proxy.close();
    }

    private static RuleConfig timed(RuleConfig rule, long request, long backend, RetryConfig retry) {
        return new RuleConfig(
                rule.name(), rule.matches(), rule.filters(), rule.backends(), request, backend, retry, null);
    }

    /** One rule for everything, with this backend. */
    private ProxyFixture serving(Backend backend) {
        proxy.serve(List.of(rule("u")), upstream("u", backend.port()));
        return proxy;
    }

    private static MatchConfig prefix(String path) {
        return new MatchConfig(new PathMatch(PathMatch.Type.PREFIX, path), "", List.of(), List.of());
    }

    @Test
    void aRequestGoesThroughAndConnectionsAreUsedAgain() throws Exception {
        try (Backend backend = Backend.saying("hello");
                ProxyFixture.Client client = serving(backend).client()) {
            for (int round = 0; round < 3; round++) {
                client.send("GET /a?b=c HTTP/1.1\r\nHost: Example.org:80\r\nX-One: 1\r\nKeep-Alive: x\r\n"
                        + "Connection: keep-alive, X-Mine\r\nX-Mine: no\r\n\r\n");
                assertThat(client.answer()).isEqualTo("HTTP/1.1 200 OK|hello");
            }
            assertThat(backend.connections).hasValue(1);
            Backend.Seen seen = backend.seen.getFirst();
            assertThat(seen.line()).isEqualTo("GET /a?b=c HTTP/1.1");
            assertThat(seen.header("host")).contains("Example.org:80");
            assertThat(seen.header("x-forwarded-for")).contains("127.0.0.1");
            assertThat(seen.header("x-forwarded-proto")).contains("http");
            assertThat(seen.header("x-one")).contains("1");
            assertThat(seen.header("x-mine")).isEmpty();
            assertThat(seen.header("keep-alive")).isEmpty();
        }
    }

    @Test
    void requestsSentAheadAreAnsweredInTheirOrder() throws Exception {
        try (Backend backend = new Backend((request, _) -> Backend.ok(request.line()));
                ProxyFixture.Client client = serving(backend).client()) {
            StringBuilder all = new StringBuilder();
            for (int i = 0; i < 20; i++) {
                all.append("POST /").append(i).append(" HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab");
                all.append("GET /g").append(i).append(" HTTP/1.1\r\nHost: a\r\n\r\n");
            }
            client.send(all.toString());
            for (int i = 0; i < 20; i++) {
                assertThat(client.answer()).endsWith("|POST /" + i + " HTTP/1.1");
                assertThat(client.answer()).endsWith("|GET /g" + i + " HTTP/1.1");
            }
        }
    }

    @Test
    void bodiesGoThroughInBothFramings() throws Exception {
        String large = "x".repeat(3_000_000);
        try (Backend backend = new Backend((request, _) -> "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        + Integer.toHexString(request.body().length()) + "\r\n" + request.body() + "\r\n0\r\n\r\n");
                ProxyFixture.Client client = serving(backend).client()) {
            Thread writer = Thread.ofVirtual().start(() -> {
                try {
                    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + large.length() + "\r\n\r\n" + large);
                    client.send("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                            + "5\r\nhello\r\n3\r\n...\r\n0\r\n\r\n");
                } catch (java.io.IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            String all = client.rest();
            writer.join();
            assertThat(all.chars().filter(each -> each == 'x').count()).isEqualTo(large.length());
            assertThat(all).contains("hello...");
            assertThat(backend.seen.get(1).header("transfer-encoding")).contains("chunked");
        }
    }

    @Test
    void answersWithoutLengthHeadRequestsAndOldClients() throws Exception {
        try (Backend backend = new Backend((request, conversation) -> {
            if (request.line().startsWith("GET /close")) {
                conversation.send("HTTP/1.1 200 OK\r\n\r\nuntil the end");
                return null;
            }
            if (request.line().startsWith("HEAD")) {
                return "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n";
            }
            return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n";
        })) {
            proxy.serve(List.of(rule("u")), upstream("u", backend.port()));
            assertThat(proxy.get("/close").toLowerCase(java.util.Locale.ROOT))
                    .contains("transfer-encoding: chunked")
                    .contains("d\r\nuntil the end\r\n0\r\n\r\n");
            assertThat(proxy.exchange("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
                    .containsIgnoringCase("content-length: 7")
                    .endsWith("\r\n\r\n");
            assertThat(proxy.exchange("GET / HTTP/1.0\r\n\r\n"))
                    .doesNotContainIgnoringCase("chunked")
                    .endsWith("\r\n\r\nab");
        }
    }

    @Test
    void interimAnswersAndExpectations() throws Exception {
        try (Backend backend = new Backend((request, conversation) -> {
                    conversation.send("HTTP/1.1 100 Continue\r\n\r\n");
                    String body = new String(conversation.in().readNBytes(4));
                    conversation.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
                    return Backend.ok(body + request.header("expect").isPresent());
                });
                ProxyFixture.Client client = serving(backend).client()) {
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
            assertThat(client.head()).containsExactly("HTTP/1.1 100 Continue");
            client.send("body");
            assertThat(client.head().getFirst()).isEqualTo("HTTP/1.1 103 Early Hints");
            assertThat(client.answer()).endsWith("|bodytrue");
        }
    }

    @Test
    void protocolsAreChanged() throws Exception {
        try (Backend backend = new Backend((request, conversation) -> {
                    conversation.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: "
                            + request.header("upgrade").orElse("none") + "\r\nConnection: Upgrade\r\n\r\nfirst");
                    while (true) {
                        int read = conversation.in().read();
                        if (read < 0) {
                            return null;
                        }
                        conversation.send(Character.toString(Character.toUpperCase(read)));
                    }
                });
                ProxyFixture.Client client = serving(backend).client()) {
            client.send("GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
            assertThat(client.head())
                    .contains("HTTP/1.1 101 Switching Protocols")
                    .anyMatch(each -> each.equalsIgnoreCase("upgrade: websocket"));
            assertThat(client.bytes(5)).isEqualTo("first");
            client.send("abc");
            assertThat(client.bytes(3)).isEqualTo("ABC");
        }
    }

    @Test
    void whatIsSentBeforeTheProtocolChangesArrives() throws Exception {
        try (Backend backend = new Backend((request, conversation) -> {
                    conversation.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                            + "Connection: Upgrade\r\n\r\nfirst");
                    conversation.send(new String(conversation.in().readNBytes(5), StandardCharsets.US_ASCII));
                    return null;
                });
                ProxyFixture.Client client = serving(backend).client()) {
            client.send("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\r\n");
            client.send("early");
            assertThat(client.head().getFirst()).contains("101");
            assertThat(client.rest()).isEqualTo("firstearly");
        }
    }

    /** Who spoke HTTP/2 to a backend through the proxy would be past all routes. */
    @Test
    void otherProtocolsAreNotAskedFor() throws Exception {
        try (Backend backend = Backend.saying("plain")) {
            serving(backend);
            assertThat(proxy.exchange(
                            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
                                    + "Connection: Upgrade, HTTP2-Settings, close\r\n\r\n"))
                    .startsWith("HTTP/1.1 200")
                    .endsWith("plain");
            assertThat(backend.seen.getFirst().header("upgrade")).isEmpty();
            assertThat(backend.seen.getFirst().header("http2-settings")).isEmpty();
            assertThat(backend.seen.getFirst().header("connection")).isEmpty();
        }
    }

    @Test
    void headersAreChangedOnTheWay() throws Exception {
        HeaderChanges changes = new HeaderChanges(
                List.of(new Header("X-Set", "new")), List.of(new Header("X-Add", "more")), List.of("X-Gone"));
        try (Backend backend =
                new Backend((_, _) -> "HTTP/1.1 200 OK\r\nX-Set: old\r\nX-Gone: 1\r\nContent-Length: 0\r\n\r\n")) {
            proxy.serve(
                    List.of(rule(
                            "u", new FilterConfig.RequestHeaders(changes), new FilterConfig.ResponseHeaders(changes))),
                    upstream("u", backend.port()));
            String answer = proxy.get("/", "x-set: a", "X-Add: b", "x-GONE: c");
            assertThat(answer)
                    .containsIgnoringCase("x-set: new")
                    .containsIgnoringCase("x-add: more")
                    .doesNotContainIgnoringCase("x-gone")
                    .doesNotContain("old");
            Backend.Seen seen = backend.seen.getFirst();
            assertThat(seen.header("x-set")).contains("new");
            assertThat(seen.header("x-gone")).isEmpty();
            assertThat(seen.headers().stream()
                            .filter(each ->
                                    each.toLowerCase(java.util.Locale.ROOT).startsWith("x-add:")))
                    .hasSize(2);
        }
    }

    @Test
    void redirectsAndRewrites() throws Exception {
        try (Backend backend = new Backend((request, _) ->
                Backend.ok(request.line() + " " + request.header("host").orElse("")))) {
            RuleConfig away = new RuleConfig(
                    List.of(prefix("/old")),
                    List.of(new FilterConfig.Redirect(
                            "https", "new.example.org", new PathChange(PathChange.Type.PREFIX, "/new"), null, 301)),
                    List.of());
            RuleConfig port = new RuleConfig(
                    List.of(prefix("/port")),
                    List.of(new FilterConfig.Redirect(null, null, null, 8083, 302)),
                    List.of());
            RuleConfig rewritten = new RuleConfig(
                    List.of(prefix("/a/b")),
                    List.of(new FilterConfig.Rewrite("inner", new PathChange(PathChange.Type.PREFIX, "/"))),
                    List.of(new BackendConfig("u", 1, List.of())));
            proxy.serve(List.of(away, port, rewritten), upstream("u", backend.port()));
            assertThat(proxy.get("/old/x?y=z")).contains("301").contains("location: https://new.example.org/new/x?y=z");
            assertThat(proxy.get("/port/x")).contains("location: http://example.org:8083/port/x");
            assertThat(proxy.get("/a/b/c?q")).endsWith("GET /c?q HTTP/1.1 inner");
            assertThat(proxy.get("/a/b")).endsWith("GET / HTTP/1.1 inner");
            assertThat(proxy.get("/a/bc")).contains("404");
        }
    }

    @Test
    void brokenAnswersAreTold() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        try (Backend backend = new Backend((request, conversation) -> {
            calls.incrementAndGet();
            if (request.line().contains("/garbage")) {
                conversation.send("SSH-2.0-OpenSSH\r\n\r\n");
            } else if (request.line().contains("/half")) {
                conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
            }
            return null;
        })) {
            proxy.serve(List.of(rule("u")), upstream("u", backend.port()));
            assertThat(proxy.get("/garbage")).startsWith("HTTP/1.1 502");
            assertThat(proxy.get("/nothing")).startsWith("HTTP/1.1 503");
            assertThat(proxy.get("/half")).startsWith("HTTP/1.1 200").endsWith("\r\n\r\nhalf");
            assertThat(calls).hasValue(3);
        }
        proxy.serve(List.of(rule("u")), upstream("u", FreePorts.next()));
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 503");
        proxy.serve(List.of(rule("u")), upstream("u"));
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 503");
        proxy.serve(List.of(rule("")));
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 500");
    }

    @Test
    void answersThatAreNoHttpArePassedToNobody() throws Exception {
        List<String> answers = List.of(
                "HTTP/1.1 2000 OK\r\n",
                "HTTP/1.1 20 OK\r\n",
                "HTTP/1.1 099 OK\r\n",
                "HTTP/1.1 -20 OK\r\n",
                "HTTP/1.1 OK\r\n",
                "HTTP/9.9 200 OK\r\n",
                "HTTP/1.1 200 OK\r\n: no name\r\n",
                "HTTP/1.1 200 OK\r\nA\u0001: a control character in a name\r\n",
                "HTTP/1.1 200 OK\r\nA: \u0001 in a value\r\n",
                "HTTP/1.1 200 OK\r\nA: b\u0000c\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n");
        Set<String> passed = ConcurrentHashMap.newKeySet();
        try (Backend backend = new Backend((request, conversation) -> {
            int which = Integer.parseInt(request.line().split("[/ ]+")[1]);
            conversation.send(
                    which < answers.size()
                            ? answers.get(which) + "Content-Length: 0\r\n\r\n"
                            : "HTTP/1.1 600 Odd\r\nA: caf\u00e9\tb\r\nContent-Length: 0\r\n\r\n");
            return null;
        })) {
            proxy.serve(List.of(rule("u")), upstream("u", backend.port()));
            for (int i = 0; i < answers.size(); i++) {
                if (!proxy.get("/" + i).startsWith("HTTP/1.1 502")) {
                    passed.add(answers.get(i));
                }
            }
            assertThat(passed).isEmpty();
            assertThat(proxy.get("/" + answers.size()))
                    .startsWith("HTTP/1.1 600 Odd\r\n")
                    .contains("A: caf\u00e9\tb\r\n");
        }
    }

    @Test
    void anEndpointThatIsDownIsPassedOver() throws Exception {
        try (Backend backend = Backend.saying("up")) {
            proxy.serve(List.of(rule("u")), upstream("u", FreePorts.next(), backend.port()));
            for (int i = 0; i < 10; i++) {
                assertThat(proxy.exchange(
                                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab"))
                        .endsWith("up");
            }
        }
    }

    @Test
    void aConnectionThatEndedUnusedCostsNoRequest() throws Exception {
        Set<Object> used = ConcurrentHashMap.newKeySet();
        try (Backend backend = new Backend((_, conversation) -> used.add(conversation) ? Backend.ok("fine") : null)) {
            proxy.serve(List.of(rule("u")), upstream("u", backend.port()));
            for (int i = 0; i < 6; i++) {
                assertThat(proxy.get("/")).endsWith("fine");
            }
            assertThat(used).as("connections").hasSize(6);
        }
    }

    @Test
    void requestsAreTriedAgainAsARuleSays() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        try (Backend backend = new Backend((request, _) -> switch (calls.incrementAndGet()) {
            case 1 -> "HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno";
            case 2 -> null;
            default -> Backend.ok(request.body());
        })) {
            RuleConfig retried = timed(rule("u"), 0, 0, new RetryConfig(List.of(503), 2, 1));
            proxy.serve(List.of(retried), upstream("u", backend.port()));
            assertThat(proxy.exchange(
                            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"))
                    .endsWith("body");
            calls.set(0);
            proxy.serve(
                    List.of(timed(rule("u"), 0, 0, new RetryConfig(List.of(503), 1, 0))),
                    upstream("u", backend.port()));
            assertThat(proxy.get("/")).startsWith("HTTP/1.1 503");
            assertThat(calls).hasValue(2);
        }
    }

    @Test
    void timesAreLimited() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        AtomicInteger calls = new AtomicInteger();
        try (Backend backend = new Backend((_, _) -> {
            if (calls.incrementAndGet() % 2 == 1) {
                try {
                    never.await();
                } catch (InterruptedException e) {
                    return null;
                }
            }
            return Backend.ok("second");
        })) {
            proxy.serve(List.of(timed(rule("u"), 100, 0, null)), upstream("u", backend.port()));
            assertThat(proxy.get("/")).startsWith("HTTP/1.1 504");
            calls.set(0);
            proxy.serve(
                    List.of(timed(rule("u"), 5000, 100, new RetryConfig(List.of(), 1, 0))),
                    upstream("u", backend.port()));
            assertThat(proxy.get("/")).endsWith("second");
            never.countDown();
        }
    }

    @Test
    void sharesFollowWeights() throws Exception {
        try (Backend one = Backend.saying("one");
                Backend two = Backend.saying("two")) {
            RuleConfig split = new RuleConfig(
                    List.of(),
                    List.of(),
                    List.of(
                            new BackendConfig("one", 3, List.of()),
                            new BackendConfig("two", 1, List.of()),
                            new BackendConfig("one", 0, List.of())));
            proxy.serve(List.of(split), upstream("one", one.port()), upstream("two", two.port()));
            try (ProxyFixture.Client client = proxy.client()) {
                for (int i = 0; i < 400; i++) {
                    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                    assertThat(client.answer()).contains("200");
                }
            }
            assertThat(one.seen.size()).isBetween(240, 360);
            assertThat(one.seen.size() + two.seen.size()).isEqualTo(400);
        }
    }

    @Test
    void copiesGoToMirrors() throws Exception {
        try (Backend main = new Backend((request, _) -> Backend.ok(request.body()));
                Backend copy = Backend.saying("ignored")) {
            proxy.serve(
                    List.of(rule("u", new FilterConfig.Mirror("m", 1, 1), new FilterConfig.Mirror("none", 1, 1))),
                    upstream("u", main.port()),
                    upstream("m", copy.port()),
                    upstream("none"));
            assertThat(proxy.exchange(
                            "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"))
                    .endsWith("body");
            ProxyFixture.await(() -> copy.seen.size() == 1);
            assertThat(copy.seen.getFirst().line()).isEqualTo("POST /p HTTP/1.1");
            assertThat(copy.seen.getFirst().body()).isEqualTo("body");
        }
    }

    @Test
    void copiesThatNobodyAnswersAreGivenUp() throws Exception {
        proxy.close();
        proxy = new ProxyFixture(ProxyOptions.DEFAULT.withLoops(1).withStalled(Duration.ofSeconds(2)));
        try (Backend main = Backend.saying("answer");
                ServerSocket silent = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            proxy.serve(
                    List.of(rule("u", new FilterConfig.Mirror("m", 1, 1))),
                    upstream("u", main.port()),
                    upstream("m", silent.getLocalPort()));
            assertThat(proxy.get("/")).endsWith("answer");
            try (Socket copy = silent.accept()) {
                copy.setSoTimeout(20_000);
                // Ends when the gateway closes the connection.
                assertThat(new String(copy.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1))
                        .startsWith("GET / HTTP/1.1");
            }
        }
    }

    /** Connections that are never made: their port's queue is full. */
    @Test
    void aConnectionThatHangsEndsWithItsTry() throws Exception {
        try (ServerSocket full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Backend good = Backend.saying("good")) {
            List<Socket> queued = new ArrayList<>();
            try {
                boolean hangs = false;
                for (int i = 0; i < 50 && !hangs; i++) {
                    Socket one = new Socket();
                    queued.add(one);
                    try {
                        one.connect(full.getLocalSocketAddress(), 200);
                    } catch (SocketTimeoutException e) {
                        hangs = true;
                    }
                }
                Assumptions.assumeTrue(hangs, "this system takes any number of connections");
                RuleConfig patient = new RuleConfig(
                        "",
                        List.of(MatchConfig.ANY),
                        List.of(),
                        List.of(new BackendConfig("u", 1, List.of())),
                        10_000,
                        100,
                        new RetryConfig(List.of(), 3, 0),
                        null);
                proxy.serve(List.of(patient), upstream("u", full.getLocalPort(), good.port()));
                for (int i = 0; i < 4; i++) {
                    assertThat(proxy.get("/" + i)).endsWith("good");
                }
                assertThat(good.seen).hasSize(4);
            } finally {
                for (Socket each : queued) {
                    each.close();
                }
            }
        }
    }

    @Test
    void otherOriginsAreAnswered() throws Exception {
        FilterConfig.Cors cors = new FilterConfig.Cors(
                List.of("https://*.example.org"), true, List.of("GET", "PUT"), List.of("*"), List.of("X-Mine"), 60);
        try (Backend backend = Backend.saying("content")) {
            proxy.serve(List.of(rule("u", cors)), upstream("u", backend.port()));
            String preflight = proxy.exchange("OPTIONS / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                    + "Origin: https://a.example.org\r\nAccess-Control-Request-Method: PUT\r\n"
                    + "Access-Control-Request-Headers: x-other\r\n\r\n");
            assertThat(preflight)
                    .startsWith("HTTP/1.1 200")
                    .contains("access-control-allow-origin: https://a.example.org")
                    .contains("access-control-allow-credentials: true")
                    .contains("access-control-allow-methods: GET, PUT")
                    .contains("access-control-allow-headers: x-other")
                    .contains("access-control-expose-headers: X-Mine")
                    .contains("access-control-max-age: 60");
            assertThat(proxy.get("/", "Origin: https://a.example.org"))
                    .contains("access-control-allow-origin: https://a.example.org")
                    .contains("access-control-expose-headers: X-Mine");
            assertThat(proxy.get("/", "Origin: https://example.com"))
                    .doesNotContain("access-control-allow-origin")
                    .endsWith("content");
        }
    }

    @Test
    void requestsThatTwoServersCouldReadDifferentlyAreRefused() throws Exception {
        try (Backend backend = Backend.saying("x")) {
            proxy.serve(List.of(rule("u")), upstream("u", backend.port()));
            for (String bad : List.of(
                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\nabcd",
                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd",
                    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
                    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked, gzip\r\n\r\n0\r\n\r\n",
                    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
                    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
                    "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                    "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                    "GET / HTTP/1.1\r\n\r\n",
                    "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
                    "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
                    "GET / HTTP/1.1\nHost: a\n\n",
                    "GET / HTTP/1.1\r\nHost: a\r\nX: a\nB: c\r\n\r\n",
                    "GET / HTTP/1.1\r\nHost: a\r\nX\u0000: a\r\n\r\n",
                    "GET / HTTP/1.1\r\nHost: a\r\nX: a\u0000b\r\n\r\n",
                    "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n",
                    "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
                    "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
                    "GET /a?b#c HTTP/1.1\r\nHost: a\r\n\r\n",
                    "GET /a?b\u0001 HTTP/1.1\r\nHost: a\r\n\r\n",
                    "GET /a?b\u00e4 HTTP/1.1\r\nHost: a\r\n\r\n",
                    "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
                    "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
                    "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
                    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                    "GET / HTTP/1.1\r\nHost: a\r\nX: " + "x".repeat(70_000) + "\r\n\r\n",
                    "GET /" + "x".repeat(20_000) + " HTTP/1.1\r\nHost: a\r\n\r\n")) {
                String shown = bad.length() > 200 ? bad.substring(0, 40) + "..." : bad;
                String answer = proxy.exchange(bad);
                assertThat(answer)
                        .as(shown)
                        .matches("(?s)HTTP/1.1 (400|405|414|431|501|505) .*")
                        .containsIgnoringCase("connection: close");
            }
            // What of a chunked body came before its fault may have been sent on, but never a whole request.
            assertThat(backend.seen.stream().filter(each -> !each.body().isEmpty()))
                    .isEmpty();
        }
    }

    @Test
    void pathsAreComparedInTheirNormalForm() throws Exception {
        try (Backend backend = new Backend((request, _) -> Backend.ok(request.line()))) {
            RuleConfig secret = new RuleConfig(List.of(prefix("/admin")), List.of(), List.of());
            proxy.serve(List.of(rule("u"), secret), upstream("u", backend.port()));
            for (String way : List.of("/admin", "/a/../admin/x", "/%61dmin", "/a/%2e%2E/admin", "/./admin")) {
                assertThat(proxy.get(way)).as(way).startsWith("HTTP/1.1 500");
            }
            assertThat(proxy.get("/a%2fb/%7Ex/../../y?/../z")).endsWith("GET /y?/../z HTTP/1.1");
            assertThat(proxy.get("http://other.example.org/z")).endsWith("GET /z HTTP/1.1");
            assertThat(backend.seen.getLast().header("host")).contains("other.example.org");
        }
    }

    @Test
    void clientsAndEndpointsThatVanishLeaveNothing() throws Exception {
        CountDownLatch asked = new CountDownLatch(3);
        CountDownLatch never = new CountDownLatch(1);
        try (Backend backend = new Backend((_, conversation) -> {
            conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbegin");
            asked.countDown();
            try {
                never.await();
            } catch (InterruptedException e) {
                return null;
            }
            return null;
        })) {
            proxy.serve(List.of(rule("u")), upstream("u", backend.port()));
            ProxyFixture.Client waiting = proxy.client();
            waiting.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            ProxyFixture.Client sending = proxy.client();
            sending.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
            ProxyFixture.Client half = proxy.client();
            half.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HT");
            asked.await();
            waiting.reset();
            sending.close();
            half.reset();
            proxy.awaitNothingOpen();
            ProxyFixture.await(() -> proxy.plane.open().toEndpoints() == 0);
            never.countDown();
        }
    }

    @Test
    void anEarlyAnswerEndsAnUpload() throws Exception {
        try (Backend backend = new Backend((_, conversation) -> {
                    conversation.send("HTTP/1.1 413 Too Much\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
                    return null;
                });
                ProxyFixture.Client client = serving(backend).client()) {
            // The backend of this test reads the whole body first unless it expects to be asked.
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\nstart");
            List<String> head = client.head();
            assertThat(head.getFirst()).isEqualTo("HTTP/1.1 413 Too Much");
            assertThat(head).anyMatch(each -> each.equalsIgnoreCase("connection: close"));
            assertThat(client.rest()).isEqualTo("no");
        }
    }

    @Test
    void routesChangeUnderLoadAndNothingIsLost() throws Exception {
        try (Backend one = Backend.saying("one");
                Backend two = Backend.saying("two")) {
            proxy.serve(List.of(rule("one")), upstream("one", one.port()), upstream("two", two.port()));
            CountDownLatch done = new CountDownLatch(4);
            AtomicInteger bad = new AtomicInteger();
            AtomicInteger good = new AtomicInteger();
            for (int i = 0; i < 4; i++) {
                Thread.ofPlatform().start(() -> {
                    try (ProxyFixture.Client client = proxy.client()) {
                        for (int request = 0; request < 1500; request++) {
                            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                            String answer = client.answer();
                            (answer.startsWith("HTTP/1.1 200 OK|") ? good : bad).incrementAndGet();
                        }
                    } catch (java.io.IOException e) {
                        bad.incrementAndGet();
                    } finally {
                        done.countDown();
                    }
                });
            }
            for (int change = 0; done.getCount() > 0; change++) {
                String name = change % 2 == 0 ? "two" : "one";
                // Now and then the endpoints themselves come and go, too.
                proxy.serve(List.of(rule(name)), upstream(name, name.equals("one") ? one.port() : two.port()));
                java.util.concurrent.locks.LockSupport.parkNanos(1_000_000);
            }
            assertThat(bad).hasValue(0);
            assertThat(good).hasValue(6000);
            assertThat(two.seen).isNotEmpty();
        }
    }

    @Test
    void aListenerThatGoesLetsItsRequestsEnd() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        try (Backend backend = new Backend((_, _) -> {
                    asked.countDown();
                    try {
                        go.await();
                    } catch (InterruptedException e) {
                        return null;
                    }
                    return Backend.ok("late");
                });
                ProxyFixture.Client busy = serving(backend).client();
                ProxyFixture.Client idle = proxy.client()) {
            busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            asked.await();
            proxy.plane.apply(GatewayConfig.EMPTY);
            assertThat(idle.rest()).isEmpty();
            go.countDown();
            assertThat(busy.rest()).containsIgnoringCase("connection: close").endsWith("late");
        }
    }

    /** As on a node that leads again. */
    @Test
    void anotherOneMayBeOpenedAfterwards() throws Exception {
        proxy.plane.close();
        try (ProxyDataPlane next = new ProxyDataPlane(
                proxy.kernel,
                proxy.kernel.root().startSupervisor("next", SupervisorOptions.DEFAULT),
                ProxyOptions.DEFAULT)) {
            assertThat(next.apply(GatewayConfig.EMPTY)).isEmpty();
        }
    }

    @Test
    void clientsThatSendNothingAreClosed() throws Exception {
        proxy.close();
        proxy = new ProxyFixture(ProxyOptions.DEFAULT.withLoops(1).withClientIdle(Duration.ofMillis(1)));
        try (Backend backend = Backend.saying("x")) {
            proxy.serve(List.of(rule("u")), upstream("u", backend.port()));
            try (ProxyFixture.Client slow = proxy.client()) {
                slow.send("GET / HTTP/1.1\r\nHo");
                assertThat(slow.rest()).isEmpty();
            }
        }
    }

    /** Backends that have said all, and closed, while nobody reads what they say. */
    @Test
    void theEndOfAnAnswerIsNotLostOnASlowClient() throws Exception {
        proxy.close();
        proxy = new ProxyFixture(ProxyOptions.DEFAULT.withLoops(1));
        try (Backend closing = new Backend((request, conversation) -> {
            int size = Integer.parseInt(request.line().split("[/ ]")[2]);
            conversation.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + "x".repeat(size));
            return null;
        })) {
            proxy.serve(List.of(rule("u")), upstream("u", closing.port()));
            // For some of them the backend's end comes while the gateway waits for the client; which, is up to the
            // kernel's buffers.
            for (int size = 32 << 10; size < 1 << 20; size += 16 << 10) {
                try (Socket client = new Socket()) {
                    client.setReceiveBufferSize(4096);
                    client.setSoTimeout(20_000);
                    client.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), proxy.port));
                    client.getOutputStream()
                            .write(("GET /" + size + " HTTP/1.1\r\nHost: a.org\r\nConnection: close\r\n\r\n")
                                    .getBytes());
                    // One event loop does all: it hears of both ends before it answers these.
                    for (int i = 0; i < 3; i++) {
                        assertThat(proxy.get("/1")).contains("200 OK");
                    }
                    String answer = new String(client.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
                    assertThat(answer.chars().filter(each -> each == 'x').count())
                            .as("of %s bytes", size)
                            .isGreaterThanOrEqualTo(size);
                    assertThat(answer).endsWith("0\r\n\r\n");
                }
            }
        }
    }

    /** Requests that are under way end, and their connections with them; no others come. */
    @Test
    void drainingLetsRequestsEnd() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch answer = new CountDownLatch(1);
        try (Backend slow = new Backend((_, _) -> {
            asked.countDown();
            try {
                answer.await();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            return Backend.ok("late");
        })) {
            proxy.serve(List.of(ProxyFixture.rule("u")), ProxyFixture.upstream("u", slow.port()));
            ProxyFixture.Client busy = proxy.client();
            busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            asked.await();
            Thread draining = Thread.ofVirtual().start(() -> {
                try {
                    proxy.plane.drain(Duration.ofSeconds(20));
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            ProxyFixture.await(() -> {
                try (ProxyFixture.Client other = proxy.client()) {
                    return false;
                } catch (IOException e) {
                    return true;
                }
            });
            assertThat(draining.isAlive()).isTrue();
            answer.countDown();
            assertThat(busy.head()).contains("HTTP/1.1 200 OK");
            // With the end of the connection.
            assertThat(busy.rest()).isEqualTo("late");
            draining.join();
        }
    }

    /** What cannot be served takes nothing down, now or later. */
    @Test
    void aConfigurationThatCannotBeServedIsForgotten() throws Exception {
        proxy.serve(List.of(ProxyFixture.rule("u")), ProxyFixture.upstream("u", FreePorts.next()));
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 503");
        ListenerConfig broken =
                new ListenerConfig("default/gateway", "http", "127.0.0.1", proxy.port, null, "", null, List.of());
        assertThatThrownBy(() -> proxy.plane.apply(new GatewayConfig(List.of(broken), List.of())))
                .isInstanceOf(RuntimeException.class);
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 503");
    }
}
