package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.rule;
import static dev.coppice.gateway.proxy.ProxyFixture.upstream;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.ObservationConfig;
import dev.coppice.gateway.config.ObservationConfig.Format;
import dev.coppice.gateway.config.ObservationConfig.Log;
import dev.coppice.gateway.config.ObservationConfig.Rotation;
import dev.coppice.gateway.config.ObservationConfig.Share;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.tap.Tap;
import dev.coppice.gateway.tap.TapQuestion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which requests are told of where. */
class ObservationTest {
    private static final TrafficTarget GATEWAY = new TrafficTarget("Gateway", "default/gateway", "");
    private static final TrafficTarget ROUTE = new TrafficTarget("HTTPRoute", "default/route", "");

    @TempDir
    Path directory;

    private ProxyFixture proxy;
    private Backend backend;

    @BeforeEach
    void open() throws Exception {
        proxy = new ProxyFixture(ProxyOptions.DEFAULT.withLoops(1).withAccessLog(directory.resolve("access.log")));
        backend = new Backend((request, _) -> request.line().contains("/broken")
                ? "HTTP/1.1 500 Broken\r\nX-Kind: bad\r\nContent-Length: 0\r\n\r\n"
                : Backend.ok("hello"));
    }

    @AfterEach
    void close() throws Exception {
        backend.close();
        proxy.close();
    }

    private static Log log(String name, String template, Share share, boolean errors, String when) {
        return new Log(
                "default/policy/" + name,
                Format.TEMPLATE,
                template,
                Map.of(),
                new Rotation(1 << 20, 2),
                share,
                errors,
                0,
                when);
    }

    private static ObservationConfig policy(TrafficTarget target, Log... logs) {
        return new ObservationConfig("default/policy", List.of(target), List.of(logs), null);
    }

    private void serve(ObservationConfig... policies) {
        RouteConfig route =
                new RouteConfig("HTTPRoute", "default", "route", 0, List.of("example.org"), List.of(rule("u")));
        ListenerConfig listener = new ListenerConfig(
                "default/gateway",
                "http",
                "127.0.0.1",
                proxy.port,
                ListenerConfig.Protocol.HTTP,
                "",
                null,
                List.of(route));
        assertThat(proxy.plane.apply(
                        new GatewayConfig.Builder(List.of(listener), List.of(upstream("u", backend.port())))
                                .observations(List.of(policies))
                                .build()))
                .isEmpty();
    }

    private String file(String name) {
        Path path = directory.resolve(name);
        try {
            return Files.exists(path) ? Files.readString(path) : "";
        } catch (IOException e) {
            return "";
        }
    }

    private void await(String name, String text) {
        ProxyFixture.await(() -> file(name).contains(text));
    }

    @Test
    void withoutAPolicyAllRequestsAreLoggedAsJson() throws Exception {
        serve();
        proxy.get("/a");
        await("access.log", "\"target\":\"/a\",\"status\":200");
    }

    @Test
    void aPolicysLogsStandInPlaceOfThat() throws Exception {
        serve(policy(
                ROUTE,
                log("mine", "{method} {target} → {status} {upstream} {response.header.x-kind}", Share.ALL, false, "")));
        proxy.get("/a");
        proxy.get("/broken");
        await("logs/default/policy/mine.log", "GET /broken → 500 u bad\n");
        assertThat(file("logs/default/policy/mine.log")).isEqualTo("GET /a → 200 u -\nGET /broken → 500 u bad\n");
        serve();
        proxy.get("/b");
        await("access.log", "/b");
        assertThat(file("access.log")).doesNotContain("/a\"").doesNotContain("/broken");
    }

    @Test
    void theNarrowestTargetCountsAndTheListenerHasWhatNoRuleWants() throws Exception {
        serve(
                policy(GATEWAY, log("wide", "wide {host} {status}", Share.ALL, false, "")),
                new ObservationConfig(
                        "default/narrow",
                        List.of(ROUTE),
                        List.of(log("narrow", "narrow {target}", Share.ALL, false, "")),
                        null));
        proxy.get("/a");
        proxy.exchange("GET /b HTTP/1.1\r\nHost: other.org\r\nConnection: close\r\n\r\n");
        await("logs/default/policy/wide.log", "wide other.org 404\n");
        await("logs/default/policy/narrow.log", "narrow /a\n");
        assertThat(file("logs/default/policy/wide.log")).doesNotContain("example.org");
        assertThat(file("access.log")).isEmpty();
    }

    @Test
    void aPolicyWithoutLogsTurnsThemOff() throws Exception {
        serve(policy(ROUTE), new ObservationConfig("default/none", List.of(GATEWAY), null, null));
        proxy.get("/a");
        serve();
        proxy.get("/b");
        await("access.log", "/b");
        assertThat(file("access.log")).doesNotContain("/a\"");
    }

    @Test
    void errorsAreThereWhateverTheShare() throws Exception {
        serve(policy(ROUTE, log("some", "{target} {status}", new Share(0, 100), true, "")));
        proxy.get("/a");
        proxy.get("/broken");
        await("logs/default/policy/some.log", "/broken 500\n");
        assertThat(file("logs/default/policy/some.log")).isEqualTo("/broken 500\n");
    }

    @Test
    void slowRequestsAreThereWhateverTheShare() throws Exception {
        Log slow = new Log(
                "default/policy/slow",
                Format.COMMON,
                "",
                Map.of(),
                new Rotation(1 << 20, 2),
                new Share(0, 1),
                false,
                1,
                "");
        Log never = new Log(
                "default/policy/never",
                Format.COMBINED,
                "",
                Map.of(),
                new Rotation(1 << 20, 2),
                new Share(0, 1),
                false,
                0,
                "");
        serve(policy(ROUTE, slow, never));
        proxy.get("/a");
        await("logs/default/policy/slow.log", "\"GET /a HTTP/1.1\" 200 5\n");
        assertThat(file("logs/default/policy/never.log")).isEmpty();
    }

    @Test
    void conditionsMayLookAtTheOutcomeAndRatherLogThanFail() throws Exception {
        serve(policy(
                ROUTE,
                log("bad", "{target}", Share.ALL, false, "response.code >= 500 && route.name == 'default/route'"),
                log("odd", "{target}", Share.ALL, false, "request.headers['x-no'] == 'a'")));
        proxy.get("/a");
        proxy.get("/broken");
        await("logs/default/policy/odd.log", "/a\n/broken\n");
        assertThat(file("logs/default/policy/bad.log")).isEqualTo("/broken\n");
        assertThat(proxy.plane.metrics.accessConditionsFailed.get()).isEqualTo(2);
    }

    @Test
    void credentialsInHeadersAreNotLogged() throws Exception {
        Log log = new Log(
                "default/policy/json",
                Format.JSON,
                "",
                Map.of("plain", "{request.header.x-plain}"),
                new Rotation(1 << 20, 2),
                Share.ALL,
                false,
                0,
                "");
        serve(policy(ROUTE, log));
        proxy.get("/a", "X-Plain: seen", "Authorization: Basic hidden", "Cookie: sid=hidden");
        await("logs/default/policy/json.log", "\"plain\":\"seen\"");
        assertThat(file("logs/default/policy/json.log")).doesNotContain("hidden");
    }

    @Test
    void watchersAreShownRequestsWithoutCredentials() throws Exception {
        serve();
        try (Tap tap = proxy.plane
                .taps()
                .open(TapQuestion.of("default/route", "", "request.method == 'GET'", "true", "1", ""))
                .orElseThrow()) {
            proxy.get("/broken", "Authorization: Basic hidden", "X-Plain: seen");
            assertThat(tap.next())
                    .contains("\"target\":\"/broken\",\"status\":500")
                    .contains("\"Authorization: ***\"")
                    .contains("\"X-Plain: seen\"")
                    .contains("\"X-Kind: bad\"")
                    .doesNotContain("hidden");
            assertThat(tap.next()).isNull();
        }
        assertThat(proxy.plane.taps().watched()).isFalse();
    }
}
