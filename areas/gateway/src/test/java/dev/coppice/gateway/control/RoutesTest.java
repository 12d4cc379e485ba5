package dev.coppice.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.MatchConfig.PathMatch;
import dev.coppice.gateway.config.MatchConfig.ValueMatch;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.config.UpstreamConfig.Endpoint;
import dev.coppice.gateway.config.UpstreamConfig.Protocol;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Routes: what they attach to, what they refer to, and what becomes of their rules. */
class RoutesTest {
    private static final String GATE = """
            kind: Gateway
            metadata: {name: gate}
            spec:
              gatewayClassName: coppice
              listeners:
              - {name: http, port: 80, protocol: HTTP}
              - {name: org, port: 80, protocol: HTTP, hostname: "*.example.org"}
              - {name: alt, port: 8080, protocol: HTTP, allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {team: a}}}}}
            """;
    private static final String GOOD = "Accepted=True/Accepted ResolvedRefs=True/ResolvedRefs";

    private final World world = new World()
            .apply(GATE)
            .service("default", "web", "{name: http, port: 8080}", "10.0.0.1", "10.0.0.2", "10.0.0.1");

    private World route(String name, String spec) {
        return world.apply("kind: HTTPRoute\nmetadata: {name: " + name + "}\nspec:\n" + spec.indent(2));
    }

    private static RuleConfig rule(World.Outcome outcome, String listener) {
        return outcome.served(listener).routes().getFirst().rules().getFirst();
    }

    @Test
    void attachesToAllListenersThatTakeIt() {
        route("a", """
                parentRefs: [{name: gate}]
                rules: [{backendRefs: [{name: web, port: 8080}]}]
                """);
        World.Outcome outcome = world.translate();
        assertThat(outcome.parent("a")).isEqualTo(GOOD);
        assertThat(outcome.served("http").routes().getFirst().hostnames()).isEmpty();
        assertThat(outcome.served("org").routes().getFirst().hostnames()).containsExactly("*.example.org");
        assertThat(outcome.served("alt").routes()).isEmpty();
        assertThat(outcome.listener("gate", "http")).contains("routes=1 kinds=HTTPRoute");
        assertThat(outcome.listener("gate", "alt")).contains("routes=0");
        assertThat(outcome.upstream("default/web:8080").endpoints())
                .containsExactly(new Endpoint("10.0.0.1", 3000), new Endpoint("10.0.0.2", 3000));
        RuleConfig rule = rule(outcome, "http");
        assertThat(rule.matches().getFirst().path()).isEqualTo(PathMatch.ANY);
        assertThat(rule.backends().getFirst().upstream()).isEqualTo("default/web:8080");
        assertThat(rule.backends().getFirst().weight()).isEqualTo(1);
    }

    @Test
    void saysWhyNoListenerTakesIt() {
        world.namespace("other", "team: a");
        route("section", "parentRefs: [{name: gate, sectionName: none}]");
        route("port", "parentRefs: [{name: gate, port: 81}]");
        route("both", "parentRefs: [{name: gate, port: 8080, sectionName: http}]");
        route("host", "parentRefs: [{name: gate, sectionName: org}]\nhostnames: [example.org, a.example.com]");
        world.apply("kind: HTTPRoute\nmetadata: {name: away, namespace: other}\n"
                + "spec: {parentRefs: [{name: gate, namespace: default, sectionName: http}]}");
        world.apply("kind: HTTPRoute\nmetadata: {name: chosen, namespace: other}\n"
                + "spec: {parentRefs: [{name: gate, namespace: default}]}");
        route("nobody", "parentRefs: [{name: none}, {name: web, kind: Service, group: \"\"}]");
        World.Outcome outcome = world.translate();
        assertThat(outcome.parent("section"))
                .isEqualTo("Accepted=False/NoMatchingParent ResolvedRefs=True/ResolvedRefs");
        assertThat(outcome.parent("port")).startsWith("Accepted=False/NoMatchingParent");
        assertThat(outcome.parent("both")).startsWith("Accepted=False/NoMatchingParent");
        assertThat(outcome.parent("host")).startsWith("Accepted=False/NoMatchingListenerHostname");
        assertThat(outcome.parent("away")).startsWith("Accepted=False/NotAllowedByListeners");
        assertThat(outcome.parent("chosen")).isEqualTo(GOOD);
        assertThat(outcome.served("alt").routes()).extracting(RouteConfig::name).containsExactly("chosen");
        assertThat(outcome.parents("HTTPRoute", "nobody")).isEmpty();
        assertThat(outcome.listener("gate", "http")).contains("routes=0");
    }

    @Test
    void aPortOfBothTransportsIsTwoUpstreams() {
        world.apply("""
                kind: Service
                metadata: {name: dns}
                spec: {ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}]}
                ---
                kind: EndpointSlice
                metadata: {name: dns, labels: {kubernetes.io/service-name: dns}}
                addressType: IPv4
                ports: [{name: dns, port: 5353, protocol: UDP}, {name: dns-tcp, port: 5354, protocol: TCP}]
                endpoints: [{addresses: [10.0.0.7]}]
                ---
                kind: Gateway
                metadata: {name: names}
                spec:
                  gatewayClassName: coppice
                  listeners:
                  - {name: udp, port: 53, protocol: UDP}
                  - {name: tcp, port: 53, protocol: TCP}
                ---
                kind: UDPRoute
                metadata: {name: u}
                spec: {parentRefs: [{name: names}], rules: [{backendRefs: [{name: dns, port: 53}]}]}
                ---
                kind: TCPRoute
                metadata: {name: t}
                spec: {parentRefs: [{name: names}], rules: [{backendRefs: [{name: dns, port: 53}]}]}
                """);
        World.Outcome outcome = world.translate();
        assertThat(outcome.upstream("default/dns:53/udp").endpoints()).containsExactly(new Endpoint("10.0.0.7", 5353));
        assertThat(outcome.upstream("default/dns:53/tcp").endpoints()).containsExactly(new Endpoint("10.0.0.7", 5354));
        assertThat(outcome.served("udp").routes()).extracting(RouteConfig::name).containsExactly("u");
        assertThat(outcome.served("tcp").routes()).extracting(RouteConfig::name).containsExactly("t");
    }

    @Test
    void hostNamesHaveInCommonWhatBothSay() {
        assertThat(Hostnames.intersection("", List.of())).isEmpty();
        assertThat(Hostnames.intersection("a.org", List.of())).containsExactly("a.org");
        assertThat(Hostnames.intersection("", List.of("b.org"))).containsExactly("b.org");
        assertThat(Hostnames.intersection("*.a.org", List.of("x.a.org", "a.org", "x.y.a.org", "*.z.a.org", "*.org")))
                .containsExactly("x.a.org", "x.y.a.org", "*.z.a.org", "*.a.org");
        assertThat(Hostnames.intersection("x.a.org", List.of("*.a.org", "*.org")))
                .containsExactly("x.a.org");
        assertThat(Hostnames.intersection("a.org", List.of("*.a.org", "b.org"))).isNull();
    }

    @Test
    void referencesThatLeadNowhereAreToldAndTakeTheirShare() {
        world.namespace("far", "").service("far", "web", "{name: http, port: 80}", "10.0.0.9");
        world.service("default", "h2", "{name: http, port: 80, appProtocol: kubernetes.io/h2c}", "10.0.0.3");
        world.service("default", "ws", "{name: http, port: 80, appProtocol: kubernetes.io/ws}", "10.0.0.3");
        world.apply("kind: Service\nmetadata: {name: ext}\nspec: {type: ExternalName, ports: [{port: 80}]}");
        route(
                "kind",
                "parentRefs: [{name: gate}]\nrules: [{backendRefs: [{name: x, kind: Other, group: example.org}]}]");
        route(
                "none",
                "parentRefs: [{name: gate}]\nrules: [{backendRefs: [{name: x, port: 1}, {name: web, port: 8080}]}]");
        route("port", "parentRefs: [{name: gate}]\nrules: [{backendRefs: [{name: web, port: 1}]}]");
        route("far", "parentRefs: [{name: gate}]\nrules: [{backendRefs: [{name: web, namespace: far, port: 80}]}]");
        route("h2", "parentRefs: [{name: gate}]\nrules: [{backendRefs: [{name: h2, port: 80}]}]");
        route("ws", "parentRefs: [{name: gate}]\nrules: [{backendRefs: [{name: ws, port: 80}]}]");
        route("ext", "parentRefs: [{name: gate}]\nrules: [{backendRefs: [{name: ext, port: 80}]}]");
        World.Outcome outcome = world.translate();
        assertThat(outcome.parent("kind")).isEqualTo("Accepted=True/Accepted ResolvedRefs=False/InvalidKind");
        assertThat(outcome.parent("none")).endsWith("ResolvedRefs=False/BackendNotFound");
        assertThat(outcome.parent("port")).endsWith("ResolvedRefs=False/BackendNotFound");
        assertThat(outcome.parent("far")).endsWith("ResolvedRefs=False/RefNotPermitted");
        assertThat(outcome.parent("h2")).isEqualTo(GOOD);
        assertThat(outcome.upstream("default/h2:80/h2c").protocol()).isEqualTo(Protocol.H2C);
        assertThat(outcome.parent("ext")).endsWith("ResolvedRefs=False/UnsupportedValue");
        assertThat(outcome.parent("ws")).isEqualTo(GOOD);
        assertThat(outcome.upstream("default/ws:80/ws").protocol()).isEqualTo(Protocol.WEBSOCKET);
        RouteConfig none = outcome.served("http").routes().stream()
                .filter(each -> each.name().equals("none"))
                .findFirst()
                .orElseThrow();
        assertThat(none.rules().getFirst().backends())
                .extracting(each -> each.upstream())
                .containsExactly("", "default/web:8080");
    }

    @Test
    void aGrantLetsInAndItsEndShutsOut() {
        world.namespace("far", "").service("far", "web", "{name: http, port: 80}", "10.0.0.9");
        route("far", "parentRefs: [{name: gate}]\nrules: [{backendRefs: [{name: web, namespace: far, port: 80}]}]");
        String grant = """
                kind: ReferenceGrant
                metadata: {name: grant, namespace: %s}
                spec:
                  from: [{group: gateway.networking.k8s.io, kind: %s, namespace: default}]
                  to: [{group: "", kind: Service, name: %s}]
                """;
        world.apply(grant.formatted("default", "HTTPRoute", "web"));
        assertThat(world.translate().parent("far")).endsWith("False/RefNotPermitted");
        world.apply(grant.formatted("far", "TLSRoute", "web"));
        assertThat(world.translate().parent("far")).endsWith("False/RefNotPermitted");
        world.apply(grant.formatted("far", "HTTPRoute", "other"));
        assertThat(world.translate().parent("far")).endsWith("False/RefNotPermitted");
        world.apply(grant.formatted("far", "HTTPRoute", "web"));
        assertThat(world.translate().parent("far")).isEqualTo(GOOD);
        assertThat(world.translate().upstream("far/web:80").endpoints()).hasSize(1);
        world.remove("ReferenceGrant", "far", "grant");
        assertThat(world.translate().parent("far")).endsWith("False/RefNotPermitted");
        assertThat(world.translate().config().upstreams()).isEmpty();
    }

    @Test
    void servicesAndEndpointsAreFollowed() {
        route("a", "parentRefs: [{name: gate}]\nrules: [{backendRefs: [{name: late, port: 80}]}]");
        assertThat(world.translate().parent("a")).endsWith("False/BackendNotFound");
        world.service("default", "late", "{name: http, port: 80}");
        World.Outcome there = world.translate();
        assertThat(there.parent("a")).isEqualTo(GOOD);
        assertThat(there.upstream("default/late:80").endpoints()).isEmpty();
        world.apply("""
                kind: EndpointSlice
                metadata: {name: late-1, labels: {kubernetes.io/service-name: late}}
                addressType: IPv6
                ports: [{name: other, port: 1}, {name: http, port: 3000}]
                endpoints:
                - {addresses: ["fd00::1"], conditions: {ready: true}}
                - {addresses: ["fd00::2"], conditions: {ready: false, serving: true}}
                - {addresses: ["fd00::3"], conditions: {ready: false, serving: false}}
                """);
        assertThat(world.translate().upstream("default/late:80").endpoints())
                .containsExactly(new Endpoint("fd00::1", 3000));
        world.apply(
                "kind: Service\nmetadata: {name: late}\nspec: {publishNotReadyAddresses: true, ports: [{name: http, port: 80}]}");
        world.apply("""
                kind: EndpointSlice
                metadata: {name: late-1, labels: {kubernetes.io/service-name: late}}
                ports: [{name: http, port: 3000}]
                endpoints: [{addresses: ["fd00::2"], conditions: {ready: false, serving: true}}]
                """);
        assertThat(world.translate().upstream("default/late:80").endpoints())
                .containsExactly(new Endpoint("fd00::2", 3000));
    }

    @Test
    void matchesAndFiltersAreReadWhole() {
        route("a", """
                parentRefs: [{name: gate, sectionName: http}]
                rules:
                - name: first
                  matches:
                  - path: {type: PathPrefix, value: /a/}
                    method: GET
                    headers: [{name: X-One, value: "1"}, {name: x-one, value: "2"}, {name: Y, type: RegularExpression, value: "a+"}]
                    queryParams: [{name: Q, value: v}]
                  filters:
                  - type: RequestHeaderModifier
                    requestHeaderModifier: {set: [{name: A, value: b}], remove: [C]}
                  - type: RequestMirror
                    requestMirror: {backendRef: {name: web, port: 8080}, percent: 20}
                  - type: RequestMirror
                    requestMirror: {backendRef: {name: gone, port: 8080}, fraction: {numerator: 1, denominator: 3}}
                  - type: URLRewrite
                    urlRewrite: {hostname: b.org, path: {type: ReplacePrefixMatch, replacePrefixMatch: /b}}
                  - type: CORS
                    cors: {allowOrigins: ["https://*.example.org"], allowCredentials: true}
                  timeouts: {request: 1m2s, backendRequest: 500ms}
                  retry: {codes: [503], attempts: 2, backoff: 100ms}
                  backendRefs:
                  - name: web
                    port: 8080
                    weight: 3
                    filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: D, value: e}]}}]
                - matches: [{path: {type: Exact, value: /r}}]
                  filters: [{type: RequestRedirect, requestRedirect: {scheme: https, port: 8443, statusCode: 308}}]
                """);
        World.Outcome outcome = world.translate();
        assertThat(outcome.parent("a")).endsWith("False/BackendNotFound");
        RuleConfig rule = rule(outcome, "http");
        assertThat(rule.name()).isEqualTo("first");
        assertThat(rule.matches().getFirst().path()).isEqualTo(new PathMatch(PathMatch.Type.PREFIX, "/a"));
        assertThat(rule.matches().getFirst().headers())
                .containsExactly(
                        new ValueMatch(ValueMatch.Type.EXACT, "x-one", "1"),
                        new ValueMatch(ValueMatch.Type.REGEX, "y", "a+"));
        assertThat(rule.requestTimeoutMillis()).isEqualTo(62_000);
        assertThat(rule.backendTimeoutMillis()).isEqualTo(500);
        assertThat(rule.retry()).isNotNull();
        assertThat(rule.filters())
                .contains(
                        new FilterConfig.Mirror("default/web:8080", 20, 100),
                        new FilterConfig.Mirror("", 1, 3),
                        new FilterConfig.Rewrite(
                                "b.org", new FilterConfig.PathChange(FilterConfig.PathChange.Type.PREFIX, "/b")));
        assertThat(rule.backends().getFirst().filters()).hasSize(1);
        assertThat(outcome.served("http").routes().getFirst().rules().get(1).filters())
                .containsExactly(new FilterConfig.Redirect("https", null, null, 8443, 308));
    }

    @Test
    void whatCannotBeServedIsToldAndNeverThrown() {
        route(
                "all",
                "parentRefs: [{name: gate}]\n"
                        + "rules: [{matches: [{path: {type: RegularExpression, value: \"(\"}}]}]");
        route("some", """
                parentRefs: [{name: gate, sectionName: http}]
                rules:
                - matches: [{headers: [{name: a, type: RegularExpression, value: "((a{500}){500})"}]}, {path: {value: /x}}]
                  backendRefs: [{name: web, port: 8080}]
                - backendRefs: [{name: web, port: 8080}]
                """);
        route("ext", """
                parentRefs: [{name: gate, sectionName: http}]
                rules: [{filters: [{type: ExtensionRef, extensionRef: {group: example.org, kind: Thing, name: x}}]}]
                """);
        World.Outcome outcome = world.translate();
        assertThat(outcome.parent("all")).isEqualTo("Accepted=False/UnsupportedValue ResolvedRefs=True/ResolvedRefs");
        assertThat(outcome.parent("some")).isEqualTo(GOOD + " PartiallyInvalid=True/UnsupportedValue");
        assertThat(outcome.draft("HTTPRoute", "some").toString()).contains("Dropped Rule rules[0]");
        RouteConfig some = outcome.served("http").routes().getFirst();
        assertThat(some.rules().getFirst().invalid()).isNotNull();
        assertThat(some.rules().getFirst().matches()).hasSize(1);
        assertThat(some.rules().get(1).invalid()).isNull();
        assertThat(outcome.parent("ext")).isEqualTo("Accepted=True/Accepted ResolvedRefs=False/InvalidKind");
    }

    @Test
    void otherRoutesAttachToTheirProtocolsOnly() {
        world.apply("""
                kind: TCPRoute
                metadata: {name: tcp}
                spec: {parentRefs: [{name: gate}], rules: [{backendRefs: [{name: gone, port: 1}]}]}
                ---
                kind: TLSRoute
                metadata: {name: tls}
                spec: {parentRefs: [{name: gate}], hostnames: [a.org], rules: [{backendRefs: [{name: web, port: 8080}]}]}
                ---
                kind: GRPCRoute
                metadata: {name: grpc}
                spec: {parentRefs: [{name: gate}], rules: [{backendRefs: [{name: web, port: 8080}]}]}
                """);
        World.Outcome outcome = world.translate();
        assertThat(outcome.parents("TCPRoute", "tcp"))
                .containsExactly("Accepted=False/NotAllowedByListeners ResolvedRefs=False/BackendNotFound");
        assertThat(outcome.parents("TLSRoute", "tls"))
                .containsExactly("Accepted=False/NotAllowedByListeners ResolvedRefs=True/ResolvedRefs");
        // An HTTP listener takes it, and speaks HTTP/2 to a port that HTTPRoutes use as HTTP/1.1.
        assertThat(outcome.parents("GRPCRoute", "grpc")).containsExactly(GOOD);
        assertThat(outcome.upstream("default/web:8080/h2c").protocol()).isEqualTo(Protocol.H2C);
    }

    @Test
    void nothingIsMadeAnewWhenNothingChanged() {
        for (int i = 0; i < 20; i++) {
            route("r" + i, "parentRefs: [{name: gate}]\nrules: [{backendRefs: [{name: web, port: 8080}]}]");
        }
        World.Outcome before = world.translate();
        World.Outcome after = world.translate();
        assertThat(after.config()).isEqualTo(before.config());
        assertThat(after.drafts()).isEqualTo(before.drafts());
        for (int i = 0; i < 20; i++) {
            assertThat(after.served("http").routes().get(i))
                    .isSameAs(before.served("http").routes().get(i));
        }
    }

    @Test
    void anExternalNameIsWhereItsAddressesAre() {
        world.apply("kind: Service\nmetadata: {name: away}\nspec: {type: ExternalName, externalName: away.example}");
        world.apply(
                "kind: Service\nmetadata: {name: h2}\nspec: {type: ExternalName, externalName: h2.example, ports: [{name: x, port: 81, appProtocol: kubernetes.io/h2c}]}");
        route("away", "parentRefs: [{name: gate}]\nrules: [{backendRefs: [{name: away, port: 8080}]}]");
        route("h2", "parentRefs: [{name: gate}]\nrules: [{backendRefs: [{name: h2, port: 81}]}]");
        World.Outcome outcome = world.translate();
        // Nobody knows yet.
        assertThat(outcome.parent("away")).isEqualTo(GOOD);
        assertThat(outcome.upstream("default/away:8080").endpoints()).isEmpty();
        world.names.put("away.example", List.of("192.0.2.1", "192.0.2.2"));
        world.names.put("h2.example", List.of("2001:db8::1"));
        outcome = world.translate();
        assertThat(outcome.upstream("default/away:8080").endpoints())
                .containsExactly(
                        new UpstreamConfig.Endpoint("192.0.2.1", 8080), new UpstreamConfig.Endpoint("192.0.2.2", 8080));
        assertThat(outcome.upstream("default/h2:81/h2c").endpoints())
                .containsExactly(new UpstreamConfig.Endpoint("2001:db8::1", 81));
        // After a restart it is where it was, until it was looked up.
        List<String> found = world.names.remove("away.example");
        World later = new World();
        later.translation.resume(outcome.config());
        later.objects.putAll(world.objects);
        assertThat(later.translate().upstream("default/away:8080").endpoints())
                .isEqualTo(outcome.upstream("default/away:8080").endpoints());
        later.names.put("away.example", List.of());
        assertThat(later.translate().upstream("default/away:8080").endpoints()).isEmpty();
        assertThat(found).hasSize(2);
        assertThat(world.translate().upstream("default/away:8080").endpoints()).isEmpty();
        // It has endpoints of its own again.
        world.service("default", "away", "{name: http, port: 8080}", "10.0.0.9");
        assertThat(world.translate().upstream("default/away:8080").endpoints())
                .containsExactly(new UpstreamConfig.Endpoint("10.0.0.9", 3000));
    }

    private void slice(String name, String check, String address) {
        world.apply("""
                kind: EndpointSlice
                metadata: {name: %s, labels: {kubernetes.io/service-name: sites}, annotations: {gateway.coppice.dev/health-check: %s}}
                addressType: IPv4
                ports: [{name: http, port: 3000, protocol: TCP}]
                endpoints: [{addresses: [%s]}]
                """.formatted(name, check, address));
    }

    private List<String> addresses() {
        return world.translate().upstream("default/sites:80").endpoints().stream()
                .map(Endpoint::address)
                .toList();
    }

    @Test
    void endpointsWhoseHealthCheckIsDownAreLeftOutUnlessAllAre() {
        world.apply("kind: Service\nmetadata: {name: sites}\nspec: {ports: [{name: http, port: 80}]}");
        slice("near", "near", "10.0.0.1");
        slice("far", "far", "10.0.0.2");
        route("sites", "parentRefs: [{name: gate}]\nrules: [{backendRefs: [{name: sites, port: 80}]}]");
        // What is not known counts as up.
        assertThat(addresses()).containsExactlyInAnyOrder("10.0.0.1", "10.0.0.2");
        world.apply("kind: HealthCheck\nmetadata: {name: near}\nstatus: {state: Down}");
        assertThat(addresses()).containsExactly("10.0.0.2");
        world.apply("kind: HealthCheck\nmetadata: {name: far}\nstatus: {state: Degraded}");
        assertThat(addresses()).containsExactly("10.0.0.2");
        world.apply("kind: HealthCheck\nmetadata: {name: far}\nstatus: {state: Down}");
        assertThat(addresses()).containsExactlyInAnyOrder("10.0.0.1", "10.0.0.2");
        world.apply("kind: HealthCheck\nmetadata: {name: near}\nstatus: {state: Up}");
        assertThat(addresses()).containsExactly("10.0.0.1");
    }
}
