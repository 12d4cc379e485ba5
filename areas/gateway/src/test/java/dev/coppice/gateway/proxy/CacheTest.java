package dev.coppice.gateway.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.authentication.KeyMethod;
import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.BalanceConfig;
import dev.coppice.gateway.config.BalanceConfig.Subset;
import dev.coppice.gateway.config.ContentConfig;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.ResilienceConfig;
import dev.coppice.gateway.config.RetryConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.SecurityConfig;
import dev.coppice.gateway.config.TlsConfig;
import dev.coppice.gateway.config.TrafficConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.resilience.UpstreamReading;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A cache in the way of requests: what endpoints see, and what clients get. */
@Timeout(60)
class CacheTest {
    private static final String STALE = "Age: 100\r\nETag: \"v\"\r\n";

    private final AtomicInteger count = new AtomicInteger();
    private ProxyFixture proxy;
    private Backend backend;
    private volatile Backend.Answering answering = (_, _) -> counted("Cache-Control: max-age=60\r\n");

    @BeforeEach
    void start() throws Exception {
        proxy = new ProxyFixture();
        backend = new Backend((seen, conversation) -> answering.answer(seen, conversation));
        serve(settings());
    }

    @AfterEach
    void stop() throws Exception {
        backend.close();
        proxy.awaitNothingOpen();
        assertThat(proxy.plane.cache.coming()).isZero();
        assertThat(proxy.plane.cache.flights.size()).isZero();
        proxy.close();
    }

    static ContentConfig.Cache settings() {
        return new ContentConfig.Cache(true, 0, 0, 0, 1 << 20, List.of(), List.of(), true, 20_000, "");
    }

    private void serve(ContentConfig.Cache cache) {
        serve(cache, null, List.of(), List.of(ProxyFixture.rule("u")), ProxyFixture.upstream("u", backend.port()));
    }

    private void serve(
            ContentConfig.Cache cache,
            ContentConfig.Compression compression,
            List<SecurityConfig> security,
            List<RuleConfig> rules,
            UpstreamConfig... upstreams) {
        RouteConfig route = new RouteConfig("HTTPRoute", "default", "route", 0, List.of(), rules);
        ListenerConfig listener = new ListenerConfig(
                "default/gateway",
                "http",
                "127.0.0.1",
                proxy.port,
                ListenerConfig.Protocol.HTTP,
                "",
                null,
                List.of(route));
        ContentConfig content = new ContentConfig(
                List.of(new TrafficTarget("Gateway", "default/gateway", "")),
                compression,
                ContentConfig.UNBOUNDED,
                cache);
        assertThat(proxy.plane.apply(new GatewayConfig.Builder(List.of(listener), List.of(upstreams))
                        .contents(List.of(content))
                        .security(security)
                        .build()))
                .isEmpty();
    }

    /** An answer that says the how many-th it is. */
    private String counted(String headers) {
        return answer("200 OK", headers, "answer " + count.incrementAndGet());
    }

    private static String answer(String status, String headers, String body) {
        return "HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " + body.length() + "\r\n\r\n" + body;
    }

    private String get(String... headers) throws IOException {
        return proxy.get("/a?b=c", headers);
    }

    private double outcome(String word) {
        return proxy.kernel.metrics().scrape(name -> name.equals("coppice_gateway_cache_requests")).stream()
                .flatMap(each -> each.getDataPoints().stream())
                .filter(each -> word.equals(each.getLabels().get("outcome")))
                .mapToDouble(
                        each -> ((io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot) each)
                                .getValue())
                .sum();
    }

    // ---- hits and misses

    @Test
    void whatIsKeptIsServedWithItsAge() throws Exception {
        assertThat(get())
                .startsWith("HTTP/1.1 200")
                .endsWith("\r\n\r\nanswer 1")
                .containsIgnoringCase("cache-status: coppice; fwd=uri-miss; fwd-status=200; stored; ttl=");
        for (int i = 0; i < 3; i++) {
            assertThat(get())
                    .startsWith("HTTP/1.1 200 OK\r\n")
                    .endsWith("\r\n\r\nanswer 1")
                    .containsIgnoringCase("\r\ncontent-length: 8\r\n")
                    .containsPattern("(?i)\r\nage: \\d")
                    .containsPattern("(?i)\r\ndate: \\w{3}, ")
                    .containsPattern("(?i)cache-status: coppice; hit; ttl=\\d+\r\n");
        }
        assertThat(backend.seen).hasSize(1);
        assertThat(outcome("hit")).isEqualTo(3);
        assertThat(outcome("miss")).isEqualTo(1);
        assertThat(proxy.plane.cache.store.size()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "Cache-Control: no-store, max-age=60\r\n",
                "Cache-Control: private, max-age=60\r\n",
                "Cache-Control: max-age=60\r\nSet-Cookie: a=b\r\n",
                "Cache-Control: max-age=60\r\nVary: *\r\n",
                "Cache-Control: max-age=0\r\n",
                "Cache-Control: max-age=60; public\r\n",
                "Expires: 0\r\n"
            })
    void whatIsNotForAllIsNotKept(String headers) throws Exception {
        answering = (_, _) -> counted(headers);
        assertThat(get()).endsWith("answer 1").contains("; detail=");
        assertThat(get()).endsWith("answer 2").doesNotContain("hit");
        assertThat(proxy.plane.cache.store.size()).isZero();
    }

    @Test
    void anotherHostPathOrQueryIsAnother() throws Exception {
        assertThat(proxy.get("/a")).endsWith("answer 1");
        assertThat(proxy.get("/a?")).endsWith("answer 2");
        assertThat(proxy.get("/b")).endsWith("answer 3");
        assertThat(proxy.exchange("GET /a HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n"))
                .endsWith("answer 4");
        assertThat(proxy.get("/a")).endsWith("answer 1");
        assertThat(proxy.get("/x/../a")).endsWith("answer 1");
    }

    @Test
    void parametersAreIgnoredAndHeadersCountAsIsSaid() throws Exception {
        serve(new ContentConfig.Cache(
                true, 0, 0, 0, 1 << 20, List.of("utm_*", "ref"), List.of("x-tenant"), true, 0, ""));
        assertThat(proxy.get("/a?utm_source=1&q=1&ref=z")).endsWith("answer 1");
        assertThat(backend.seen.getLast().line()).isEqualTo("GET /a?utm_source=1&q=1&ref=z HTTP/1.1");
        assertThat(proxy.get("/a?q=1")).endsWith("answer 1");
        assertThat(proxy.get("/a?q=1&reference=z")).endsWith("answer 2");
        assertThat(proxy.get("/a?q=1", "X-Tenant: a")).endsWith("answer 3");
        assertThat(proxy.get("/a?q=1", "X-Tenant: b")).endsWith("answer 4");
        assertThat(proxy.get("/a?q=1", "X-Tenant: a")).endsWith("answer 3");
    }

    @Test
    void variantsAreTold() throws Exception {
        answering = (seen, _) -> counted("Cache-Control: max-age=60\r\nVary: Accept-Language, Accept-Encoding\r\n");
        assertThat(get("Accept-Language: de,  en")).endsWith("answer 1");
        assertThat(get("Accept-Language: fr")).endsWith("answer 2").contains("fwd=vary-miss");
        assertThat(get()).endsWith("answer 3");
        assertThat(get("Accept-Language: de", "Accept-Language: en")).endsWith("answer 1");
        assertThat(get("Accept-Language: fr")).endsWith("answer 2");
        assertThat(proxy.plane.cache.store.size()).isEqualTo(1);
    }

    /** What endpoints may answer by is what the key has, in one form. */
    @Test
    void oddFormsOfARequestPoisonNothing() throws Exception {
        serve(new ContentConfig.Cache(true, 0, 0, 0, 1 << 20, List.of("utm_*"), List.of(), true, 0, ""));
        assertThat(proxy.exchange("GET /a HTTP/1.1\r\nHost: EXAMPLE.org.:080\r\nConnection: close\r\n\r\n"))
                .endsWith("answer 1");
        assertThat(backend.seen.getLast().header("host")).hasValue("example.org:80");
        assertThat(backend.seen.getLast().header("x-forwarded-host")).hasValue("example.org:80");
        assertThat(proxy.get("/a?utm_x=1;q=evil")).endsWith("answer 2");
        assertThat(proxy.get("/a?utm_x=1")).endsWith("answer 3");
        assertThat(proxy.get("/a", "X-Forwarded-Prefix: /evil")).endsWith("answer 4");
        assertThat(proxy.get("/a")).endsWith("answer 3");
        // Applications behind CGI and WSGI see no difference between '_' and '-'.
        assertThat(proxy.get("/a", "X_Forwarded_Prefix: /evil")).endsWith("answer 5");
        assertThat(proxy.get("/a", "X-Forwarded_Prefix: /evil")).endsWith("answer 6");
        assertThat(proxy.get("/a", "X_HTTP_Method_Override: DELETE")).endsWith("answer 7");
        assertThat(proxy.get("/a", "X_Forwarded_Prefix: /evil")).endsWith("answer 5");
        assertThat(proxy.get("/a", "X_Of_Nobody: evil")).endsWith("answer 3");
        assertThat(proxy.get("/a")).endsWith("answer 3");
        proxy.exchange("GET /a HTTP/1.0\r\nX-Forwarded-Host: evil\r\n\r\n");
        assertThat(backend.seen.getLast().header("x-forwarded-host")).isEmpty();
    }

    /** Nobody sees whether that is all of it. */
    @Test
    void whatEndsWithItsConnectionIsNotKept() throws Exception {
        answering = (_, conversation) -> {
            conversation.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nConnection: close\r\n\r\nhello");
            return null;
        };
        assertThat(get()).contains("hello").contains("detail=length");
        assertThat(proxy.plane.cache.store.size()).isZero();
    }

    @Test
    void aPartHasNoDigestOfTheWhole() throws Exception {
        answering = (_, _) -> counted(
                "Cache-Control: max-age=60\r\nContent-Digest: sha-256=:YQ==:\r\n" + "Repr-Digest: sha-256=:YQ==:\r\n");
        get();
        assertThat(get()).containsIgnoringCase("content-digest");
        assertThat(get("Range: bytes=0-1"))
                .startsWith("HTTP/1.1 206")
                .doesNotContainIgnoringCase("content-digest")
                .containsIgnoringCase("repr-digest");
    }

    @Test
    void theCacheCanBeOff() throws Exception {
        serve(new ContentConfig.Cache(false, 0, 0, 0, 1 << 20, List.of(), List.of(), true, 0, ""));
        assertThat(get()).endsWith("answer 1").doesNotContainIgnoringCase("cache-status");
        assertThat(get()).endsWith("answer 2");
    }

    @Test
    void whatSaysNothingIsKeptAsLongAsIsConfigured() throws Exception {
        serve(new ContentConfig.Cache(true, 60, 0, 0, 1 << 20, List.of(), List.of(), true, 0, ""));
        answering = (_, _) -> counted("");
        assertThat(get()).endsWith("answer 1");
        assertThat(get()).endsWith("answer 1");
        // Who has cookies may be somebody.
        assertThat(proxy.get("/c", "Cookie: a=b")).endsWith("answer 2");
        assertThat(proxy.get("/c", "Cookie: a=b")).endsWith("answer 3");
    }

    @Test
    void headIsAnsweredFromWhatGetHasBrought() throws Exception {
        get();
        assertThat(proxy.exchange("HEAD /a?b=c HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 200")
                .endsWith("\r\n\r\n")
                .contains("coppice; hit")
                .containsIgnoringCase("content-length: 8");
        assertThat(proxy.exchange(
                        "HEAD /a?b=c HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\nRange: bytes=0-1\r\n\r\n"))
                .startsWith("HTTP/1.1 200");
        assertThat(backend.seen).hasSize(1);
        // Without that it is the endpoint's.
        answering = (_, _) -> "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 9\r\n\r\n";
        assertThat(proxy.exchange("HEAD /b HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n"))
                .contains("fwd=uri-miss");
        assertThat(backend.seen.getLast().line()).startsWith("HEAD /b");
    }

    @Test
    void longBodiesArriveWhole() throws Exception {
        String body = "0123456789".repeat(90_000);
        answering = (_, _) -> answer("200 OK", "Cache-Control: max-age=60\r\n", body);
        for (int i = 0; i < 3; i++) {
            assertThat(get()).endsWith("\r\n\r\n" + body);
        }
        assertThat(backend.seen).hasSize(1);
        assertThat(get("Range: bytes=50005-50014"))
                .startsWith("HTTP/1.1 206")
                .containsIgnoringCase("content-range: bytes 50005-50014/900000")
                .endsWith("\r\n\r\n5678901234");
        assertThat(get("Range: bytes=-3")).startsWith("HTTP/1.1 206").endsWith("\r\n\r\n789");
        assertThat(get("Range: bytes=900000-"))
                .startsWith("HTTP/1.1 416")
                .containsIgnoringCase("content-range: bytes */900000");
        assertThat(get("Range: bytes=1-2,4-5")).startsWith("HTTP/1.1 200").endsWith(body);
        assertThat(backend.seen).hasSize(1);
    }

    /** A client that does not read holds no more of it than fits. */
    @Test
    void aClientThatReadsSlowlyGetsAll() throws Exception {
        serve(new ContentConfig.Cache(true, 0, 0, 0, 1 << 26, List.of(), List.of(), true, 0, ""));
        String body = "0123456789abcdef".repeat(1 << 20);
        answering = (_, _) -> answer("200 OK", "Cache-Control: max-age=60\r\n", body);
        get();
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("GET /a?b=c HTTP/1.1\r\nHost: example.org\r\n\r\n");
            assertThat(client.head()).anyMatch(each -> each.contains("coppice; hit"));
            assertThat(client.bytes(body.length())).isEqualTo(body);
        }
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("GET /a?b=c HTTP/1.1\r\nHost: example.org\r\n\r\n");
            client.head();
            client.reset();
        }
        assertThat(backend.seen).hasSize(1);
    }

    @Test
    void whatIsTooLongIsServedAndNotKept() throws Exception {
        serve(new ContentConfig.Cache(true, 60, 0, 0, 10, List.of(), List.of(), true, 0, ""));
        answering = (_, _) ->
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n6\r\nworlds\r\n0\r\n\r\n";
        assertThat(get()).contains("worlds");
        answering = (_, _) -> answer("200 OK", "", "hello worlds");
        assertThat(get()).endsWith("hello worlds").contains("detail=length");
        assertThat(proxy.plane.cache.store.size()).isZero();
        answering = (_, _) -> "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        get();
        assertThat(get()).endsWith("\r\n\r\nhello").contains("hit");
    }

    @Test
    void whatBreaksOffIsNotKept() throws Exception {
        answering = (_, conversation) -> {
            conversation.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 100\r\n\r\nhello");
            return null;
        };
        assertThat(get()).endsWith("hello");
        assertThat(proxy.plane.cache.store.size()).isZero();
    }

    // ---- what clients say

    @Test
    void clientsSayWhatTheyTake() throws Exception {
        get();
        assertThat(get("Cache-Control: no-cache")).endsWith("answer 2").contains("fwd=request");
        assertThat(get("Pragma: no-cache")).endsWith("answer 3");
        assertThat(get()).endsWith("answer 3");
        assertThat(get("Cache-Control: min-fresh=100")).endsWith("answer 4");
        assertThat(get("Cache-Control: only-if-cached")).endsWith("answer 4");
        assertThat(proxy.get("/other", "Cache-Control: only-if-cached")).startsWith("HTTP/1.1 504");
        assertThat(proxy.get("/secret", "Cache-Control: no-store")).endsWith("answer 5");
        assertThat(proxy.get("/secret")).endsWith("answer 6");
    }

    @Test
    void whatClientsSayMayNotCount() throws Exception {
        serve(new ContentConfig.Cache(true, 0, 0, 0, 1 << 20, List.of(), List.of(), false, 0, ""));
        get();
        assertThat(get("Cache-Control: no-cache")).endsWith("answer 1");
        assertThat(proxy.get("/secret", "Cache-Control: no-store")).endsWith("answer 2");
        assertThat(proxy.get("/secret")).endsWith("answer 2");
    }

    @Test
    void conditionsOfClientsAreLookedAtHere() throws Exception {
        answering = (_, _) -> counted(
                "Cache-Control: max-age=60\r\nETag: \"v1\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
        // Also where nothing is kept yet: the endpoint is asked without them.
        assertThat(get("If-None-Match: \"v1\""))
                .startsWith("HTTP/1.1 304")
                .endsWith("\r\n\r\n")
                .contains("stored");
        assertThat(backend.seen.getLast().header("if-none-match")).isEmpty();
        assertThat(get("If-None-Match: \"v0\", W/\"v1\""))
                .startsWith("HTTP/1.1 304")
                .containsIgnoringCase("etag: \"v1\"")
                .doesNotContainIgnoringCase("content-length");
        assertThat(get("If-None-Match: \"v2\"")).startsWith("HTTP/1.1 200").endsWith("answer 1");
        assertThat(get("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT")).startsWith("HTTP/1.1 304");
        assertThat(get("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT")).startsWith("HTTP/1.1 200");
        assertThat(get("If-Range: \"v1\"", "Range: bytes=0-1"))
                .startsWith("HTTP/1.1 206")
                .endsWith("an");
        assertThat(get("If-Range: \"v0\"", "Range: bytes=0-1")).startsWith("HTTP/1.1 200");
        assertThat(backend.seen).hasSize(1);
        // The endpoint's to look at.
        assertThat(get("If-Match: \"v1\"")).endsWith("answer 2");
    }

    /** A connection is kept after an answer without a body. */
    @Test
    void anotherRequestFollowsOnTheSameConnection() throws Exception {
        answering = (_, _) -> counted("Cache-Control: max-age=60\r\nETag: \"v1\"\r\n");
        try (ProxyFixture.Client client = proxy.client()) {
            for (int i = 0; i < 3; i++) {
                client.send("GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"v1\"\r\n\r\n");
                assertThat(client.answer()).startsWith("HTTP/1.1 304").endsWith("|");
                client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                assertThat(client.answer()).isEqualTo("HTTP/1.1 200 OK|answer 1");
            }
        }
    }

    @Test
    void aPartOfWhatIsNotKeptIsTheEndpointsToSend() throws Exception {
        answering = (_, _) ->
                answer("206 Partial Content", "Cache-Control: max-age=60\r\nContent-Range: bytes 0-1/9\r\n", "an");
        assertThat(get("Range: bytes=0-1")).startsWith("HTTP/1.1 206").contains("fwd=partial");
        assertThat(backend.seen.getLast().header("range")).hasValue("bytes=0-1");
        assertThat(proxy.plane.cache.store.size()).isZero();
    }

    // ---- asking again

    @Test
    void whatIsStaleIsAskedForAgainAndFreshened() throws Exception {
        answering = (seen, _) -> seen.header("if-none-match").isPresent()
                ? "HTTP/1.1 304 Not Modified\r\nETag: \"v\"\r\nX-New: yes\r\nCache-Control: max-age=60\r\n\r\n"
                : counted("Cache-Control: max-age=60\r\n" + STALE + "X-New: no\r\n");
        get();
        assertThat(get())
                .startsWith("HTTP/1.1 200 OK")
                .endsWith("answer 1")
                .containsIgnoringCase("x-new: yes")
                .doesNotContainIgnoringCase("x-new: no")
                .containsPattern("(?i)cache-status: coppice; fwd=stale; fwd-status=304; stored; ttl=");
        assertThat(backend.seen.getLast().header("if-none-match")).hasValue("\"v\"");
        assertThat(get()).endsWith("answer 1").contains("coppice; hit").containsIgnoringCase("x-new: yes");
        assertThat(backend.seen).hasSize(2);
        assertThat(outcome("revalidated")).isEqualTo(1);
    }

    @Test
    void aNewAnswerReplacesWhatWasThere() throws Exception {
        answering = (_, _) -> counted("Cache-Control: max-age=60\r\n" + STALE);
        get();
        answering = (_, _) -> counted("Cache-Control: max-age=60\r\nETag: \"w\"\r\n");
        assertThat(get()).endsWith("answer 2").contains("fwd=stale; fwd-status=200; stored");
        assertThat(get()).endsWith("answer 2").contains("hit");
        answering = (_, _) -> answer("404 Not Found", "", "gone");
        assertThat(get("Cache-Control: no-cache")).endsWith("gone");
        assertThat(get()).startsWith("HTTP/1.1 404");
    }

    @Test
    void anAnswerAboutAnotherVersionIsAskedForAsAWhole() throws Exception {
        answering = (seen, _) -> seen.header("if-none-match").isPresent()
                ? "HTTP/1.1 304 Not Modified\r\nETag: \"other\"\r\n\r\n"
                : counted("Cache-Control: max-age=60\r\n" + STALE);
        get();
        assertThat(get()).startsWith("HTTP/1.1 200").endsWith("answer 2");
        assertThat(backend.seen).hasSize(3);
    }

    @Test
    void aClientsConditionIsLookedAtOnceItIsConfirmed() throws Exception {
        answering = (seen, _) -> seen.header("if-none-match").isPresent()
                ? "HTTP/1.1 304 Not Modified\r\n\r\n"
                : counted("Cache-Control: no-cache\r\nETag: \"v\"\r\n");
        get();
        assertThat(get("If-None-Match: \"v\"")).startsWith("HTTP/1.1 304");
        assertThat(get("If-None-Match: \"w\"")).startsWith("HTTP/1.1 200").endsWith("answer 1");
        assertThat(backend.seen.getLast().header("if-none-match")).hasValue("\"v\"");
    }

    @Test
    void aStaleAnswerIsServedWhileItIsFetchedAnew() throws Exception {
        answering = (seen, _) -> counted("Cache-Control: max-age=60, stale-while-revalidate=1000\r\n" + STALE);
        get();
        CountDownLatch go = new CountDownLatch(1);
        answering = (seen, _) -> {
            await(go);
            return counted("Cache-Control: max-age=60\r\nETag: \"w\"\r\n");
        };
        assertThat(get()).endsWith("answer 1").containsPattern("hit; ttl=-\\d");
        assertThat(get("Range: bytes=0-1")).startsWith("HTTP/1.1 206").endsWith("an");
        go.countDown();
        ProxyFixture.await(() -> count.get() == 2 && proxy.plane.cache.flights.size() == 0);
        assertThat(get()).endsWith("answer 2").contains("hit; ttl=");
        assertThat(backend.seen).hasSize(2);
        assertThat(backend.seen.getLast().header("if-none-match")).hasValue("\"v\"");
        assertThat(backend.seen.getLast().header("range")).isEmpty();
        assertThat(outcome("stale")).isEqualTo(2);
    }

    @Test
    void aRefreshMayFail() throws Exception {
        answering = (seen, _) -> counted("Cache-Control: max-age=60, stale-while-revalidate=1000\r\n" + STALE);
        get();
        for (String answer : new String[] {answer("503 Service Unavailable", "", "no"), ""}) {
            answering = (seen, _) -> answer.isEmpty() ? null : answer;
            assertThat(get()).endsWith("answer 1");
            ProxyFixture.await(() -> proxy.plane.cache.flights.size() == 0);
        }
        // The client that began it goes at once.
        answering = (seen, _) -> counted("Cache-Control: max-age=60\r\n");
        assertThat(get()).endsWith("answer 1");
        ProxyFixture.await(() -> count.get() == 2 && proxy.plane.cache.flights.size() == 0);
        assertThat(get()).endsWith("answer 2");
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    @Test
    void aStaleAnswerStandsInForAnError() throws Exception {
        answering = (_, _) -> counted("Cache-Control: max-age=60, stale-if-error=1000\r\n" + STALE);
        get();
        answering = (_, _) -> answer("503 Service Unavailable", "", "broken");
        assertThat(get())
                .startsWith("HTTP/1.1 200")
                .endsWith("answer 1")
                .contains("fwd=stale; fwd-status=503; detail=stale-if-error");
        answering = (_, _) -> null;
        assertThat(get()).startsWith("HTTP/1.1 200").endsWith("answer 1").contains("detail=stale-if-error");
        backend.close();
        assertThat(get()).endsWith("answer 1");
        assertThat(proxy.get("/b")).startsWith("HTTP/1.1 503");
    }

    @Test
    void anErrorIsTheAnswerWhereNothingMayStandIn() throws Exception {
        answering = (_, _) -> counted("Cache-Control: max-age=60, stale-if-error=1000, must-revalidate\r\n" + STALE);
        get();
        answering = (_, _) -> answer("503 Service Unavailable", "", "broken");
        assertThat(get()).startsWith("HTTP/1.1 503").endsWith("broken");
        // What is kept stays.
        answering = (_, _) -> "HTTP/1.1 304 Not Modified\r\n\r\n";
        assertThat(get()).endsWith("answer 1");
    }

    @Test
    void anEndpointThatIsLateIsStoodInFor() throws Exception {
        RuleConfig rule = new RuleConfig(
                "",
                List.of(MatchConfig.ANY),
                List.of(),
                List.of(new BackendConfig("u", 1, List.of())),
                0,
                200,
                null,
                null);
        serve(
                new ContentConfig.Cache(true, 0, 0, 10_000, 1 << 20, List.of(), List.of(), true, 20_000, ""),
                null,
                List.of(),
                List.of(rule),
                ProxyFixture.upstream("u", backend.port()));
        answering = (_, _) -> counted("Cache-Control: max-age=60\r\n" + STALE);
        get();
        CountDownLatch never = new CountDownLatch(1);
        answering = (_, _) -> {
            await(never);
            return null;
        };
        assertThat(get()).startsWith("HTTP/1.1 200").endsWith("answer 1");
        never.countDown();
    }

    private static ContentConfig.Cache staleIfError(long seconds) {
        return new ContentConfig.Cache(true, 0, 0, seconds, 1 << 26, List.of(), List.of(), true, 20_000, "");
    }

    private static RuleConfig ruleWithTimeout(List<MatchConfig> matches, long millis, RetryConfig retry) {
        return new RuleConfig(
                "", matches, List.of(), List.of(new BackendConfig("u", 1, List.of())), millis, 0, retry, null);
    }

    /** One answer to each request, also where the error that it stands in for breaks off. */
    @Test
    void whatStandsInIsTheOnlyAnswer() throws Exception {
        answering = (_, _) -> counted("Cache-Control: max-age=60, stale-if-error=1000\r\n" + STALE);
        get();
        answering = (seen, conversation) -> {
            if (seen.line().contains("/other")) {
                return answer("200 OK", "", "other");
            }
            conversation.send("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 100\r\n\r\n0123456789");
            return null;
        };
        try (ProxyFixture.Client client = proxy.client()) {
            for (int i = 0; i < 5; i++) {
                client.send("GET /a?b=c HTTP/1.1\r\nHost: example.org\r\n\r\n");
                assertThat(client.answer()).isEqualTo("HTTP/1.1 200 OK|answer 1");
                client.send("GET /other HTTP/1.1\r\nHost: example.org\r\n\r\n");
                assertThat(client.answer()).isEqualTo("HTTP/1.1 200 OK|other");
            }
        }
    }

    /** Nobody wants the end of it, so that nobody waits for it. */
    @Test
    void anErrorWithoutEndIsStoodInForAtOnce() throws Exception {
        answering = (_, _) -> counted("Cache-Control: max-age=60, stale-if-error=1000\r\n" + STALE);
        get();
        CountDownLatch go = new CountDownLatch(1);
        answering = (_, conversation) -> {
            conversation.send("HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
            await(go);
            return null;
        };
        assertThat(get()).startsWith("HTTP/1.1 200").endsWith("answer 1").contains("detail=stale-if-error");
        go.countDown();
    }

    /** A client that is slow to take it is not cut off, and has nothing of the bounds of the upstream. */
    @Test
    void whatStandsInAfterTheRequestsTimeArrivesWhole() throws Exception {
        serve(staleIfError(1_000));
        String body = "0123456789abcdef".repeat(1 << 20);
        answering = (_, _) -> answer("200 OK", "Cache-Control: max-age=60\r\n" + STALE, body);
        get();
        serve(
                staleIfError(1_000),
                null,
                List.of(),
                List.of(ruleWithTimeout(List.of(MatchConfig.ANY), 200, new RetryConfig(List.of(), 3, 150))),
                ProxyFixture.upstream("u", backend.port()));
        CountDownLatch never = new CountDownLatch(1);
        answering = (seen, _) -> {
            count.incrementAndGet();
            if (seen.line().contains("/hangs")) {
                await(never);
            }
            return null;
        };
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("GET /a?b=c HTTP/1.1\r\nHost: example.org\r\n\r\n");
            assertThat(client.head()).contains("HTTP/1.1 200 OK").anyMatch(each -> each.contains("stale-if-error"));
            ProxyFixture.await(() -> proxy.plane.upstreams().stream().allMatch(UpstreamReading::idle));
            int tries = count.get();
            // Later than the next look at deadlines, and than the retry that was about to begin.
            for (int i = 0; i < 4; i++) {
                assertThat(proxy.get("/hangs")).startsWith("HTTP/1.1 504");
            }
            assertThat(count.get()).isEqualTo(tries + 4);
            assertThat(client.bytes(body.length())).isEqualTo(body);
        } finally {
            never.countDown();
        }
    }

    @Test
    void aConfirmedAnswerHoldsNothingOfTheUpstream() throws Exception {
        serve(staleIfError(0));
        String body = "0123456789abcdef".repeat(1 << 20);
        answering = (_, _) -> answer("200 OK", "Cache-Control: no-cache\r\nETag: \"v\"\r\n", body);
        get();
        answering = (_, _) -> "HTTP/1.1 304 Not Modified\r\n\r\n";
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("GET /a?b=c HTTP/1.1\r\nHost: example.org\r\n\r\n");
            assertThat(client.head()).contains("HTTP/1.1 200 OK").anyMatch(each -> each.contains("fwd-status=304"));
            ProxyFixture.await(() -> proxy.plane.upstreams().stream().allMatch(UpstreamReading::idle));
            assertThat(client.bytes(body.length())).isEqualTo(body);
        }
    }

    /** Whose time is up while it waits takes what stands in; those who can wait longer go on waiting. */
    @Test
    void whoGivesUpWaitingLeavesTheOthersAlone() throws Exception {
        MatchConfig patient = new MatchConfig(
                MatchConfig.PathMatch.ANY,
                "",
                List.of(new MatchConfig.ValueMatch(MatchConfig.ValueMatch.Type.EXACT, "x-patient", "yes")),
                List.of());
        serve(
                staleIfError(1_000),
                null,
                List.of(),
                List.of(
                        ruleWithTimeout(List.of(patient), 0, null),
                        ruleWithTimeout(List.of(MatchConfig.ANY), 200, null)),
                ProxyFixture.upstream("u", backend.port()));
        // Fresh when it comes, and stale for who wants it fresher.
        answering = (_, _) -> counted("Cache-Control: max-age=100\r\nAge: 99\r\nETag: \"v\"\r\n");
        get();
        ProxyFixture.await(() -> staleNow());
        CountDownLatch go = new CountDownLatch(1);
        answering = (_, _) -> {
            await(go);
            return counted("Cache-Control: max-age=100\r\n");
        };
        try (ProxyFixture.Client first = proxy.client();
                ProxyFixture.Client second = proxy.client()) {
            first.send("GET /a?b=c HTTP/1.1\r\nHost: example.org\r\nX-Patient: yes\r\n\r\n");
            ProxyFixture.await(() -> backend.seen.size() == 2);
            assertThat(get()).endsWith("answer 1").contains("detail=stale-if-error");
            assertThat(proxy.plane.cache.flights.size()).isEqualTo(1);
            second.send("GET /a?b=c HTTP/1.1\r\nHost: example.org\r\nX-Patient: yes\r\n\r\n");
            ProxyFixture.await(() -> proxy.plane.open().exchanges() == 2);
            go.countDown();
            assertThat(first.answer()).isEqualTo("HTTP/1.1 200 OK|answer 2");
            assertThat(second.answer()).isEqualTo("HTTP/1.1 200 OK|answer 2");
            assertThat(backend.seen).hasSize(2);
        } finally {
            go.countDown();
        }
    }

    private boolean staleNow() {
        try {
            return !get("Cache-Control: only-if-cached").startsWith("HTTP/1.1 200");
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Who looks past the cache is shown what is there. */
    @Test
    void whatIsKeptHidesNoErrorWhereNobodyAllowsIt() throws Exception {
        get();
        answering = (_, _) -> answer("500 Internal Server Error", "", "broken");
        assertThat(get("Cache-Control: no-cache")).startsWith("HTTP/1.1 500").endsWith("broken");
        assertThat(get()).endsWith("answer 1");
    }

    // ---- bodies that nobody gets

    @Test
    void aClientThatHasItDoesNotWaitForItsEnd() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        answering = (seen, conversation) -> {
            if (seen.line().contains("/other")) {
                return answer("200 OK", "", "other");
            }
            conversation.send("HTTP/1.1 200 OK\r\nETag: \"v\"\r\nContent-Length: 5000000\r\n\r\n0123456789");
            await(go);
            return null;
        };
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("GET /film HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"v\"\r\n\r\n");
            assertThat(client.answer()).isEqualTo("HTTP/1.1 304 Not Modified|");
            client.send("GET /other HTTP/1.1\r\nHost: a\r\n\r\n");
            assertThat(client.answer()).isEqualTo("HTTP/1.1 200 OK|other");
            go.countDown();
        }
    }

    /** It is kept if it comes; otherwise the client has all that it wanted. */
    @Test
    void aClientThatHasItDoesNotMindThatItBreaksOff() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        answering = (seen, conversation) -> {
            if (seen.line().contains("/other")) {
                return answer("200 OK", "", "other");
            }
            conversation.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nETag: \"v\"\r\n"
                    + "Content-Length: 100\r\n\r\n0123456789");
            await(go);
            return null;
        };
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("GET /a HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"v\"\r\n\r\n");
            assertThat(client.answer()).isEqualTo("HTTP/1.1 304 Not Modified|");
            go.countDown();
            client.send("GET /other HTTP/1.1\r\nHost: a\r\n\r\n");
            assertThat(client.answer()).isEqualTo("HTTP/1.1 200 OK|other");
        }
        assertThat(proxy.plane.cache.metrics.kept.get()).isZero();
    }

    @Test
    void aRefreshThatBringsNothingToKeepIsOver() throws Exception {
        answering = (_, _) -> counted("Cache-Control: max-age=60, stale-while-revalidate=1000\r\n" + STALE);
        get();
        CountDownLatch go = new CountDownLatch(1);
        answering = (_, conversation) -> {
            conversation.send("HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n");
            conversation.send("3\r\nabc\r\n");
            await(go);
            return null;
        };
        assertThat(get()).endsWith("answer 1");
        ProxyFixture.await(() -> backend.seen.size() == 2 && proxy.plane.open().exchanges() == 0);
        go.countDown();
    }

    // ---- many at once

    @Test
    void manyRequestsAreOneForTheEndpoint() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        answering = (_, _) -> {
            await(go);
            return counted("Cache-Control: max-age=60\r\n");
        };
        List<ProxyFixture.Client> clients = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            ProxyFixture.Client client = proxy.client();
            clients.add(client);
            client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        ProxyFixture.await(() -> proxy.plane.open().exchanges() == 20);
        go.countDown();
        for (ProxyFixture.Client client : clients) {
            assertThat(client.answer()).isEqualTo("HTTP/1.1 200 OK|answer 1");
            client.close();
        }
        assertThat(backend.seen).hasSize(1);
        ProxyFixture.await(() -> outcome("collapsed") == 19);
    }

    /** Neither by those of which each would have to be asked for anyway. */
    @ParameterizedTest
    @ValueSource(strings = {"Cache-Control: no-store", "Cache-Control: no-cache\r\nETag: \"v\"", "ETag: \"v\""})
    void whoWaitsIsNotHeldUpByAnswersThatAreNotKept(String control) throws Exception {
        CountDownLatch head = new CountDownLatch(1);
        CountDownLatch rest = new CountDownLatch(1);
        answering = (seen, conversation) -> {
            if (count.getAndIncrement() > 0) {
                return answer("200 OK", control + "\r\n", "own");
            }
            await(head);
            conversation.send("HTTP/1.1 200 OK\r\n" + control + "\r\nContent-Length: 5\r\n\r\n");
            await(rest);
            return "first";
        };
        try (ProxyFixture.Client first = proxy.client();
                ProxyFixture.Client second = proxy.client()) {
            first.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
            ProxyFixture.await(() -> count.get() == 1);
            second.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
            ProxyFixture.await(() -> proxy.plane.open().exchanges() == 2);
            head.countDown();
            assertThat(second.answer()).isEqualTo("HTTP/1.1 200 OK|own");
            rest.countDown();
            assertThat(first.answer()).isEqualTo("HTTP/1.1 200 OK|first");
        }
    }

    @Test
    void anotherOneFetchesItWhenTheFirstClientGoes() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        answering = (_, _) -> {
            if (count.incrementAndGet() == 1) {
                await(go);
                return null;
            }
            return answer("200 OK", "Cache-Control: max-age=60\r\n", "second");
        };
        try (ProxyFixture.Client first = proxy.client();
                ProxyFixture.Client second = proxy.client()) {
            first.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
            ProxyFixture.await(() -> count.get() == 1);
            second.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
            ProxyFixture.await(() -> proxy.plane.open().exchanges() == 2);
            first.reset();
            assertThat(second.answer()).isEqualTo("HTTP/1.1 200 OK|second");
        } finally {
            go.countDown();
        }
    }

    @Test
    void whoHasWaitedLongEnoughGoesByItself() throws Exception {
        serve(new ContentConfig.Cache(true, 0, 0, 0, 1 << 20, List.of(), List.of(), true, 100, ""));
        CountDownLatch go = new CountDownLatch(1);
        answering = (_, _) -> {
            int number = count.incrementAndGet();
            if (number == 1) {
                await(go);
            }
            return answer("200 OK", "Cache-Control: max-age=60\r\n", "answer " + number);
        };
        try (ProxyFixture.Client first = proxy.client();
                ProxyFixture.Client second = proxy.client()) {
            first.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
            ProxyFixture.await(() -> count.get() == 1);
            second.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
            assertThat(second.answer()).isEqualTo("HTTP/1.1 200 OK|answer 2");
            // Nor does anybody else wait for that now.
            second.send("GET /a HTTP/1.1\r\nHost: a\r\nCache-Control: no-cache\r\n\r\n");
            assertThat(second.answer()).isEqualTo("HTTP/1.1 200 OK|answer 3");
            go.countDown();
            assertThat(first.answer()).isEqualTo("HTTP/1.1 200 OK|answer 1");
        }
    }

    /** Events arrive when they are sent, and nobody waits for the end of others'. */
    @Test
    void aStreamOfEventsPasses() throws Exception {
        serve(new ContentConfig.Cache(true, 60, 0, 0, 1 << 20, List.of(), List.of(), true, 20_000, ""));
        CountDownLatch go = new CountDownLatch(1);
        answering = (_, conversation) -> {
            conversation.send(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n");
            await(go);
            return "0\r\n\r\n";
        };
        try (ProxyFixture.Client first = proxy.client();
                ProxyFixture.Client second = proxy.client()) {
            for (ProxyFixture.Client each : List.of(first, second)) {
                each.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
                assertThat(each.head()).anyMatch(line -> line.endsWith("detail=stream"));
                assertThat(each.line()).isEqualTo("9");
                assertThat(each.line()).isEqualTo("data: 1");
            }
            go.countDown();
        }
    }

    // ---- who may see what

    @Test
    void answersToCredentialsAreForThemAlone() throws Exception {
        assertThat(get("Authorization: Basic YQ==")).endsWith("answer 1").contains("detail=authorization");
        assertThat(get("Authorization: Basic YQ==")).endsWith("answer 2");
        assertThat(get()).endsWith("answer 3");
        // What nobody in particular got is not for somebody.
        assertThat(get("Authorization: Basic YQ==")).endsWith("answer 4");
        answering = (_, _) -> counted("Cache-Control: s-maxage=60\r\n");
        assertThat(proxy.get("/p", "Authorization: Basic YQ==")).endsWith("answer 5");
        assertThat(proxy.get("/p", "Authorization: Basic Yg==")).endsWith("answer 5");
        assertThat(proxy.get("/p")).endsWith("answer 5");
    }

    /** An answer that says nothing, to who may be somebody, is for nobody else: fresh, stale or confirmed. */
    @ParameterizedTest
    @ValueSource(strings = {"ETag: \"v\"\r\n", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"})
    void aPageOfSomebodysIsForNobodyElse(String headers) throws Exception {
        serve(new ContentConfig.Cache(true, 60, 60, 3_600, 1 << 20, List.of(), List.of(), true, 20_000, ""));
        answering = (_, _) -> counted(headers);
        assertThat(get("Cookie: user=a")).endsWith("answer 1").contains("detail=no-freshness");
        assertThat(proxy.plane.cache.store.bytes()).isZero();
        assertThat(get("Cookie: user=b")).endsWith("answer 2");
        answering = (_, _) -> answer("503 Service Unavailable", "", "broken");
        assertThat(get("Cookie: user=b")).endsWith("broken");
        assertThat(get("Cache-Control: max-stale")).endsWith("broken");
        assertThat(backend.seen)
                .allMatch(each -> each.header("if-none-match").isEmpty()
                        && each.header("if-modified-since").isEmpty());
    }

    /** Requests are let in before the cache is looked at, and whoever was asked who they are may be somebody. */
    @Test
    void aPolicyComesBeforeTheCache() throws Exception {
        SecurityConfig policy = new SecurityConfig(
                "default/keys",
                List.of(new TrafficTarget("Gateway", "default/gateway", "")),
                null,
                "shop",
                List.of(new SecurityConfig.Method.ApiKey(
                        "keys",
                        List.of(new SecurityConfig.Source(SecurityConfig.Source.Type.HEADER, "x-key", "")),
                        "salt",
                        List.of(new SecurityConfig.Client("alice", KeyMethod.hash("salt", "s3cret"))),
                        "x-client",
                        false)),
                false,
                null);
        serve(
                settings(),
                null,
                List.of(policy),
                List.of(ProxyFixture.rule("u")),
                ProxyFixture.upstream("u", backend.port()));
        answering = (_, _) -> counted("Cache-Control: max-age=60\r\n");
        assertThat(get()).startsWith("HTTP/1.1 401");
        assertThat(get("X-Key: s3cret")).endsWith("answer 1");
        assertThat(get("X-Key: s3cret")).endsWith("answer 2");
        answering = (_, _) -> counted("Cache-Control: public, max-age=60\r\n");
        assertThat(get("X-Key: s3cret")).endsWith("answer 3");
        assertThat(get("X-Key: s3cret")).endsWith("answer 3");
        assertThat(get()).startsWith("HTTP/1.1 401");
    }

    // ---- answers to other requests

    /** One in two languages, of which French people get the English one. */
    private String translated(Backend.Seen seen, String known) {
        String language = seen.header("accept-language").orElse("");
        String tag = language.equals("de") ? "\"de\"" : "\"en\"";
        String headers = "Cache-Control: max-age=60\r\nVary: Accept-Language\r\nETag: " + tag + "\r\n";
        return known.contains(tag)
                ? "HTTP/1.1 304 Not Modified\r\n" + headers + "\r\n"
                : answer("200 OK", headers, tag.equals("\"de\"") ? "deutsch" : "english");
    }

    @Test
    void theEndpointIsAskedAboutAllThatItMayAnswer() throws Exception {
        answering = (seen, _) -> translated(seen, seen.header("if-none-match").orElse(""));
        assertThat(get("Accept-Language: en")).endsWith("english");
        assertThat(get("Accept-Language: de")).endsWith("deutsch");
        assertThat(backend.seen.getLast().header("if-none-match")).hasValue("\"en\"");
        assertThat(get("Accept-Language: fr"))
                .startsWith("HTTP/1.1 200")
                .endsWith("english")
                // A second may have passed.
                .containsPattern("fwd=vary-miss; fwd-status=304; stored; ttl=(60|59)");
        assertThat(backend.seen.getLast().header("if-none-match")).hasValue("\"de\", \"en\"");
        assertThat(backend.seen.getLast().header("if-modified-since")).isEmpty();
        for (String each : List.of("fr", "en")) {
            assertThat(get("Accept-Language: " + each)).endsWith("english").contains("coppice; hit");
        }
        assertThat(get("Accept-Language: de")).endsWith("deutsch").contains("coppice; hit");
        // What the client has is another matter.
        assertThat(get("Accept-Language: it", "If-None-Match: \"en\"")).startsWith("HTTP/1.1 304");
        assertThat(get("Accept-Language: at", "If-None-Match: \"x\""))
                .startsWith("HTTP/1.1 200")
                .endsWith("english");
        assertThat(backend.seen).hasSize(5);
    }

    @Test
    void aStaleOneIsAskedAboutTogetherWithOthers() throws Exception {
        AtomicInteger age = new AtomicInteger(100);
        answering = (seen, _) -> {
            String told = translated(seen, seen.header("if-none-match").orElse(""));
            return told.replaceFirst("\r\n", "\r\nAge: " + age.get() + "\r\n");
        };
        assertThat(get("Accept-Language: de")).endsWith("deutsch");
        assertThat(get("Accept-Language: en")).endsWith("english");
        assertThat(get("Accept-Language: de")).endsWith("deutsch").contains("fwd=stale; fwd-status=304");
        assertThat(backend.seen.getLast().header("if-none-match")).hasValue("\"de\", \"en\"");
        // The endpoint says that it is the other one now.
        answering = (seen, _) ->
                "HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\nVary: Accept-Language\r\nETag: \"en\"\r\n\r\n";
        assertThat(get("Accept-Language: de")).startsWith("HTTP/1.1 200").endsWith("english");
        assertThat(get("Accept-Language: de")).endsWith("english").contains("coppice; hit");
        // It was confirmed for those as well for whom it was before.
        assertThat(get("Accept-Language: en")).endsWith("english").contains("coppice; hit");
    }

    @Test
    void whatA304DoesNotNameIsFetched() throws Exception {
        answering = (seen, _) -> translated(seen, "");
        get("Accept-Language: en");
        for (String bad : List.of("ETag: \"other\"\r\n", "", "ETag: W/\"en\"\r\n")) {
            answering = (seen, _) -> seen.header("if-none-match").isPresent()
                    ? "HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\nVary: Accept-Language\r\n" + bad
                            + "\r\n"
                    : answer("200 OK", "Cache-Control: no-store\r\n", "fetched");
            assertThat(get("Accept-Language: fr"))
                    .as(bad)
                    .startsWith("HTTP/1.1 200")
                    .endsWith("fetched");
        }
        assertThat(get("Accept-Language: en")).endsWith("english").contains("coppice; hit");
    }

    @Test
    void nobodyGetsWhatTheyCannotRead() throws Exception {
        Backend.Answering packing = (_, _) -> answer(
                "200 OK",
                "Cache-Control: max-age=60\r\nVary: Accept-Encoding\r\nContent-Encoding: gzip\r\nETag: \"v\"\r\n",
                "packed");
        answering = packing;
        for (String each : List.of("br", "gzip;q=0", "identity")) {
            String path = "/" + each.length();
            assertThat(proxy.get(path, "Accept-Encoding: gzip;q=1")).endsWith("packed");
            answering = (_, _) -> answer("200 OK", "Cache-Control: no-store\r\n", "plain");
            assertThat(proxy.get(path, "Accept-Encoding: " + each)).endsWith("plain");
            assertThat(backend.seen.getLast().header("if-none-match")).as(each).isEmpty();
            assertThat(proxy.get(path)).endsWith("plain");
            assertThat(backend.seen.getLast().header("if-none-match")).isEmpty();
            assertThat(proxy.get(path, "Accept-Encoding: br, gzip")).endsWith("plain");
            assertThat(backend.seen.getLast().header("if-none-match")).hasValue("\"v\"");
            answering = packing;
        }
    }

    @Test
    void byWeakTagsAnswersToOthersAreNotAskedAbout() throws Exception {
        answering = (_, _) -> counted("Cache-Control: max-age=60\r\nVary: Accept-Language\r\nETag: W/\"v\"\r\n");
        get("Accept-Language: en");
        assertThat(get("Accept-Language: fr")).endsWith("answer 2");
        assertThat(backend.seen.getLast().header("if-none-match")).isEmpty();
    }

    /** Paths that filters make of one path, and subsets, have tags of their own. */
    @Test
    void anotherResourceIsNotAskedAbout() throws Exception {
        FilterConfig moved = new FilterConfig.Rewrite(
                null, new FilterConfig.PathChange(FilterConfig.PathChange.Type.PREFIX, "/moved"));
        UpstreamConfig.Endpoint endpoint = new UpstreamConfig.Endpoint("127.0.0.1", backend.port());
        BalanceConfig balance =
                BalanceConfig.DEFAULT.withSubset(new Subset("version", "x-version", null, Subset.Fallback.ANY, ""));
        UpstreamConfig upstream = ProxyFixture.upstream("u", backend.port());
        serve(
                settings(),
                null,
                List.of(),
                List.of(new RuleConfig(
                        List.of(MatchConfig.ANY), List.of(moved), List.of(new BackendConfig("u", 1, List.of())))),
                new UpstreamConfig(
                        upstream.name(),
                        upstream.protocol(),
                        List.of(endpoint),
                        null,
                        TrafficConfig.NONE.withBalance(balance)));
        answering = (_, _) -> counted("Cache-Control: max-age=60\r\nVary: Accept-Language\r\nETag: \"1\"\r\n");
        get("Accept-Language: en", "X-Version: a");
        get("Accept-Language: fr", "X-Version: b");
        assertThat(backend.seen.getLast().header("if-none-match")).isEmpty();
        get("Accept-Language: de", "X-Version: a");
        assertThat(backend.seen.getLast().header("if-none-match")).hasValue("\"1\"");
    }

    // ---- changes

    @Test
    void placesAreReadAsTheyAreWritten() {
        String origin = "http://shop.example";
        assertThat(CacheInvalidation.named(origin, "/a/b?c", "/new")).isEqualTo("/new");
        assertThat(CacheInvalidation.named(origin, "/a/b?c", "new?d=e#f")).isEqualTo("/a/new?d=e");
        assertThat(CacheInvalidation.named(origin, "/a/b?c", "?x")).isEqualTo("/a/b?x");
        assertThat(CacheInvalidation.named(origin, "/a/b?c", "#x")).isEqualTo("/a/b?c");
        assertThat(CacheInvalidation.named(origin, "/a/b", "../%7eu/./x")).isEqualTo("/~u/x");
        assertThat(CacheInvalidation.named(origin, "/a|b/^", "/new")).isEqualTo("/new");
        assertThat(CacheInvalidation.named(origin, "/a", "HTTP://Shop.Example:80/x"))
                .isEqualTo("/x");
        assertThat(CacheInvalidation.named(origin, "/a", "http://shop.example")).isEqualTo("/");
        assertThat(CacheInvalidation.named(origin, "/a", "http://shop.example?x"))
                .isEqualTo("/?x");
        assertThat(CacheInvalidation.named(origin, "/a", "//shop.example/x")).isEqualTo("/x");
        assertThat(CacheInvalidation.named("https://h:8443", "/a", "https://h:8443/x"))
                .isEqualTo("/x");
        for (String other : List.of(
                "https://shop.example/x",
                "http://shop.example:8080/x",
                "//other/x",
                "mailto:a@b",
                "http:/x",
                "http://u@shop.example/x",
                "/a b",
                "/%zz")) {
            assertThat(CacheInvalidation.named(origin, "/a", other)).as(other).isNull();
        }
    }

    @Test
    void whatChangesSomethingMakesTheAnswersUseless() throws Exception {
        get();
        assertThat(proxy.get("/new")).endsWith("answer 2");
        answering = (seen, _) -> seen.line().startsWith("GET")
                ? counted("Cache-Control: max-age=60\r\n")
                : answer("201 Created", "Location: /new\r\n", "");
        assertThat(proxy.exchange(
                        "POST /a?b=c HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
                .startsWith("HTTP/1.1 201");
        assertThat(get()).endsWith("answer 3");
        assertThat(proxy.get("/new")).endsWith("answer 4");
        // One that fails has changed nothing.
        answering = (_, _) -> answer("409 Conflict", "", "");
        proxy.exchange("DELETE /a?b=c HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n");
        assertThat(get()).endsWith("answer 3");
        assertThat(proxy.plane.cache.metrics.invalidated.get()).isEqualTo(2);
    }

    private static MatchConfig method(String name) {
        return new MatchConfig(MatchConfig.PathMatch.ANY, name, List.of(), List.of());
    }

    /** By whatever rule of its route it comes, and whatever filters make of the path. */
    @Test
    void aChangeByAnotherRuleCounts() throws Exception {
        FilterConfig moved = new FilterConfig.Rewrite(
                null, new FilterConfig.PathChange(FilterConfig.PathChange.Type.PREFIX, "/moved"));
        RuleConfig writes =
                new RuleConfig(List.of(method("POST")), List.of(), List.of(new BackendConfig("u", 1, List.of())));
        RuleConfig reads =
                new RuleConfig(List.of(method("GET")), List.of(moved), List.of(new BackendConfig("u", 1, List.of())));
        RouteConfig route = new RouteConfig(
                "HTTPRoute", "default", "route", 0, List.of(), List.of(named("reads", reads), named("writes", writes)));
        ContentConfig content = new ContentConfig(
                List.of(new TrafficTarget("HTTPRoute", "default/route", "reads")),
                null,
                ContentConfig.UNBOUNDED,
                settings());
        ListenerConfig listener = new ListenerConfig(
                "default/gateway",
                "http",
                "127.0.0.1",
                proxy.port,
                ListenerConfig.Protocol.HTTP,
                "",
                null,
                List.of(route));
        assertThat(proxy.plane.apply(new GatewayConfig.Builder(
                                List.of(listener), List.of(ProxyFixture.upstream("u", backend.port())))
                        .contents(List.of(content))
                        .build()))
                .isEmpty();
        answering = (seen, _) -> seen.line().startsWith("GET")
                ? counted("Cache-Control: max-age=60\r\n")
                : answer("201 Created", "Location: /new\r\n", "");
        assertThat(proxy.get("/a")).endsWith("answer 1");
        assertThat(backend.seen.getLast().line()).startsWith("GET /moved/a ");
        assertThat(proxy.get("/new")).endsWith("answer 2");
        assertThat(proxy.get("/a")).endsWith("answer 1");
        assertThat(proxy.exchange(
                        "POST /a HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
                .startsWith("HTTP/1.1 201")
                .doesNotContainIgnoringCase("cache-status");
        assertThat(proxy.get("/a")).endsWith("answer 3");
        assertThat(proxy.get("/new")).endsWith("answer 4");
    }

    private static RuleConfig named(String name, RuleConfig rule) {
        return new RuleConfig(name, rule.matches(), rule.filters(), rule.backends(), 0, 0, null, null);
    }

    @Test
    void anAnswerThatWasOnItsWayThenIsNotKept() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        answering = (seen, _) -> {
            if (seen.line().startsWith("PUT")) {
                return answer("200 OK", "", "");
            }
            int number = count.incrementAndGet();
            await(go);
            return answer("200 OK", "Cache-Control: max-age=60\r\n", "answer " + number);
        };
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("GET /a HTTP/1.1\r\nHost: example.org\r\n\r\n");
            ProxyFixture.await(() -> count.get() == 1);
            proxy.exchange("PUT /a HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
            go.countDown();
            assertThat(client.answer()).isEqualTo("HTTP/1.1 200 OK|answer 1");
        }
        assertThat(proxy.get("/a")).endsWith("answer 2");
    }

    @Test
    void anotherVersionEmptiesItAndOtherChangesDoNot() throws Exception {
        get();
        serve(settings());
        assertThat(get()).endsWith("answer 1");
        assertThat(proxy.plane.cache.store.bytes()).isPositive();
        serve(new ContentConfig.Cache(true, 0, 0, 0, 1 << 20, List.of(), List.of(), true, 20_000, "2"));
        assertThat(proxy.plane.cache.store.bytes()).isZero();
        assertThat(get()).endsWith("answer 2");
    }

    /** What goes on being served since what was to come cannot be served goes on being kept. */
    @Test
    void aListenerThatCannotBeServedKeepsItsAnswers() throws Exception {
        get();
        RouteConfig route =
                new RouteConfig("HTTPRoute", "default", "route", 0, List.of(), List.of(ProxyFixture.rule("u")));
        ListenerConfig broken = new ListenerConfig(
                "default/gateway",
                "https",
                "127.0.0.1",
                proxy.port,
                ListenerConfig.Protocol.HTTP,
                "",
                new TlsConfig(List.of(new TlsConfig.Certificate("none", "none")), null),
                List.of(route));
        assertThat(proxy.plane.apply(
                        new GatewayConfig.Builder(List.of(broken), List.of(ProxyFixture.upstream("u", backend.port())))
                                .build()))
                .hasSize(1);
        assertThat(get()).endsWith("answer 1").contains("coppice; hit");
    }

    @Test
    void eachBackendHasItsOwn() throws Exception {
        try (Backend other = new Backend((_, _) -> answer("200 OK", "Cache-Control: max-age=60\r\n", "other"))) {
            UpstreamConfig[] both = {
                ProxyFixture.upstream("u", backend.port()), ProxyFixture.upstream("v", other.port())
            };
            serve(settings(), null, List.of(), List.of(ProxyFixture.rule("u")), both);
            assertThat(get()).endsWith("answer 1");
            serve(settings(), null, List.of(), List.of(ProxyFixture.rule("v")), both);
            assertThat(get()).endsWith("other");
        }
    }

    @Test
    void filtersAreForWhatComesOutOfTheCacheToo() throws Exception {
        FilterConfig filter = new FilterConfig.ResponseHeaders(new FilterConfig.HeaderChanges(
                List.of(new FilterConfig.Header("x-added", "1")), List.of(), List.of("cache-status")));
        serve(
                settings(),
                null,
                List.of(),
                List.of(ProxyFixture.rule("u", filter)),
                ProxyFixture.upstream("u", backend.port()));
        for (int i = 0; i < 2; i++) {
            assertThat(get())
                    .endsWith("answer 1")
                    .containsOnlyOnce("x-added: 1")
                    .doesNotContainIgnoringCase("cache-status");
        }
    }

    @Test
    void whatIsKeptIsCompressedOnItsWayOut() throws Exception {
        serve(
                settings(),
                new ContentConfig.Compression(List.of(ContentConfig.Encoding.GZIP), List.of("text/*"), 0),
                List.of(),
                List.of(ProxyFixture.rule("u")),
                ProxyFixture.upstream("u", backend.port()));
        answering = (_, _) -> counted("Cache-Control: max-age=60\r\nContent-Type: text/plain\r\nETag: \"v\"\r\n");
        for (int i = 0; i < 2; i++) {
            assertThat(get("Accept-Encoding: gzip"))
                    .containsIgnoringCase("content-encoding: gzip")
                    .containsIgnoringCase("etag: W/\"v\"");
            assertThat(get()).contains("answer 1").doesNotContainIgnoringCase("content-encoding");
        }
        // With the tag of what would be sent, as caches choose by it what they freshen.
        assertThat(get("Accept-Encoding: gzip", "If-None-Match: W/\"v\""))
                .startsWith("HTTP/1.1 304")
                .containsIgnoringCase("etag: W/\"v\"")
                .containsIgnoringCase("vary: accept-encoding")
                .doesNotContainIgnoringCase("content-");
        assertThat(get("If-None-Match: \"v\""))
                .startsWith("HTTP/1.1 304")
                .containsIgnoringCase("etag: \"v\"")
                .containsIgnoringCase("vary: accept-encoding");
        assertThat(backend.seen).hasSize(1);
    }

    // ---- beside other policies

    private static UpstreamConfig upstream(String name, ResilienceConfig.Fallback fallback, int port) {
        return new UpstreamConfig(
                name,
                UpstreamConfig.Protocol.HTTP,
                List.of(new UpstreamConfig.Endpoint("127.0.0.1", port)),
                null,
                TrafficConfig.NONE.withResilience(new ResilienceConfig(null, null, null, null, fallback)));
    }

    /** What another service says is not what this one would have said. */
    @Test
    void aFallbacksAnswersAreNotKept() throws Exception {
        try (Backend other = new Backend((_, _) -> answer("200 OK", "Cache-Control: max-age=60\r\n", "sorry"))) {
            serve(
                    settings(),
                    null,
                    List.of(),
                    List.of(ProxyFixture.rule("u")),
                    upstream("u", new ResilienceConfig.Fallback(null, "v"), backend.port()),
                    ProxyFixture.upstream("v", other.port()));
            answering = (seen, _) -> seen.line().contains("/stale")
                    ? counted("Cache-Control: max-age=60\r\n" + STALE)
                    : counted("Cache-Control: max-age=60, stale-if-error=1000\r\n" + STALE);
            assertThat(proxy.get("/stale")).endsWith("answer 1");
            assertThat(proxy.get("/good")).endsWith("answer 2");
            answering = (_, _) -> null;
            assertThat(proxy.get("/good")).endsWith("answer 2");
            assertThat(proxy.get("/stale")).endsWith("sorry");
            assertThat(other.seen.getLast().header("if-none-match")).isEmpty();
            assertThat(proxy.get("/other")).endsWith("sorry");
            answering = (_, _) -> counted("Cache-Control: max-age=60\r\n");
            assertThat(proxy.get("/other")).endsWith("answer 3");
        }
    }

    @Test
    void mirrorsAndLimitsSeeWhatIsAnsweredFromTheCache() throws Exception {
        try (Backend mirror = Backend.saying("seen")) {
            serve(
                    settings(),
                    null,
                    List.of(),
                    List.of(ProxyFixture.rule("u", new FilterConfig.Mirror("m", 1, 1))),
                    ProxyFixture.upstream("u", backend.port()),
                    ProxyFixture.upstream("m", mirror.port()));
            get();
            assertThat(get()).endsWith("answer 1");
            ProxyFixture.await(() -> mirror.seen.size() == 2);
            assertThat(backend.seen).hasSize(1);
        }
    }

    @Test
    void whatOneSubsetAnswersIsNotShownToWhoNamesAnother() throws Exception {
        try (Backend other = new Backend((_, _) -> counted("Cache-Control: public, max-age=60\r\n"))) {
            answering = (_, _) -> counted("Cache-Control: public, max-age=60\r\n");
            for (boolean cookie : List.of(false, true)) {
                Subset by = new Subset(
                        "version", cookie ? null : "x-version", cookie ? "version" : null, Subset.Fallback.ANY, "");
                UpstreamConfig upstream = new UpstreamConfig(
                        "u",
                        UpstreamConfig.Protocol.HTTP,
                        List.of(
                                new UpstreamConfig.Endpoint("127.0.0.1", backend.port(), 0, 1, "v1"),
                                new UpstreamConfig.Endpoint("127.0.0.1", other.port(), 0, 1, "v2")),
                        null,
                        TrafficConfig.NONE.withBalance(BalanceConfig.DEFAULT.withSubset(by)));
                // What was kept before is of any endpoint.
                serve(
                        settings(),
                        null,
                        List.of(),
                        List.of(ProxyFixture.rule("u")),
                        ProxyFixture.upstream("u", backend.port()));
                assertThat(proxy.get("/" + cookie)).endsWith("answer " + (count.get()));
                serve(settings(), null, List.of(), List.of(ProxyFixture.rule("u")), upstream);
                String header = cookie ? "Cookie: version=" : "X-Version: ";
                int before = count.get();
                assertThat(proxy.get("/" + cookie, header + "v1")).endsWith("answer " + (before + 1));
                assertThat(proxy.get("/" + cookie, header + "v2")).endsWith("answer " + (before + 2));
                assertThat(proxy.get("/" + cookie, header + "v1")).endsWith("answer " + (before + 1));
                assertThat(proxy.get("/" + cookie, header + "v2")).endsWith("answer " + (before + 2));
            }
            assertThat(backend.seen).hasSize(4);
            assertThat(other.seen).hasSize(2);
        }
    }

    /** Nobody knows of what client such a connection would be. */
    @Test
    void whereEndpointsAreToldOfClientsNothingIsFetchedForNobody() throws Exception {
        UpstreamConfig told = new UpstreamConfig(
                "u",
                UpstreamConfig.Protocol.HTTP,
                List.of(new UpstreamConfig.Endpoint("127.0.0.1", backend.port())),
                null,
                TrafficConfig.NONE.withProxyProtocol(TrafficConfig.ProxyProtocol.V1));
        answering = (_, _) -> counted("Cache-Control: max-age=60, stale-while-revalidate=1000\r\n" + STALE);
        serve(settings(), null, List.of(), List.of(ProxyFixture.rule("u")), told);
        assertThat(get()).contains("answer");
        assertThat(get()).contains("fwd=stale");
        assertThat(proxy.plane.cache.metrics.refreshes.get()).isZero();
    }

    /** Requests of all sorts, changes, and clients that go: nothing is left of them, and nobody sees what is older than a change. */
    @Test
    void manyOfEverythingLeaveNothing() throws Exception {
        long seed = System.nanoTime();
        AtomicInteger version = new AtomicInteger();
        answering = (seen, conversation) -> {
            if (seen.line().startsWith("POST")) {
                return answer("204 No Content", "", "").replace("Content-Length: 0\r\n", "");
            }
            int kind = Math.floorMod(seen.line().hashCode() + count.incrementAndGet(), 8);
            String body = "v" + version.get() + " " + "x".repeat(kind * 9_000);
            String control = kind % 2 == 0
                    ? "Cache-Control: max-age=60, stale-while-revalidate=50, stale-if-error=50\r\nAge: " + kind * 11
                            + "\r\n"
                    : "Cache-Control: max-age=60\r\nVary: X-Kind\r\n";
            return kind == 7 ? null : answer("200 OK", control + "ETag: \"" + version.get() + "\"\r\n", body);
        };
        List<Thread> threads = new ArrayList<>();
        List<Throwable> failures = new java.util.concurrent.CopyOnWriteArrayList<>();
        for (int t = 0; t < 6; t++) {
            java.util.Random random = new java.util.Random(seed + t);
            int[] least = new int[4];
            threads.add(Thread.ofVirtual().start(() -> {
                try {
                    for (int i = 0; i < 60; i++) {
                        int number = random.nextInt(4);
                        String path = "/" + number;
                        int changed = 0;
                        try (ProxyFixture.Client client = proxy.client()) {
                            if (random.nextInt(10) == 0) {
                                changed = version.incrementAndGet();
                                client.send("POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
                            } else {
                                String[] more = {
                                    "",
                                    "Cache-Control: no-cache\r\n",
                                    "Range: bytes=0-1\r\n",
                                    "If-None-Match: \"1\"\r\n",
                                    "X-Kind: 1\r\n"
                                };
                                client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n"
                                        + more[random.nextInt(more.length)] + "\r\n");
                            }
                            if (random.nextInt(8) == 0) {
                                client.reset();
                            } else {
                                String got = client.answer();
                                assertThat(got).startsWith("HTTP/1.1 ");
                                if (got.startsWith("HTTP/1.1 200 OK|v")) {
                                    assertThat(Integer.parseInt(got.substring(17, got.indexOf(' ', 17))))
                                            .isGreaterThanOrEqualTo(least[number]);
                                }
                                least[number] = Math.max(least[number], changed);
                            }
                        }
                    }
                } catch (Throwable e) {
                    failures.add(e);
                }
            }));
        }
        for (Thread each : threads) {
            each.join();
        }
        assertThat(failures).as("seed %d", seed).isEmpty();
        ProxyFixture.await(() -> proxy.plane.cache.flights.size() == 0 && proxy.plane.cache.coming() == 0);
    }

    @Test
    void clientsOfHttp2GetIt() throws Exception {
        get();
        try (Http2Peer peer = new Http2Peer(proxy.port)) {
            for (int i = 0; i < 2; i++) {
                var answer = peer.get("/a?b=c");
                assertThat(answer.body()).isEqualTo("answer 1");
                assertThat(answer.head().get("cache-status").toString()).contains("coppice; hit");
            }
            String body = "0123456789".repeat(90_000);
            answering = (_, _) -> answer("200 OK", "Cache-Control: max-age=60\r\n", body);
            for (int i = 0; i < 2; i++) {
                assertThat(peer.get("/long").body()).isEqualTo(body);
            }
        }
        assertThat(backend.seen).hasSize(2);
    }
}
