package dev.coppice.gateway.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.FilterConfig.Header;
import dev.coppice.gateway.config.FilterConfig.HeaderChanges;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RouteFilterConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.filter.TestFilters;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Filters of extensions: what they may do, and that nothing they do harms anything but their own request. */
@Timeout(60)
class ExtensionFilterTest {
    private static final String LARGE = "x".repeat(300_000);
    private static final int PATIENT = 30_000;

    private ProxyFixture proxy;
    private Backend backend;
    private volatile String body = "ok";

    @BeforeEach
    void start() throws Exception {
        TestFilters.gate = new CountDownLatch(0);
        TestFilters.INTERRUPTED.set(0);
        proxy = new ProxyFixture();
        backend = new Backend(
                (_, _) -> "HTTP/1.1 200 OK\r\nX-Server: one\r\nContent-Length: " + body.length() + "\r\n\r\n" + body);
    }

    @AfterEach
    void stop() throws Exception {
        TestFilters.gate.countDown();
        backend.close();
        proxy.awaitNothingOpen();
        proxy.close();
    }

    private static ObjectNode config(String name, Object value) {
        ObjectNode config = JsonNodeFactory.instance.objectNode();
        return name.isEmpty() ? config : config.put(name, String.valueOf(value));
    }

    private void serve(ObjectNode config, int timeoutMillis, int most, boolean open) {
        RouteFilterConfig filter = new RouteFilterConfig(
                "default/test",
                "",
                "",
                new HeaderChanges(List.of(new Header("X-Before", "{method}")), List.of(), List.of()),
                HeaderChanges.NONE,
                null,
                null,
                null,
                new RouteFilterConfig.Extension("Test", config.toString(), timeoutMillis, most, open),
                null);
        RuleConfig rule = new RuleConfig(
                List.of(MatchConfig.ANY),
                List.of(new FilterConfig.Named("default/test")),
                List.of(new BackendConfig("web", 1, List.of())));
        RouteConfig route = new RouteConfig("HTTPRoute", "default", "route", 0, List.of(), List.of(rule));
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
                                List.of(listener), List.of(ProxyFixture.upstream("web", backend.port())))
                        .filters(List.of(filter))
                        .build()))
                .isEmpty();
    }

    private void serve(ObjectNode config) {
        serve(config, PATIENT, 10, false);
    }

    private static ObjectNode answers() {
        return JsonNodeFactory.instance.objectNode().put("answers", true);
    }

    private String seen(String header) {
        return backend.seen.getLast().header(header).orElse("-");
    }

    private double counted(String result) {
        return proxy.plane.metrics.filterCalls.labelValues("Test", result).get();
    }

    @Test
    void aFilterSeesAndChangesARequest() throws Exception {
        serve(config("", null));
        assertThat(proxy.get("/p?q=1", "Connection: X-Filter", "Do: anything")).endsWith("ok");
        assertThat(seen("X-Filter")).isEqualTo("GET http example.org /p ?q=1 127.0.0.1 default/route GET  true");
        assertThat(seen("Do")).isEqualTo("-");
        assertThat(proxy.get("/p?q=1", "Do: path")).endsWith("ok");
        assertThat(backend.seen.getLast().line()).startsWith("GET /new/p?a=b ");
        assertThat(counted("passed")).isEqualTo(2);
    }

    @Test
    void aFilterAnswersItself() throws Exception {
        serve(config("", null));
        assertThat(proxy.get("/", "Do: answer"))
                .startsWith("HTTP/1.1 402")
                .contains("Content-Type: text/plain\r\n", "X-Own: 1\r\n", "content-length: 10\r\n")
                .endsWith("\r\n\r\npay first\n");
        assertThat(proxy.exchange("HEAD / HTTP/1.1\r\nHost: a\r\nDo: answer\r\nConnection: close\r\n\r\n"))
                .contains("content-length: 10\r\n")
                .endsWith("\r\n\r\n");
        try (ProxyFixture.Client client = proxy.client()) {
            for (int i = 0; i < 3; i++) {
                client.send("GET / HTTP/1.1\r\nHost: a\r\nDo: answer\r\n\r\n");
                assertThat(client.answer()).endsWith("|pay first\n");
            }
        }
        assertThat(backend.seen).isEmpty();
        assertThat(counted("answered")).isEqualTo(5);
    }

    @Test
    void whatFailsFailsOneRequest() throws Exception {
        serve(config("", null));
        for (String each : new String[] {"crash", "overflow", "nothing", "framing", "host", "dots", "split"}) {
            assertThat(proxy.get("/", "Do: " + each))
                    .as(each)
                    .startsWith("HTTP/1.1 500")
                    .contains("has failed");
        }
        assertThat(backend.seen).isEmpty();
        assertThat(proxy.get("/")).endsWith("ok");
        assertThat(counted("failed")).isEqualTo(7);
        serve(config("", null), PATIENT, 10, true);
        assertThat(proxy.get("/", "Do: crash")).endsWith("ok");
        assertThat(seen("X-Before")).isEqualTo("GET");
    }

    @Test
    void aFilterThatCannotBeMadeIsNotSkipped() throws Exception {
        serve(config("uncreatable", true));
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 500").contains("cannot be run");
    }

    @Test
    void aFilterHasItsTime() throws Exception {
        TestFilters.gate = new CountDownLatch(1);
        serve(config("", null), 50, 10, false);
        assertThat(proxy.get("/", "Do: wait")).startsWith("HTTP/1.1 503").contains("takes too long");
        ProxyFixture.await(() -> TestFilters.INTERRUPTED.get() == 1);
        assertThat(counted("timeout")).isEqualTo(1);
        serve(config("", null), 50, 10, true);
        assertThat(proxy.get("/", "Do: wait")).endsWith("ok");
        assertThat(proxy.get("/")).endsWith("ok");
    }

    @Test
    void thoseThatDoNotEndGoOnCounting() throws Exception {
        TestFilters.gate = new CountDownLatch(1);
        serve(config("", null), 50, 2, false);
        assertThat(proxy.get("/", "Do: stubborn")).startsWith("HTTP/1.1 503").contains("takes too long");
        assertThat(proxy.get("/", "Do: stubborn")).startsWith("HTTP/1.1 503").contains("takes too long");
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 503").contains("too much to do");
        TestFilters.gate.countDown();
        ProxyFixture.await(() -> {
            try {
                return proxy.get("/").endsWith("ok");
            } catch (java.io.IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
        assertThat(counted("busy")).isGreaterThanOrEqualTo(1);
    }

    /** Each of them has a thread of the operating system, of which there are no more than processors. */
    @Test
    void aFilterThatComputesForEverGetsNoFurtherCalls() throws Exception {
        TestFilters.gate = new CountDownLatch(1);
        serve(config("", null), 50, 100, false);
        int borne = Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
        for (int i = 0; i < borne; i++) {
            assertThat(proxy.get("/", "Do: compute")).startsWith("HTTP/1.1 503").contains("takes too long");
        }
        assertThat(proxy.plane.endlessCalls.computing()).isEqualTo(borne);
        assertThat(proxy.get("/")).startsWith("HTTP/1.1 503").contains("do not end");
        assertThat(counted("endless")).isEqualTo(1);
        TestFilters.gate.countDown();
        ProxyFixture.await(() -> proxy.plane.endlessCalls.count() == 0);
        serve(config("", null), PATIENT, 100, false);
        assertThat(proxy.get("/")).endsWith("ok");
    }

    /** However little at a time comes of it. */
    @Test
    void aBodyThatAFilterWantsToSeeHasToCome() throws Exception {
        proxy.close();
        proxy = new ProxyFixture(ProxyOptions.DEFAULT.withLoops(2).withStalled(java.time.Duration.ofSeconds(1)));
        serve(JsonNodeFactory.instance.objectNode().put("body", 1 << 20), PATIENT, 100, false);
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
            ProxyFixture.await(() -> proxy.plane.heldBodies.bytes() == (1 << 20) + 1);
            while (proxy.plane.heldBodies.bytes() > 0) {
                try {
                    client.send("x");
                } catch (java.io.IOException e) {
                    // It has been answered meanwhile.
                    break;
                }
            }
            assertThat(client.answer()).startsWith("HTTP/1.1 408").contains("did not come in time");
        }
        assertThat(backend.seen).isEmpty();
        assertThat(counted("body_timeout")).isEqualTo(1);
        proxy.awaitNothingOpen();
        assertThat(proxy.plane.heldBodies.bytes()).isZero();
    }

    /** With all room taken whoever comes next does not wait for it. */
    @Test
    void bodiesThatFiltersWantToSeeAreBounded() throws Exception {
        serve(JsonNodeFactory.instance.objectNode().put("body", 100), PATIENT, 100, false);
        long all = Runtime.getRuntime().maxMemory() / 16;
        assertThat(proxy.plane.heldBodies.take(all - 50)).isTrue();
        String head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ";
        assertThat(proxy.exchange(head + "50\r\n\r\n" + "x".repeat(50))).endsWith("ok");
        assertThat(proxy.exchange(head + "51\r\n\r\n" + "x".repeat(51)))
                .startsWith("HTTP/1.1 503")
                .contains("too much to do");
        proxy.plane.heldBodies.give(all - 50);
        assertThat(proxy.exchange(head + "200\r\n\r\n" + "x".repeat(200))).endsWith("ok");
        ProxyFixture.await(() -> proxy.plane.heldBodies.bytes() == 0);
    }

    @Test
    void aBodyWhoseEndMeetsAFullRoomLeavesItsConnectionToTheNext() throws Exception {
        TestFilters.gate = new CountDownLatch(1);
        serve(JsonNodeFactory.instance.objectNode().put("body", 65_536), 50, 1, false);
        assertThat(proxy.get("/", "Do: stubborn")).contains("takes too long");
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n" + "x".repeat(65_537));
            assertThat(client.answer()).startsWith("HTTP/1.1 503").contains("too much to do");
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            assertThat(client.answer()).startsWith("HTTP/1.1 503");
        } finally {
            TestFilters.gate.countDown();
        }
    }

    @Test
    void aClientThatGoesEndsTheCall() throws Exception {
        TestFilters.gate = new CountDownLatch(1);
        serve(config("", null));
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("GET / HTTP/1.1\r\nHost: a\r\nDo: wait\r\n\r\n");
            ProxyFixture.await(() -> proxy.plane.open().exchanges() == 1);
            client.reset();
        }
        proxy.awaitNothingOpen();
        assertThat(backend.seen).isEmpty();
    }

    @Test
    void aFilterSeesTheBeginningOfABody() throws Exception {
        serve(JsonNodeFactory.instance.objectNode().put("body", 4));
        assertThat(proxy.exchange(
                        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 8\r\n\r\nabcdefgh"))
                .endsWith("ok");
        assertThat(seen("X-Filter")).endsWith(" abcd false");
        assertThat(backend.seen.getLast().body()).isEqualTo("abcdefgh");
        assertThat(proxy.exchange("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"))
                .endsWith("ok");
        assertThat(seen("X-Filter")).endsWith(" abc true");
        assertThat(proxy.exchange("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " + LARGE.length()
                        + "\r\n\r\n" + LARGE))
                .endsWith("ok");
        assertThat(backend.seen.getLast().body()).isEqualTo(LARGE);
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
            assertThat(client.head().getFirst()).isEqualTo("HTTP/1.1 100 Continue");
            client.send("xy");
            assertThat(client.answer()).isEqualTo("HTTP/1.1 200 OK|ok");
        }
    }

    @Test
    void aFilterSeesAndChangesAnAnswer() throws Exception {
        serve(answers());
        assertThat(proxy.get("/p"))
                .contains("\r\nX-Seen: 200 one /p\r\n")
                .doesNotContain("X-Server")
                .endsWith("ok");
        body = LARGE;
        for (int i = 0; i < 5; i++) {
            assertThat(proxy.get("/p")).contains("X-Seen").endsWith("\r\n\r\n" + LARGE);
        }
    }

    @Test
    void anAnswerWaitsForItsFilter() throws Exception {
        TestFilters.gate = new CountDownLatch(1);
        serve(answers());
        body = "x".repeat(20 << 20);
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("GET / HTTP/1.1\r\nHost: a\r\nDo-Answer: wait\r\nConnection: close\r\n\r\n");
            ProxyFixture.await(() -> backend.seen.size() == 1);
            TestFilters.gate.countDown();
            assertThat(client.rest()).contains("X-Waited: yes").endsWith("\r\n\r\n" + body);
        }
        // A client that goes meanwhile.
        TestFilters.gate = new CountDownLatch(1);
        try (ProxyFixture.Client client = proxy.client()) {
            client.send("GET / HTTP/1.1\r\nHost: a\r\nDo-Answer: wait\r\n\r\n");
            ProxyFixture.await(() -> backend.seen.size() == 2);
            client.reset();
        }
        proxy.awaitNothingOpen();
    }

    @Test
    void anAnswerWhoseFilterFailsIsNotTold() throws Exception {
        serve(answers());
        body = LARGE;
        assertThat(proxy.get("/", "Do-Answer: crash"))
                .startsWith("HTTP/1.1 500")
                .contains("has failed");
        assertThat(proxy.get("/", "Do-Answer: framing"))
                .startsWith("HTTP/1.1 500")
                .contains("has failed");
        TestFilters.gate = new CountDownLatch(1);
        serve(answers(), 50, 10, false);
        assertThat(proxy.get("/", "Do-Answer: wait")).startsWith("HTTP/1.1 503").contains("takes too long");
        serve(answers(), 50, 10, true);
        assertThat(proxy.get("/", "Do-Answer: wait")).startsWith("HTTP/1.1 200").endsWith(LARGE);
        assertThat(proxy.get("/", "Do-Answer: crash"))
                .startsWith("HTTP/1.1 200")
                .endsWith(LARGE);
    }
}
