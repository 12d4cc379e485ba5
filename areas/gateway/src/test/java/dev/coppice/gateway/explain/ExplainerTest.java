package dev.coppice.gateway.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.gateway.DataPlane;
import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.BalanceConfig;
import dev.coppice.gateway.config.BalanceConfig.Subset;
import dev.coppice.gateway.config.ContentConfig;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.GrpcConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.MatchConfig.PathMatch;
import dev.coppice.gateway.config.MatchConfig.ValueMatch;
import dev.coppice.gateway.config.RetryConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RouteFilterConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.TrafficConfig;
import dev.coppice.gateway.config.TrafficTarget;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.resilience.CircuitBreaker;
import dev.coppice.gateway.resilience.UpstreamReading;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class ExplainerTest {
    private static final FilterConfig STAMP = new FilterConfig.RequestHeaders(new FilterConfig.HeaderChanges(
            List.of(new FilterConfig.Header("x-shop", "yes")), List.of(), List.of("x-debug")));

    private static MatchConfig prefix(String path) {
        return new MatchConfig(new PathMatch(PathMatch.Type.PREFIX, path), "", List.of(), List.of());
    }

    private static RuleConfig rule(MatchConfig match, String... backends) {
        return new RuleConfig(
                "",
                List.of(match),
                List.of(STAMP),
                List.of(backends).stream()
                        .map(each -> new BackendConfig(each, 1, List.of()))
                        .toList(),
                5_000,
                0,
                new RetryConfig(List.of(500), 2, 100),
                null);
    }

    private static RouteConfig route(String name, String hostname, RuleConfig... rules) {
        return new RouteConfig("HTTPRoute", "default", name, 0, List.of(hostname), List.of(rules));
    }

    /** Its upstreams are in trouble. */
    private static final class Troubled implements DataPlane {
        @Override
        public Map<Binding, String> apply(GatewayConfig config) {
            return Map.of();
        }

        @Override
        public Map<String, String> troubles(String upstream) {
            return upstream.equals("default/blue:80") ? Map.of("127.0.0.1:9001", "ejected") : Map.of();
        }

        @Override
        public List<UpstreamReading> upstreams() {
            CircuitBreaker.Reading breaker =
                    new CircuitBreaker.Reading(CircuitBreaker.State.OPEN, 20, 15, 2, 1, 1_500_000_001L);
            return List.of(new UpstreamReading("default/blue:80", breaker, 8, 3, 1_000_000, true, 4, 1, 5, 0, 40, 6));
        }
    }

    private static Explainer explainer(RouteConfig... routes) {
        return explainer(List.of(), routes);
    }

    private static Explainer explainer(List<ContentConfig> contents, RouteConfig... routes) {
        ListenerConfig listener = new ListenerConfig(
                "default/edge",
                "http",
                "127.0.0.1",
                8000,
                ListenerConfig.Protocol.HTTP,
                "*.example",
                null,
                List.of(routes));
        UpstreamConfig.Endpoint endpoint = new UpstreamConfig.Endpoint("127.0.0.1", 9001);
        GatewayConfig config = new GatewayConfig.Builder(
                        List.of(listener),
                        List.of(
                                new UpstreamConfig("default/blue:80", UpstreamConfig.Protocol.HTTP, List.of(endpoint)),
                                new UpstreamConfig("default/none:80", UpstreamConfig.Protocol.HTTP, List.of())))
                .contents(contents)
                .build();
        return new Explainer(config, new Troubled());
    }

    private static UpstreamConfig versions(Subset by) {
        return new UpstreamConfig(
                "default/shop:80",
                UpstreamConfig.Protocol.HTTP,
                List.of(
                        new UpstreamConfig.Endpoint("127.0.0.1", 1, 0, 1, "v1"),
                        new UpstreamConfig.Endpoint("127.0.0.1", 2, 0, 1, "v1"),
                        new UpstreamConfig.Endpoint("127.0.0.1", 3, 0, 1, "v2"),
                        new UpstreamConfig.Endpoint("127.0.0.1", 4)),
                null,
                TrafficConfig.NONE.withBalance(BalanceConfig.DEFAULT.withSubset(by)),
                Set.of("v3"));
    }

    private static String subset(Subset by, FilterConfig filter, String... headers) {
        Question question = Question.of("GET", "http://shop.example/", List.of(headers));
        SubsetChoice choice = SubsetChoice.of(versions(by), question, List.of(List.of(filter), List.of()));
        return choice.endpoints() + ": " + choice.words();
    }

    @Test
    void saysWhichSubsetARequestNames() {
        Subset any = new Subset("version", "X-Version", null, Subset.Fallback.ANY, "");
        assertThat(subset(any, STAMP, "x-version: v1"))
                .isEqualTo("2: this request names the subset v1 (the header X-Version), 2 of 4 endpoints");
        assertThat(subset(any, STAMP))
                .isEqualTo(
                        "4: this request names no subset (the header X-Version is not there): to any of 4 endpoints");
        assertThat(subset(any, STAMP, "x-version: v9"))
                .isEqualTo(
                        "4: this request names the subset v9 (the header X-Version), which no endpoint belongs to: to any of 4 endpoints");
        assertThat(subset(any, STAMP, "x-version: v3"))
                .isEqualTo(
                        "0: this request names the subset v3 (the header X-Version), 0 of 4 endpoints, none of which is ready");
        FilterConfig set = new FilterConfig.RequestHeaders(new FilterConfig.HeaderChanges(
                List.of(new FilterConfig.Header("x-version", "v2")), List.of(), List.of()));
        assertThat(subset(any, set, "x-version: v1"))
                .isEqualTo(
                        "1: this request names the subset v2 (the header X-Version, which a filter changes), 1 of 4 endpoints");
        FilterConfig removed = new FilterConfig.RequestHeaders(
                new FilterConfig.HeaderChanges(List.of(), List.of(), List.of("x-version")));
        Subset none = new Subset("version", "x-version", null, Subset.Fallback.NONE, "");
        assertThat(subset(none, removed, "x-version: v1"))
                .isEqualTo(
                        "0: this request names no subset (the header x-version is not there after its filters): to none");
        Subset cookie = new Subset("version", null, "v", Subset.Fallback.DEFAULT, "v1");
        assertThat(subset(cookie, STAMP, "cookie: a=b; v=v2"))
                .isEqualTo("1: this request names the subset v2 (the cookie v), 1 of 4 endpoints");
        // No name has blanks after it, for the data plane either.
        assertThat(subset(cookie, STAMP, "cookie: v = v7; v=v2"))
                .isEqualTo("1: this request names the subset v2 (the cookie v), 1 of 4 endpoints");
        assertThat(subset(cookie, new FilterConfig.Named("default/f"), "cookie: v=v7"))
                .isEqualTo(
                        "2: this request names the subset v7 (the cookie v), which no endpoint belongs to: to the default v1, 2 of 4 endpoints, unless a filter changes that: default/f");
    }

    @Test
    void theOutcomeKnowsTheSubset() {
        ListenerConfig listener = new ListenerConfig(
                "default/edge",
                "http",
                "127.0.0.1",
                8000,
                ListenerConfig.Protocol.HTTP,
                "",
                null,
                List.of(route("shop", "shop.example", rule(prefix("/"), "default/shop:80"))));
        Subset none = new Subset("version", "x-version", null, Subset.Fallback.NONE, "");
        Explainer explainer = new Explainer(
                new GatewayConfig.Builder(List.of(listener), List.of(versions(none))).build(), new Troubled());
        Explanation found = one(explainer, "GET", "http://shop.example:8000/", "x-version: v1");
        assertThat(found.outcome()).isEqualTo("sent to one of 2 endpoints");
        assertThat(found.route().backends().getFirst().steps())
                .contains("this request names the subset v1 (the header x-version), 2 of 4 endpoints");
        assertThat(one(explainer, "GET", "http://shop.example:8000/").outcome())
                .isEqualTo("answered with 503: no endpoint is ready");
    }

    private static Explanation one(Explainer explainer, String method, String url, String... headers) {
        List<Explanation> all = explainer.explain(Question.of(method, url, List.of(headers)), "");
        assertThat(all).hasSize(1);
        return all.getFirst();
    }

    @Test
    void theHostOfTheUrlIsAHeaderAsClientsSendIt() {
        assertThat(Question.of("GET", "http://A.example/", List.of()).header("Host"))
                .isEqualTo("a.example");
        assertThat(Question.of("GET", "https://a.example:443/", List.of()).header("host"))
                .isEqualTo("a.example");
        assertThat(Question.of("GET", "http://a.example:8000/", List.of()).header("host"))
                .isEqualTo("a.example:8000");
        assertThat(Question.of("GET", "http://a.example/", List.of("Host: b")).header("host"))
                .isEqualTo("b");
    }

    @Test
    void aServiceIsMeantWhenTheUrlNamesItAndIsToldForEachSortOfClients() {
        RouteConfig own = new RouteConfig(
                "Service", "default", "web:80", 0, List.of(), List.of(rule(MatchConfig.ANY, "default/blue:80")));
        ListenerConfig all = ListenerConfig.ofService(
                "default/web", "http", "127.96.0.7", 80, ListenerConfig.Protocol.HTTP, List.of(own), "");
        ListenerConfig consumers = ListenerConfig.ofService(
                "default/web", "http", "127.96.0.7", 80, ListenerConfig.Protocol.HTTP, List.of(), "users");
        ListenerConfig other = ListenerConfig.ofService(
                "default/other", "http", "127.96.0.8", 80, ListenerConfig.Protocol.HTTP, List.of(own), "");
        ListenerConfig gateway = new ListenerConfig(
                "default/edge", "http", "127.0.0.1", 80, ListenerConfig.Protocol.HTTP, "*.example", null, List.of());
        Explainer explainer = new Explainer(
                new GatewayConfig.Builder(List.of(gateway, other, all, consumers), List.of()).build(), new Troubled());
        for (String host : List.of("web.default", "web.default.svc.cluster.local", "127.96.0.7")) {
            assertThat(explainer.explain(Question.of("GET", "http://" + host + "/", List.of()), ""))
                    .as(host)
                    .extracting(Explanation::listener)
                    .contains(
                            "Service default/web, listener http",
                            "Service default/web, listener http for clients in users")
                    .doesNotContain("Service default/other, listener http");
        }
        assertThat(explainer.explain(Question.of("GET", "http://a.example/", List.of()), ""))
                .extracting(Explanation::address)
                .containsExactly("127.0.0.1");
        assertThat(explainer.explain(Question.of("GET", "http://a.example/", List.of()), "Service default/other"))
                .extracting(Explanation::address)
                .containsExactly("127.96.0.8");
        assertThat(explainer.routes("Service default/web"))
                .extracting(RouteLine::listener)
                .containsExactly("Service default/web, listener http");
    }

    @Test
    void saysWhenAFilterAnswersForARuleThatLeadsNowhere() {
        RouteFilterConfig teapot = new RouteFilterConfig(
                "default/teapot",
                "request.path == '/tea'",
                "",
                FilterConfig.HeaderChanges.NONE,
                FilterConfig.HeaderChanges.NONE,
                null,
                new RouteFilterConfig.Direct(418, "text/plain", "tea", false),
                null,
                null,
                null);
        RuleConfig rule =
                new RuleConfig(List.of(MatchConfig.ANY), List.of(new FilterConfig.Named("default/teapot")), List.of());
        ListenerConfig listener = new ListenerConfig(
                "default/edge",
                "http",
                "127.0.0.1",
                8000,
                ListenerConfig.Protocol.HTTP,
                "*.example",
                null,
                List.of(route("tea", "tea.example", rule)));
        GatewayConfig config = new GatewayConfig.Builder(List.of(listener), List.of())
                .filters(List.of(teapot))
                .build();
        assertThat(one(new Explainer(config, new Troubled()), "GET", "http://tea.example:8000/")
                        .outcome())
                .isEqualTo("answered by the filter default/teapot where that applies,"
                        + " else answered with 500: the rule leads nowhere");
    }

    @Test
    void saysInWhichFormsCallsMayCome() {
        RuleConfig rule = rule(MatchConfig.ANY, "default/blue:80");
        RuleConfig calls = rule.with(List.of(), null, new GrpcConfig("default/books"));
        assertThat(one(explainer(route("shop", "shop.example", calls)), "GET", "http://shop.example:8000/")
                        .route()
                        .steps())
                .contains("calls of gRPC, of gRPC-Web, and in JSON as the policy default/books says");
    }

    @Test
    void saysWhatTheRuleDoesAndWhereItLeads() {
        Explanation told = one(
                explainer(route("shop", "shop.example", rule(prefix("/cart"), "default/blue:80"))),
                "GET",
                "http://SHOP.example:8000/x/../cart/1?a=b");
        assertThat(told.listener()).isEqualTo("default/edge, listener http");
        assertThat(told.outcome()).isEqualTo("sent to one of 1 endpoint");
        assertThat(told.route()).isNotNull();
        assertThat(told.route().name()).isEqualTo("HTTPRoute default/shop");
        assertThat(told.route().match()).isEqualTo("host shop.example, path prefix /cart");
        assertThat(told.route().steps())
                .containsExactly(
                        "headers of the request: set x-shop: yes, remove x-debug",
                        "timeout of the request: 5s",
                        "retries: 2, after 100 ms, also for the codes [500]");
        assertThat(told.route().backends())
                .containsExactly(new Explanation.Backend(
                        "default/blue:80",
                        100,
                        "HTTP",
                        List.of("127.0.0.1:9001 (ejected)"),
                        List.of(),
                        List.of(
                                "the circuit breaker is open: of 20 calls 15 failed and 2 were slow; calls pass again in 1501ms",
                                "by latency, 3 of 8 requests wait for an answer",
                                "5 requests on their way, 4 connections, 1 requests wait for one",
                                "of the last 40 requests 6 were retries")));
    }

    @Test
    void saysWhatIsKept() {
        RouteConfig shop = route("shop", "shop.example", rule(MatchConfig.ANY, "default/blue:80"));
        ContentConfig.Cache cache =
                new ContentConfig.Cache(true, 60, 0, 0, 1, List.of("utm_*"), List.of("x-tenant"), true, 0, "");
        ContentConfig content = new ContentConfig(
                List.of(new TrafficTarget("HTTPRoute", "default/shop", "")), null, ContentConfig.UNBOUNDED, cache);
        assertThat(one(explainer(List.of(content), shop), "GET", "http://shop.example:8000/")
                        .route()
                        .steps())
                .contains(
                        "answered from the cache if that has an answer which is fresh, for 60s where answers do not say how long, apart for each x-tenant, without the parameters utm_*");
    }

    @Test
    void saysWhyOthersWereNotChosen() {
        MatchConfig asksMore = new MatchConfig(
                new PathMatch(PathMatch.Type.PREFIX, "/cart"),
                "",
                List.of(new ValueMatch(ValueMatch.Type.EXACT, "x-user", "ops")),
                List.of());
        Explanation told = one(
                explainer(
                        route("shop", "shop.example", rule(prefix("/cart"), "default/blue:80"), rule(asksMore)),
                        route("all", "*.example", rule(prefix("/"), "default/blue:80")),
                        route("other", "other.example", rule(prefix("/"), "default/blue:80"))),
                "GET",
                "http://shop.example:8000/cart");
        assertThat(told.others())
                .extracting(Explanation.Other::name, Explanation.Other::rule, Explanation.Other::reason)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple(
                                "HTTPRoute default/all", "1", "it matches, too, but its host name is less specific"),
                        org.assertj.core.groups.Tuple.tuple(
                                "HTTPRoute default/shop", "2", "there is no header x-user"));
        assertThat(one(
                                explainer(route(
                                        "shop",
                                        "shop.example",
                                        rule(prefix("/cart")),
                                        rule(asksMore, "default/blue:80"))),
                                "GET",
                                "http://shop.example:8000/cart",
                                "X-User: ops")
                        .others())
                .extracting(Explanation.Other::reason)
                .containsExactly("it matches, too, but it asks for fewer headers");
    }

    @Test
    void saysWhatIsAnsweredWithoutABackend() {
        Explainer explainer = explainer(
                route("none", "none.example", rule(prefix("/"), "default/none:80")),
                route("nowhere", "nowhere.example", rule(prefix("/"))));
        assertThat(one(explainer, "GET", "http://none.example:8000/").outcome())
                .isEqualTo("answered with 503: no endpoint is ready");
        assertThat(one(explainer, "GET", "http://nowhere.example:8000/").outcome())
                .isEqualTo("answered with 500: the rule leads nowhere");
        Explanation missing = one(explainer, "GET", "http://shop.example:8000/");
        assertThat(missing.outcome()).startsWith("answered with 404: no route");
        assertThat(missing.others())
                .extracting(Explanation.Other::reason)
                .containsExactly("it is for the host name none.example", "it is for the host name nowhere.example");
        assertThat(one(explainer, "GET", "http://shop.test:8000/").outcome())
                .isEqualTo("answered with 404: no listener is for the host name shop.test; they are for *.example");
    }

    @Test
    void saysHowABackendIsSpokenTo() {
        assertThat(Words.traffic(TrafficConfig.NONE.withFallback("default/other:80")))
                .containsExactly("else to default/other:80");
        assertThat(Words.traffic(TrafficConfig.NONE)).isEmpty();
        BalanceConfig maglev = new BalanceConfig("Maglev", 2, 0, 0, List.of(), null, 50, 140);
        assertThat(Words.traffic(TrafficConfig.NONE.withBalance(maglev.withBalanceFactor(125))))
                .containsExactly("balanced by Maglev, none with more than 125 percent of its share");
        assertThat(Words.traffic(TrafficConfig.NONE.withBalance(
                        maglev.withSubset(new Subset("version", "x-version", null, Subset.Fallback.ANY, "")))))
                .containsExactly(
                        "balanced by Maglev",
                        "to endpoints whose label version is as the header x-version says, else to any");
        assertThat(Words.traffic(TrafficConfig.NONE.withBalance(
                        maglev.withSubset(new Subset("zone", null, "z", Subset.Fallback.DEFAULT, "a")))))
                .contains("to endpoints whose label zone is as the cookie z says, else to those where it is a");
    }

    @Test
    void readsQueriesAsTheDataPlaneDoes() {
        Question asked = Question.of("GET", "http://shop.example/?a=b%20c+d&a=e&flag", List.of());
        assertThat(asked.queryParam("a")).isEqualTo("b c d");
        assertThat(asked.queryParam("flag")).isEmpty();
        assertThat(asked.queryParam("b")).isNull();
    }

    @Test
    void namesWhatIsWrongWithTheQuestion() {
        Explainer explainer = explainer();
        assertThatThrownBy(() -> one(explainer, "GET", "http://shop.example/"))
                .hasMessage(
                        "url: there is no listener of HTTP on port 80; there are: http://127.0.0.1:8000 (default/edge)");
        assertThatThrownBy(() -> one(explainer, "GET", "shop.example"))
                .hasMessage("url: \"shop.example\": expected such as http://shop.example:8000/cart");
        assertThatThrownBy(() -> one(explainer, "get", "http://shop.example:8000/"))
                .hasMessage("method: \"get\": expected such as GET");
        assertThatThrownBy(() -> one(explainer, "GET", "http://shop.example:8000/", "x"))
                .hasMessage("header: \"x\": expected \"Name: value\"");
    }

    @Test
    void listsWhatIsRouted() {
        assertThat(explainer(route("shop", "shop.example", rule(prefix("/cart"), "default/blue:80")))
                        .routes(""))
                .containsExactly(new RouteLine(
                        "default/edge, listener http",
                        "127.0.0.1:8000",
                        "HTTPRoute default/shop",
                        "1",
                        "host shop.example, path prefix /cart",
                        "default/blue:80",
                        "sent to one of 1 endpoint"));
        assertThat(explainer(route("shop", "shop.example", rule(prefix("/")))).routes("default/other"))
                .isEmpty();
    }
}
