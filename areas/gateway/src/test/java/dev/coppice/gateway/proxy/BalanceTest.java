package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.await;
import static dev.coppice.gateway.proxy.ProxyFixture.rule;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.BalanceConfig;
import dev.coppice.gateway.config.BalanceConfig.HashKey;
import dev.coppice.gateway.config.BalanceConfig.MadeCookie;
import dev.coppice.gateway.config.BalanceConfig.SlowStart;
import dev.coppice.gateway.config.BalanceConfig.Subset;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.HealthCheckConfig;
import dev.coppice.gateway.config.HealthCheckConfig.Codes;
import dev.coppice.gateway.config.HealthCheckConfig.Type;
import dev.coppice.gateway.config.OutlierConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.TrafficConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.config.UpstreamConfig.Endpoint;
import dev.coppice.gateway.config.UpstreamConfig.Protocol;
import dev.coppice.kernel.FreePorts;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which endpoint gets a request, with backends that answer. */
class BalanceTest {
    private static final long SECOND = 1_000_000_000L;

    private final ProxyFixture proxy;
    private final List<Backend> backends = new ArrayList<>();

    BalanceTest() throws Exception {
        proxy = new ProxyFixture();
    }

    @AfterEach
    void close() throws Exception {
        proxy.awaitNothingOpen();
        for (Backend each : backends) {
            each.close();
        }
        proxy.close();
    }

    private Backend backend(Backend.Answering answering) throws Exception {
        Backend made = new Backend(answering);
        backends.add(made);
        return made;
    }

    /** Backends that say their numbers. */
    private void numbered(int count) throws Exception {
        for (int i = 0; i < count; i++) {
            String number = Integer.toString(i);
            backend((_, _) -> Backend.ok(number));
        }
    }

    private static BalanceConfig balance(String algorithm, HashKey... keys) {
        return new BalanceConfig(algorithm, 2, 10 * SECOND, 0, Arrays.asList(keys), null, 50, 140);
    }

    private static OutlierConfig outliers(int errors, int percent) {
        return new OutlierConfig(errors, 0, null, 10 * SECOND, 600 * SECOND, 600 * SECOND, percent);
    }

    private static HealthCheckConfig check(Type type) {
        return new HealthCheckConfig(
                type,
                "check.example.org",
                "/health",
                "GET",
                List.of(new Codes(200, 299)),
                "shop.Cart",
                50_000_000L,
                0.1,
                2 * SECOND,
                2,
                2);
    }

    private UpstreamConfig upstream(
            @Nullable BalanceConfig balance, @Nullable HealthCheckConfig check, @Nullable OutlierConfig outliers) {
        return new UpstreamConfig(
                "u",
                Protocol.HTTP,
                backends.stream()
                        .map(each -> new Endpoint("127.0.0.1", each.port()))
                        .toList(),
                null,
                TrafficConfig.NONE.withBalance(balance).withHealthCheck(check).withOutliers(outliers));
    }

    private void serve(
            @Nullable BalanceConfig balance, @Nullable HealthCheckConfig check, @Nullable OutlierConfig outliers) {
        proxy.serve(List.of(rule("u")), upstream(balance, check, outliers));
    }

    private String body(String target, String... headers) throws Exception {
        String answer = proxy.get(target, headers);
        assertThat(answer).startsWith("HTTP/1.1 200");
        return answer.substring(answer.indexOf("\r\n\r\n") + 4);
    }

    private Map<String, Integer> counts(int requests) throws Exception {
        Map<String, Integer> counts = new HashMap<>();
        for (int i = 0; i < requests; i++) {
            counts.merge(body("/"), 1, Integer::sum);
        }
        return counts;
    }

    private double metric(String line) {
        try {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            new PrometheusTextFormatWriter(false)
                    .write(out, proxy.kernel.metrics().scrape());
            Matcher found =
                    Pattern.compile(Pattern.quote(line) + " (\\S+)").matcher(out.toString(StandardCharsets.UTF_8));
            return found.find() ? Double.parseDouble(found.group(1)) : -1;
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private void serveVersions(Subset subset, String algorithm, String... versions) {
        List<Endpoint> endpoints = new ArrayList<>();
        for (int i = 0; i < versions.length; i++) {
            endpoints.add(new Endpoint("127.0.0.1", backends.get(i).port(), 0, 1, versions[i]));
        }
        proxy.serve(
                List.of(rule("u")),
                new UpstreamConfig(
                        "u",
                        Protocol.HTTP,
                        endpoints,
                        null,
                        TrafficConfig.NONE.withBalance(balance(algorithm).withSubset(subset))));
    }

    private static Subset byHeader(Subset.Fallback fallback, String name) {
        return new Subset("version", "x-version", null, fallback, name);
    }

    @Test
    void requestsGoToTheSubsetThatTheyName() throws Exception {
        numbered(4);
        for (String algorithm : List.of("RoundRobin", "Maglev", "LeastRequest")) {
            serveVersions(byHeader(Subset.Fallback.ANY, ""), algorithm, "v1", "v2", "v1", "");
            Map<String, Integer> counts = new HashMap<>();
            for (int i = 0; i < 8; i++) {
                assertThat(body("/", "X-Version: v2")).isEqualTo("1");
                counts.merge(body("/", "X-Version: v1"), 1, Integer::sum);
                body("/", "X-Version: v3");
                body("/");
                // Two of a header are neither.
                body("/", "X-Version: v1", "X-Version: v2");
            }
            assertThat(List.of("0", "2")).containsAll(counts.keySet());
        }
        assertThat(metric("coppice_gateway_upstream_subset_choices_total{result=\"subset\",upstream=\"u\"}"))
                .isEqualTo(48);
        assertThat(metric("coppice_gateway_upstream_subset_choices_total{result=\"fallback\",upstream=\"u\"}"))
                .isEqualTo(72);
    }

    @Test
    void turnsAreThoseOfTheSubset() throws Exception {
        numbered(4);
        proxy.serve(
                List.of(rule("u")),
                new UpstreamConfig(
                        "u",
                        Protocol.HTTP,
                        List.of(
                                new Endpoint("127.0.0.1", backends.get(0).port(), 0, 1, "v1"),
                                new Endpoint("127.0.0.1", backends.get(1).port(), 0, 1, "v1"),
                                new Endpoint("127.0.0.1", backends.get(2).port(), 0, 1, "v2"),
                                new Endpoint("127.0.0.1", backends.get(3).port(), 0, 1, "v2")),
                        null,
                        TrafficConfig.NONE.withBalance(
                                balance("RoundRobin").withSubset(byHeader(Subset.Fallback.NONE, "")))));
        // On one connection, and so one event loop.
        Map<String, Integer> counts = new HashMap<>();
        try (ProxyFixture.Client client = proxy.client()) {
            for (int i = 0; i < 40; i++) {
                client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Version: v" + (1 + i % 2) + "\r\n\r\n");
                String answer = client.answer();
                counts.merge(answer.substring(answer.indexOf('|') + 1), 1, Integer::sum);
            }
        }
        assertThat(counts).isEqualTo(Map.of("0", 10, "1", 10, "2", 10, "3", 10));
    }

    @Test
    void whoNamesNoSubsetHasTheDefaultOrNone() throws Exception {
        numbered(2);
        serveVersions(byHeader(Subset.Fallback.DEFAULT, "v2"), "RoundRobin", "v1", "v2");
        for (int i = 0; i < 4; i++) {
            assertThat(body("/")).isEqualTo("1");
            assertThat(body("/", "X-Version: v1")).isEqualTo("0");
        }
        serveVersions(byHeader(Subset.Fallback.NONE, ""), "RoundRobin", "v1", "v2");
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 503");
        assertThat(proxy.get("/", "X-Version: v3")).startsWith("HTTP/1.1 503");
        assertThat(body("/", "X-Version: v1")).isEqualTo("0");
        serveVersions(new Subset("version", null, "version", Subset.Fallback.NONE, ""), "RoundRobin", "v1", "v2");
        assertThat(body("/", "Cookie: a=b; version=v2")).isEqualTo("1");
        assertThat(proxy.get("/", "Cookie: a=b")).startsWith("HTTP/1.1 503");
    }

    @Test
    void aRulesFilterNamesTheSubsetOfItsRequests() throws Exception {
        numbered(2);
        UpstreamConfig upstream = new UpstreamConfig(
                "u",
                Protocol.HTTP,
                List.of(
                        new Endpoint("127.0.0.1", backends.get(0).port(), 0, 1, "v1"),
                        new Endpoint("127.0.0.1", backends.get(1).port(), 0, 1, "v2")),
                null,
                TrafficConfig.NONE.withBalance(balance("RoundRobin").withSubset(byHeader(Subset.Fallback.NONE, ""))));
        proxy.serve(
                List.of(rule(
                        "u",
                        new FilterConfig.RequestHeaders(new FilterConfig.HeaderChanges(
                                List.of(new FilterConfig.Header("X-Version", "v2")), List.of(), List.of())))),
                upstream);
        for (int i = 0; i < 4; i++) {
            // What clients say does not count then.
            assertThat(body("/", "X-Version: v1")).isEqualTo("1");
        }
    }

    @Test
    void aSubsetsOtherEndpointIsTriedAndNoneBeside() throws Exception {
        numbered(2);
        UpstreamConfig upstream = new UpstreamConfig(
                "u",
                Protocol.HTTP,
                List.of(
                        new Endpoint("127.0.0.1", backends.get(0).port(), 0, 1, "v1"),
                        new Endpoint("127.0.0.1", backends.get(1).port(), 0, 1, "v2"),
                        new Endpoint("127.0.0.1", FreePorts.next(), 0, 1, "v2")),
                null,
                TrafficConfig.NONE.withBalance(balance("RoundRobin").withSubset(byHeader(Subset.Fallback.ANY, ""))));
        proxy.serve(List.of(rule("u")), upstream);
        for (int i = 0; i < 6; i++) {
            assertThat(body("/", "X-Version: v2")).isEqualTo("1");
        }
    }

    @Test
    void noEndpointHasMoreThanItsShareTimesTheFactor() throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        for (int i = 0; i < 4; i++) {
            backend((_, _) -> {
                try {
                    done.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                return Backend.ok("x");
            });
        }
        serve(balance("RingHash", new HashKey.Header("x-user")).withBalanceFactor(150), null, null);
        List<ProxyFixture.Client> clients = new ArrayList<>();
        for (int i = 1; i <= 12; i++) {
            ProxyFixture.Client client = proxy.client();
            clients.add(client);
            client.send("GET / HTTP/1.1\r\nHost: a\r\nX-User: hot\r\n\r\n");
            int sent = i;
            await(() -> backends.stream().mapToInt(each -> each.seen.size()).sum() == sent);
        }
        // 150 percent of three.
        assertThat(backends.stream().mapToInt(each -> each.seen.size()).max().orElse(0))
                .isLessThanOrEqualTo(5);
        assertThat(backends.stream().filter(each -> !each.seen.isEmpty()).count())
                .isGreaterThanOrEqualTo(3);
        assertThat(metric("coppice_gateway_upstream_hash_overflows_total{upstream=\"u\"}"))
                .isGreaterThanOrEqualTo(7);
        done.countDown();
        for (ProxyFixture.Client each : clients) {
            assertThat(each.answer()).endsWith("x");
            each.close();
        }
        // With room again, the key is where it belongs.
        int before = backends.stream().mapToInt(each -> each.seen.size()).max().orElse(0);
        await(() -> metric("coppice_gateway_upstream_in_flight{upstream=\"u\"}") == 0);
        for (int i = 0; i < 3; i++) {
            body("/", "X-User: hot");
        }
        assertThat(backends.stream().mapToInt(each -> each.seen.size()).max().orElse(0))
                .isEqualTo(before + 3);
    }

    @Test
    void requestsWithAKeyStayTogether() throws Exception {
        numbered(5);
        serve(balance("Maglev", new HashKey.Header("x-user"), new HashKey.QueryParameter("user")), null, null);
        Map<String, Integer> all = new HashMap<>();
        for (int user = 0; user < 20; user++) {
            String first = body("/", "X-User: " + user);
            all.merge(first, 1, Integer::sum);
            assertThat(body("/a", "x-user: " + user)).isEqualTo(first);
            // The header goes before; without it, the query.
            assertThat(body("/?user=other", "X-User: " + user)).isEqualTo(first);
            assertThat(body("/?a=b&user=" + user)).isEqualTo(first);
        }
        assertThat(all).hasSizeGreaterThan(2);
        // Requests with neither go anywhere.
        assertThat(counts(50)).hasSizeGreaterThan(2);
    }

    @Test
    void aClientWithoutCookieGetsOneAndStays() throws Exception {
        numbered(5);
        serve(
                balance("RingHash", new HashKey.Cookie("sid", new MadeCookie(3600, "/shop", "Lax", true, false))),
                null,
                null);
        Map<String, Integer> all = new HashMap<>();
        for (int client = 0; client < 20; client++) {
            String answer = proxy.get("/shop");
            String body = answer.substring(answer.indexOf("\r\n\r\n") + 4);
            all.merge(body, 1, Integer::sum);
            Matcher cookie = Pattern.compile(
                            "(?i)set-cookie: (sid=[0-9a-f]{32}); Path=/shop; Max-Age=3600; SameSite=Lax; HttpOnly\r\n")
                    .matcher(answer);
            assertThat(cookie.find()).as(answer).isTrue();
            String again = proxy.get("/shop", "Cookie: a=b; " + cookie.group(1) + "; c=d");
            assertThat(again).endsWith("\r\n\r\n" + body).doesNotContainIgnoringCase("set-cookie");
        }
        assertThat(all).hasSizeGreaterThan(2);
    }

    @Test
    void theBackendsOwnCookiesAreLeftAsTheyAre() throws Exception {
        backend((_, _) -> "HTTP/1.1 200 OK\r\nSet-Cookie: own=1\r\nContent-Length: 0\r\n\r\n");
        serve(
                balance("RingHash", new HashKey.Cookie("sid", new MadeCookie(0, "/", "Strict", false, true))),
                null,
                null);
        String answer = proxy.get("/");
        assertThat(answer)
                .contains("Set-Cookie: own=1\r\n")
                .containsPattern("(?i)set-cookie: sid=[0-9a-f]{32}; Path=/; SameSite=Strict; Secure\r\n");
    }

    @Test
    void theLessBusyOneGetsTheNextRequest() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        AtomicBoolean held = new AtomicBoolean();
        Backend.Answering answering = (request, _) -> {
            if (request.line().contains("/slow") && held.compareAndSet(false, true)) {
                try {
                    go.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
            return Backend.ok("");
        };
        Backend one = backend(answering);
        Backend two = backend(answering);
        serve(balance("LeastRequest"), null, null);
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("GET /slow HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n");
            await(held::get);
            Backend busy = one.seen.isEmpty() ? two : one;
            assertThat(metric("coppice_gateway_upstream_in_flight{upstream=\"u\"}"))
                    .isEqualTo(1);
            for (int i = 0; i < 20; i++) {
                body("/");
            }
            assertThat(busy.seen).hasSize(1);
            go.countDown();
            assertThat(client.rest()).startsWith("HTTP/1.1 200");
        }
        await(() -> metric("coppice_gateway_upstream_in_flight{upstream=\"u\"}") == 0);
    }

    @Test
    void nothingIsLeftInFlightHoweverRequestsEnd() throws Exception {
        AtomicBoolean broken = new AtomicBoolean(true);
        backend((request, conversation) -> {
            if (request.line().contains("/reset")) {
                return null;
            }
            if (request.line().contains("/half")) {
                conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
                return null;
            }
            return broken.getAndSet(false) ? "nonsense\r\n\r\n" : Backend.ok("");
        });
        serve(balance("PeakEwma"), null, outliers(100, 100));
        assertThat(proxy.get("/reset")).startsWith("HTTP/1.1 503");
        assertThat(proxy.get("/half")).contains("half");
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 502");
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 200");
        backends.getFirst().close();
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 503");
        proxy.awaitNothingOpen();
        await(() -> metric("coppice_gateway_upstream_in_flight{upstream=\"u\"}") == 0);
    }

    @Test
    void oneThatFailsAgainAndAgainIsLeftOut() throws Exception {
        numbered(2);
        Backend bad = backend((_, _) -> "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
        serve(null, null, outliers(3, 50));
        await(() -> {
            try {
                proxy.get("/");
            } catch (java.io.IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
            return metric("coppice_gateway_upstream_endpoints{state=\"ejected\",upstream=\"u\"}") == 1
                    && metric("coppice_gateway_upstream_endpoints{state=\"healthy\",upstream=\"u\"}") == 2;
        });
        int before = bad.seen.size();
        assertThat(before).isGreaterThanOrEqualTo(3);
        assertThat(counts(20)).containsOnlyKeys("0", "1");
        assertThat(bad.seen).hasSize(before);
        assertThat(metric("coppice_gateway_upstream_ejections_total{reason=\"consecutive-5xx\",upstream=\"u\"}"))
                .isEqualTo(1);
        // It is forgotten with the section.
        serve(null, null, null);
        await(() -> {
            try {
                return proxy.get("/").startsWith("HTTP/1.1 500");
            } catch (java.io.IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
    }

    @Test
    void oneThatRefusesConnectionsIsLeftOutWhileRetriesHideIt() throws Exception {
        numbered(2);
        int refusing = FreePorts.next();
        UpstreamConfig base = upstream(null, null, outliers(3, 50));
        List<Endpoint> endpoints = new ArrayList<>(base.endpoints());
        endpoints.add(new Endpoint("127.0.0.1", refusing));
        proxy.serve(List.of(rule("u")), new UpstreamConfig("u", Protocol.HTTP, endpoints, null, base.traffic()));
        await(() -> {
            try {
                assertThat(proxy.get("/")).startsWith("HTTP/1.1 200");
            } catch (java.io.IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
            return metric("coppice_gateway_upstream_endpoints{state=\"ejected\",upstream=\"u\"}") == 1;
        });
    }

    @Test
    void anEndpointThatIsNotWellGetsNothingUntilItIs() throws Exception {
        AtomicBoolean well = new AtomicBoolean(true);
        numbered(2);
        Backend sick = backend((request, _) -> {
            if (request.line().equals("GET /health HTTP/1.1")) {
                assertThat(request.header("host")).contains("check.example.org");
                return well.get() ? Backend.ok("") : "HTTP/1.1 503 Sick\r\nContent-Length: 0\r\n\r\n";
            }
            return Backend.ok("2");
        });
        serve(null, check(Type.HTTP), null);
        await(() -> sick.seen.size() > 3);
        assertThat(counts(9)).hasSize(3);
        well.set(false);
        await(() -> metric("coppice_gateway_upstream_endpoints{state=\"healthy\",upstream=\"u\"}") == 2);
        assertThat(metric("coppice_gateway_upstream_endpoints{state=\"unhealthy\",upstream=\"u\"}"))
                .isEqualTo(1);
        assertThat(counts(20)).containsOnlyKeys("0", "1");
        well.set(true);
        await(() -> metric("coppice_gateway_upstream_endpoints{state=\"healthy\",upstream=\"u\"}") == 3);
        assertThat(counts(9)).hasSize(3);
        assertThat(metric("coppice_gateway_upstream_health_checks_total{result=\"failure\",upstream=\"u\"}"))
                .isGreaterThanOrEqualTo(2);
        // Checks stop with the section.
        serve(null, null, null);
        proxy.serve(List.of(rule("u")));
        assertThat(metric("coppice_gateway_upstream_endpoints{state=\"healthy\",upstream=\"u\"}"))
                .isEqualTo(-1);
    }

    @Test
    void whenMostAreNotWellAllAreUsed() throws Exception {
        for (int i = 0; i < 3; i++) {
            String number = Integer.toString(i);
            backend((request, _) -> request.line().contains("/health") && !number.equals("0")
                    ? "HTTP/1.1 500 Sick\r\nContent-Length: 0\r\n\r\n"
                    : Backend.ok(number));
        }
        serve(null, check(Type.HTTP), null);
        await(() -> metric("coppice_gateway_upstream_panic{upstream=\"u\"}") == 1);
        assertThat(counts(9)).hasSize(3);
        // Without panic only the one that is well is used.
        serve(new BalanceConfig("RoundRobin", 2, SECOND, 0, List.of(), null, 0, 140), check(Type.HTTP), null);
        assertThat(counts(9)).containsOnlyKeys("0");
    }

    @Test
    void whereNothingIsWellAndNobodyPanicsThereIsNoAnswer() throws Exception {
        backend((_, _) -> "HTTP/1.1 500 Sick\r\nContent-Length: 0\r\n\r\n");
        serve(new BalanceConfig("RoundRobin", 2, SECOND, 0, List.of(), null, 0, 140), check(Type.HTTP), null);
        await(() -> metric("coppice_gateway_upstream_endpoints{state=\"healthy\",upstream=\"u\"}") == 0);
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 503").contains("no endpoint that is ready");
    }

    @Test
    void aConnectionIsEnoughForTcp() throws Exception {
        numbered(1);
        Backend other = backend((_, _) -> Backend.ok("1"));
        serve(null, check(Type.TCP), null);
        await(() -> other.connections.get() > 3);
        assertThat(other.seen).isEmpty();
        other.close();
        await(() -> metric("coppice_gateway_upstream_endpoints{state=\"healthy\",upstream=\"u\"}") == 1);
        assertThat(counts(4)).containsOnlyKeys("0");
    }

    @Test
    void grpcIsAskedByItsOwnProtocolAndJudgedByItsOwnStatus() throws Exception {
        try (Http2Backend one = new Http2Backend(100);
                Http2Backend two = new Http2Backend(100)) {
            List<Endpoint> endpoints =
                    List.of(new Endpoint("127.0.0.1", one.port()), new Endpoint("127.0.0.1", two.port()));
            proxy.serve(
                    List.of(rule("u")),
                    new UpstreamConfig(
                            "u", Protocol.H2C, endpoints, null, TrafficConfig.NONE.withHealthCheck(check(Type.GRPC))));
            await(() -> one.asked.size() > 1 && two.asked.size() > 1);
            assertThat(one.asked).containsOnly("\0\0\0\0\u000b\n\u0009shop.Cart");
            assertThat(one.seen.getFirst().get("content-type")).hasToString("application/grpc");
            two.health = 2;
            await(() -> metric("coppice_gateway_upstream_endpoints{state=\"healthy\",upstream=\"u\"}") == 1);
            two.health = 1;
            await(() -> metric("coppice_gateway_upstream_endpoints{state=\"healthy\",upstream=\"u\"}") == 2);
            one.grpcStatus = "14";
            await(() -> metric("coppice_gateway_upstream_endpoints{state=\"healthy\",upstream=\"u\"}") == 1);

            one.grpcStatus = "0";
            two.grpcStatus = "5";
            proxy.serve(
                    List.of(rule("u")),
                    new UpstreamConfig(
                            "u", Protocol.H2C, endpoints, null, TrafficConfig.NONE.withOutliers(outliers(3, 50))));
            // NOT_FOUND is the caller's own fault.
            for (int i = 0; i < 20; i++) {
                assertThat(proxy.get("/grpc")).startsWith("HTTP/1.1 200");
            }
            assertThat(metric("coppice_gateway_upstream_endpoints{state=\"ejected\",upstream=\"u\"}"))
                    .isZero();
            two.grpcStatus = "13";
            await(() -> {
                try {
                    assertThat(proxy.get("/grpc")).startsWith("HTTP/1.1 200");
                } catch (java.io.IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
                return metric("coppice_gateway_upstream_endpoints{state=\"ejected\",upstream=\"u\"}") == 1;
            });
        }
    }

    @Test
    void othersHelpOutWhenTooFewAreWell() throws Exception {
        AtomicBoolean well = new AtomicBoolean(true);
        backend((request, _) -> request.line().contains("/health") && !well.get()
                ? "HTTP/1.1 500 Sick\r\nContent-Length: 0\r\n\r\n"
                : Backend.ok("near"));
        backend((_, _) -> Backend.ok("far"));
        UpstreamConfig config = new UpstreamConfig(
                "u",
                Protocol.HTTP,
                List.of(
                        new Endpoint("127.0.0.1", backends.get(0).port(), 0, 1),
                        new Endpoint("127.0.0.1", backends.get(1).port(), 1, 1)),
                null,
                TrafficConfig.NONE.withHealthCheck(check(Type.HTTP)));
        proxy.serve(List.of(rule("u")), config);
        assertThat(counts(10)).containsOnlyKeys("near");
        well.set(false);
        await(() -> metric("coppice_gateway_upstream_endpoints{state=\"healthy\",upstream=\"u\"}") == 1);
        assertThat(counts(10)).containsOnlyKeys("far");
    }

    @Test
    void aNewEndpointGetsLessAtFirst() throws Exception {
        numbered(1);
        BalanceConfig slow =
                new BalanceConfig("RoundRobin", 2, SECOND, 0, List.of(), new SlowStart(3600 * SECOND, 1, 0.1), 50, 140);
        serve(slow, null, null);
        assertThat(counts(5)).containsOnlyKeys("0");
        backend((_, _) -> Backend.ok("1"));
        serve(slow, null, null);
        Map<String, Integer> counts = counts(110);
        // A tenth of the other's share: once in each eleven, on each of two event loops.
        assertThat(counts.get("1")).isBetween(6, 14);
    }

    @Test
    void oneThatRecoversGetsLessAtFirst() throws Exception {
        AtomicBoolean well = new AtomicBoolean(true);
        backend((_, _) -> Backend.ok("0"));
        backend((request, _) -> request.line().contains("/health") && !well.get()
                ? "HTTP/1.1 500 Sick\r\nContent-Length: 0\r\n\r\n"
                : Backend.ok("1"));
        BalanceConfig slow =
                new BalanceConfig("RoundRobin", 2, SECOND, 0, List.of(), new SlowStart(3600 * SECOND, 1, 0.1), 50, 140);
        serve(slow, check(Type.HTTP), null);
        assertThat(counts(20).get("1")).isBetween(8, 12);
        well.set(false);
        await(() -> metric("coppice_gateway_upstream_endpoints{state=\"healthy\",upstream=\"u\"}") == 1);
        well.set(true);
        await(() -> metric("coppice_gateway_upstream_endpoints{state=\"healthy\",upstream=\"u\"}") == 2);
        assertThat(counts(110).get("1")).isBetween(6, 14);
    }

    @Test
    void whereALoadBalancerCannotBeMadeEndpointsTakeTurns() throws Exception {
        numbered(2);
        serve(balance("TestBroken"), null, null);
        assertThat(counts(10)).hasSize(2);
        serve(balance("IsNotInstalledAnyMore"), null, null);
        assertThat(counts(10)).hasSize(2);
    }

    @Test
    void weightsAreFollowed() throws Exception {
        numbered(2);
        RuleConfig rule = rule("u");
        proxy.serve(
                List.of(rule),
                new UpstreamConfig(
                        "u",
                        Protocol.HTTP,
                        List.of(
                                new Endpoint("127.0.0.1", backends.get(0).port(), 0, 3),
                                new Endpoint("127.0.0.1", backends.get(1).port(), 0, 1))));
        Map<String, Integer> counts = counts(80);
        assertThat(counts.get("0")).isBetween(56, 64);
    }

    @Test
    void cookiesAreFoundByTheirNames() {
        var headers = new io.netty.handler.codec.http.DefaultHttpHeaders();
        headers.add("Cookie", "xsid=1; sid=2;sid=3");
        headers.add("cookie", "other=4");
        assertThat(RequestKeys.cookie(headers, "sid")).isEqualTo("2");
        assertThat(RequestKeys.cookie(headers, "other")).isEqualTo("4");
        assertThat(RequestKeys.cookie(headers, "id")).isNull();
        headers.set("Cookie", "sid=; ;=;;sid");
        assertThat(RequestKeys.cookie(headers, "sid")).isNull();
        headers.set("Cookie", "sid=a=b; x");
        assertThat(RequestKeys.cookie(headers, "sid")).isEqualTo("a=b");
    }
}
