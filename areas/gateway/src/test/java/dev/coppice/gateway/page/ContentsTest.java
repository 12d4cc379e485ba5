package dev.coppice.gateway.page;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.Histogram;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class ContentsTest {
    private final SimulatedClock clock = new SimulatedClock();
    private Kernel kernel;
    private Counter requests;
    private Histogram seconds;
    private Counter sent;
    private Gauge states;

    @BeforeEach
    void start() {
        kernel = Kernel.start(clock, 1);
        requests = Counter.builder()
                .name("coppice_gateway_requests")
                .labelNames("route", "code")
                .build();
        seconds = Histogram.builder()
                .name("coppice_gateway_request_seconds")
                .labelNames("route")
                .classicOnly()
                .classicExponentialUpperBounds(0.0005, 2, 16)
                .build();
        sent = Counter.builder()
                .name("coppice_gateway_upstream_requests")
                .labelNames("upstream")
                .build();
        states = Gauge.builder()
                .name("coppice_gateway_upstream_endpoints")
                .labelNames("upstream", "state")
                .build();
        List.of(requests, seconds, sent, states).forEach(kernel.metrics()::register);
    }

    @AfterEach
    void stop() {
        kernel.close();
    }

    private static RouteConfig route(String name, String upstream) {
        RuleConfig rule =
                new RuleConfig(List.of(MatchConfig.ANY), List.of(), List.of(new BackendConfig(upstream, 1, List.of())));
        return new RouteConfig("HTTPRoute", "shop", name, 0, List.of(), List.of(rule));
    }

    private static GatewayConfig config(List<RouteConfig> routes) {
        return new GatewayConfig(
                List.of(new ListenerConfig(
                        "shop/edge", "http", "127.0.0.1", 8000, ListenerConfig.Protocol.HTTP, "", null, routes)),
                List.of(new UpstreamConfig(
                        "shop/blue:80",
                        UpstreamConfig.Protocol.HTTP,
                        List.of(new UpstreamConfig.Endpoint("127.0.0.1", 9001)))));
    }

    private Contents after(TrafficWatch watch, GatewayConfig config) {
        clock.advance(TrafficWatch.EVERY);
        watch.look();
        return Contents.of(config, watch.last());
    }

    @Test
    void ratesAreThoseOfTheLastSeconds() {
        requests.labelValues("shop/cart", "200").inc(1000);
        seconds.labelValues("shop/cart").observe(10);
        TrafficWatch watch = new TrafficWatch(kernel);
        requests.labelValues("shop/cart", "200").inc(16);
        requests.labelValues("shop/cart", "503").inc(4);
        for (int i = 0; i < 20; i++) {
            seconds.labelValues("shop/cart").observe(0.0015);
        }
        sent.labelValues("shop/blue:80").inc(20);
        states.labelValues("shop/blue:80", "healthy").set(2);
        states.labelValues("shop/blue:80", "ejected").set(1);
        Contents shown = after(watch, config(List.of(route("cart", "shop/blue:80"))));
        Contents.Route cart = shown.routes().getFirst();
        assertThat(cart.name()).isEqualTo("HTTPRoute shop/cart");
        assertThat(cart.rate()).isEqualTo("10");
        assertThat(cart.errors()).isEqualTo("2");
        assertThat(cart.tone()).isEqualTo("bad");
        assertThat(cart.median()).isEqualTo("1.5 ms");
        Contents.Upstream blue = shown.upstreams().getFirst();
        assertThat(blue.states()).isEqualTo("1 ejected, 2 healthy");
        assertThat(blue.tone()).isEqualTo("warn");
        assertThat(blue.rate()).isEqualTo("10");
        assertThat(shown.stats())
                .contains(
                        new Contents.Stat("Requests a second", "10", ""),
                        new Contents.Stat("Errors (5xx) a second", "2", "bad"));
        assertThat(shown.picture().boxes())
                .filteredOn(each -> each.name().equals("shop/blue:80"))
                .extracting(TrafficPicture.Box::tone)
                .containsExactly("warn");
        assertThat(shown.picture().arrows()).hasSize(2).allMatch(TrafficPicture.Arrow::busy);
    }

    @Test
    void whatIsOverIsForgotten() {
        TrafficWatch watch = new TrafficWatch(kernel);
        requests.labelValues("shop/cart", "200").inc(16);
        GatewayConfig config = config(List.of(route("cart", "shop/blue:80")));
        Contents shown = after(watch, config);
        for (int i = 0; i < 200; i++) {
            shown = after(watch, config);
        }
        assertThat(shown.routes().getFirst().rate()).isEqualTo("0");
        assertThat(shown.routes().getFirst().median()).isEqualTo("–");
        assertThat(shown.most()).isEqualTo("0");
        assertThat(shown.picture().arrows()).noneMatch(TrafficPicture.Arrow::busy);
    }

    @Test
    void theBusiestOfManyAreShown() {
        TrafficWatch watch = new TrafficWatch(kernel);
        requests.labelValues("shop/r150", "200").inc(3);
        Contents shown = after(
                watch,
                config(IntStream.range(0, 200)
                        .mapToObj(each -> route("r" + each, "shop/blue:80"))
                        .toList()));
        assertThat(shown.routes()).hasSize(100);
        assertThat(shown.routes().getFirst().name()).isEqualTo("HTTPRoute shop/r150");
        assertThat(shown.left()).isEqualTo(100);
        assertThat(shown.picture().leftOut()).isEqualTo(184);
        assertThat(shown.picture().boxes()).extracting(TrafficPicture.Box::name).contains("shop/r150");
    }

    @Test
    void aCounterThatBeganAnewIsNotNegative() {
        TrafficWatch.Span span = new TrafficWatch.Span(
                new Counts(0, java.util.Map.of(), java.util.Map.of()),
                new Counts(Duration.ofSeconds(2).toNanos(), java.util.Map.of(), java.util.Map.of()),
                List.of());
        assertThat(span.rate(100, 4)).isEqualTo(2);
        assertThat(span.rate(100, 104)).isEqualTo(2);
    }

    @Test
    void whoeverLooksAfterARestSeesHowItWentMeanwhile() {
        TrafficWatch watch = new TrafficWatch(kernel);
        GatewayConfig config = config(List.of(route("cart", "shop/blue:80")));
        requests.labelValues("shop/cart", "200").inc(300);
        clock.advance(TrafficWatch.AT_REST);
        Contents first = Contents.of(config, watch.last());
        assertThat(first.routes().getFirst().rate()).isEqualTo("10");
        assertThat(watch.last().requestsPerSecond())
                .as("one of each two seconds")
                .hasSize(15)
                .containsOnly(10.0);
        clock.advance(TrafficWatch.EVERY);
        requests.labelValues("shop/cart", "200").inc(50);
        assertThat(watch.last().requestsPerSecond()).hasSize(16).endsWith(25.0);
        assertThat(Contents.of(config, watch.last()).routes().getFirst().rate())
                .as("what was before is over")
                .isEqualTo("25");
        for (int i = 0; i < 5; i++) {
            clock.advance(TrafficWatch.EVERY);
            TrafficWatch.Span _ = watch.last();
        }
        assertThat(watch.last().seconds()).as("then the last ten seconds").isEqualTo(10);
        assertThat(Contents.of(config, watch.last()).routes().getFirst().rate()).isEqualTo("0");
    }

    @Test
    void manyWhoLookAtOneTimeAreShownTheSame() {
        TrafficWatch watch = new TrafficWatch(kernel);
        clock.advance(TrafficWatch.EVERY);
        TrafficWatch.Span first = watch.last();
        requests.labelValues("shop/cart", "200").inc(50);
        assertThat(watch.last().now()).isSameAs(first.now());
    }
}
