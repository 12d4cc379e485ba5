package dev.coppice.acceptance.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.acceptance.gateway.Claim.Condition;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the words of the data are read as; no node is needed. */
final class ConformanceCasesTest {

    private static ConformanceCase section(String body) {
        return ConformanceCases.parse("# Cases\n\n## HTTPRoute (1)\n\n\n### ATest\n\n" + body)
                .getFirst();
    }

    private static Claim claim(String line) {
        return Claims.parse(line).claim();
    }

    private static Exchange row(String request, String gives) {
        Exchange exchange = ExchangeRows.parse("| 1 | " + request + " | " + gives + " |");
        assertThat(exchange).isNotNull();
        return exchange;
    }

    @Test
    void sectionsHaveNeedsManifestsNotesClaimsAndRows() {
        ConformanceCase read = section("""
                Needs: Gateway, HTTPRoute. Manifests: `tests/a.yaml`, `tests/b.yaml`. Provisional upstream.
                Note: Told in prose.
                - Gateway ns/gw has an address and is accepted; HTTPRoute(s) ns/a are accepted by it

                | # | request | must give |
                |---|---|---|
                | 1 | GET `/` — step: first | status 404 |
                """);
        assertThat(read.needs()).containsExactly("Gateway", "HTTPRoute");
        assertThat(read.manifests()).containsExactly("tests/a.yaml", "tests/b.yaml");
        assertThat(read.note()).isEqualTo("Told in prose.");
        assertThat(read.claims()).hasSize(1);
        assertThat(read.exchanges()).hasSize(1);
        assertThat(read.exchanges().getFirst().step()).isEqualTo("first");
    }

    @Test
    void whatIsNotKnownIsKept() {
        assertThat(section("Needs: Gateway. Manifest: `a.yaml`.\nSomething else.\n")
                        .claims())
                .extracting(Claim.Told::claim)
                .containsExactly(new Claim.NotUnderstood());
        assertThat(claim("the moon is full")).isEqualTo(new Claim.NotUnderstood());
        assertThat(claim("the test patches an object (`e` in the source)")).isEqualTo(new Claim.Unmechanical());
        assertThat(row("GET `/`", "status 200; the moon is full").notUnderstood())
                .containsExactly("the moon is full");
        assertThat(row("GET `/`", "status 200; response headers `A: b` or `A: c`")
                        .notUnderstood())
                .hasSize(1);
        assertThat(row("GET `/`, by moonlight", "status 200").call()).isNull();
        assertThat(row("carrier pigeon", "status 200").call()).isNull();
    }

    @Test
    void claimsOfRoutes() {
        assertThat(
                        claim(
                                "Gateway ns/gw (listeners l3, l4) has an address and is accepted; HTTPRoute(s) ns/a, ns/b are accepted by it — step: x"))
                .isEqualTo(new Claim.GatewayServes(
                        "ns/gw", List.of("l3", "l4"), true, "HTTPRoute", List.of("ns/a", "ns/b")));
        assertThat(claim("Gateway ns/gw has an address and is accepted; route(s) ns/a are accepted by it"))
                .isEqualTo(new Claim.GatewayServes("ns/gw", List.of(), true, "", List.of("ns/a")));
        assertThat(claim("Gateway ns/gw (listeners http) gets an address"))
                .isEqualTo(new Claim.GatewayServes("ns/gw", List.of("http"), false, "", List.of()));
        assertThat(claim("HTTPRoute ns/a, ns/b: ResolvedRefs=True for parent ns/gw"))
                .isEqualTo(new Claim.RouteCondition(
                        "HTTPRoute", List.of("ns/a", "ns/b"), "ns/gw", new Condition("ResolvedRefs", "True", "")));
        assertThat(claim("TLSRoute ns/a under parent ns/gw: condition Accepted=False (reason NoMatchingParent)"))
                .isEqualTo(new Claim.RouteCondition(
                        "TLSRoute", List.of("ns/a"), "ns/gw", new Condition("Accepted", "False", "NoMatchingParent")));
        assertThat(claim("HTTPRoute ns/a: no parent has accepted it"))
                .isEqualTo(new Claim.NoParentAccepted("HTTPRoute", "ns/a"));
        assertThat(claim("HTTPRoute ns/a: status.parents is parent {Name: gw, Namespace: ns} with [Accepted=True]"))
                .isEqualTo(new Claim.OnlyParent(
                        "HTTPRoute", "ns/a", "ns/gw", List.of(new Condition("Accepted", "True", ""))));
        assertThat(claim("UDPRoute ns/a: status.parents is the Gateway with [Accepted=True (reason Accepted)]"))
                .isEqualTo(new Claim.OnlyParent(
                        "UDPRoute", "ns/a", "", List.of(new Condition("Accepted", "True", "Accepted"))));
        assertThat(claim("parent ns/ls is accepted; route(s) {}, ns/a are accepted by it"))
                .isEqualTo(new Claim.ParentServes("ns/ls", List.of("ns/a")));
    }

    @Test
    void claimsOfGatewaysAndPolicies() {
        assertThat(
                        claim(
                                "Gateway ns/gw: status.listeners is exactly listener `a`: attachedRoutes 2, supportedKinds [HTTPRoute],"
                                        + " conditions [Accepted=True, ResolvedRefs=False (reason X)], listener `b`: attachedRoutes 0, supportedKinds [], conditions [Accepted=True]"))
                .isEqualTo(new Claim.Listeners(
                        "Gateway",
                        "ns/gw",
                        true,
                        List.of(
                                new Claim.ListenerStatus(
                                        "a",
                                        2,
                                        List.of("HTTPRoute"),
                                        List.of(
                                                new Condition("Accepted", "True", ""),
                                                new Condition("ResolvedRefs", "False", "X"))),
                                new Claim.ListenerStatus(
                                        "b", 0, List.of(), List.of(new Condition("Accepted", "True", ""))))));
        assertThat(
                        claim(
                                "ListenerSet ns/ls: status.listeners is exactly {Name: l, SupportedKinds: HTTPRoute, AttachedRoutes: 3, Conditions: Accepted=True, Programmed=True}"))
                .isEqualTo(new Claim.Listeners(
                        "ListenerSet",
                        "ns/ls",
                        true,
                        List.of(new Claim.ListenerStatus(
                                "l",
                                3,
                                List.of("HTTPRoute"),
                                List.of(
                                        new Condition("Accepted", "True", ""),
                                        new Condition("Programmed", "True", ""))))));
        assertThat(claim("ListenerSet ns/ls: listeners (Accepted=False (reason X), Programmed=False (reason X), l)"))
                .isEqualTo(new Claim.Listeners(
                        "ListenerSet",
                        "ns/ls",
                        false,
                        List.of(new Claim.ListenerStatus(
                                "l",
                                -1,
                                null,
                                List.of(
                                        new Condition("Accepted", "False", "X"),
                                        new Condition("Programmed", "False", "X"))))));
        assertThat(claim("Gateway ns/gw, one listener: https, Programmed=False"))
                .isEqualTo(new Claim.Listeners(
                        "Gateway",
                        "ns/gw",
                        false,
                        List.of(new Claim.ListenerStatus(
                                "https", -1, null, List.of(new Condition("Programmed", "False", ""))))));
        assertThat(claim("GatewayClass /c: every condition has observedGeneration = metadata.generation"))
                .isEqualTo(new Claim.LatestConditions("GatewayClass", "/c"));
        assertThat(claim("Gateway ns/gw: attachedRoutes is 0")).isEqualTo(new Claim.AttachedRoutes("ns/gw", 0));
        assertThat(claim("BackendTLSPolicy ns/p, ancestor ns/gw: condition Accepted=False (reason Conflicted)"))
                .isEqualTo(new Claim.AncestorCondition(
                        "BackendTLSPolicy", "ns/p", "ns/gw", new Condition("Accepted", "False", "Conflicted")));
        assertThat(
                        claim(
                                "500 requests are spread over the backends with the weights {a-v1: 0.7, a-v2: 0.3}, each within 5 percentage points; up to 10 attempts — step: s"))
                .isEqualTo(new Claim.Distribution(500, Map.of("a-v1", 0.7, "a-v2", 0.3), 0.05, 10));
    }

    @Test
    void rowsOfRequests() {
        Exchange headers = row(
                "PUT `/multiple?a=b`, host `example.org:8080`, headers `X-A: 1, 2`; `X-B: c;d`",
                "status 200; served by `v1` in `ns`; backend sees path `/new`, host `other`, headers `X-C: v1,v2`; `X-D: e`; backend must not see header X-A, X-B");
        assertThat(headers.request())
                .isEqualTo(new Exchange.Request(
                        "PUT",
                        "/multiple?a=b",
                        "example.org:8080",
                        List.of(Map.entry("X-A", "1, 2"), Map.entry("X-B", "c;d")),
                        "",
                        "",
                        ""));
        Exchange.Expectation expected = headers.expectation();
        assertThat(expected.servedBy()).isEqualTo("v1");
        assertThat(expected.servedIn()).isEqualTo("ns");
        assertThat(expected.seenPath()).isEqualTo("/new");
        assertThat(expected.seenHost()).isEqualTo("other");
        assertThat(expected.seenHeaders()).containsOnly(Map.entry("X-C", "v1,v2"), Map.entry("X-D", "e"));
        assertThat(expected.unseenHeaders()).containsExactly("X-A", "X-B");
        assertThat(headers.notUnderstood()).isEmpty();

        Exchange redirect = row(
                "GET `/`, redirects not followed",
                "status 302; redirect to scheme `https`, port `8443`, host `example.org`");
        assertThat(redirect.expectation().redirect())
                .isEqualTo(new Exchange.Redirect("https", "example.org", "8443", ""));
        assertThat(redirect.expectation().outcome()).isEqualTo(new Exchange.Status(List.of(302)));

        Exchange response = row("GET `/`", "status 200; response headers `A: b`; `C: d`; response must not carry E, F");
        assertThat(response.expectation().responseHeaders()).containsOnly(Map.entry("A", "b"), Map.entry("C", "d"));
        assertThat(response.expectation().absentResponseHeaders()).containsExactly("E", "F");

        Exchange mirror = row(
                "GET `/`",
                "status 200; a copy reaches {{Name: v2, Namespace: ns}, Percent: int32(20)}, {{Name: v3, Namespace: ns}}");
        assertThat(mirror.expectation().mirrors())
                .containsExactly(new Exchange.Mirror("ns", "v2", 20), new Exchange.Mirror("ns", "v3", -1));

        assertThat(row("GET `/`, SNI `a.example`", "status 500 or 502")
                        .expectation()
                        .outcome())
                .isEqualTo(new Exchange.Status(List.of(500, 502)));
        assertThat(row("GET `/`", "an HTTP answer with any status but 200")
                        .expectation()
                        .outcome())
                .isEqualTo(new Exchange.AnyStatusBut(200));
        assertThat(row("GET `/`", "the request fails (TLS handshake refused)")
                        .expectation()
                        .outcome())
                .isEqualTo(new Exchange.Refused());
    }

    @Test
    void casesAreFilledIn() {
        ConformanceCase read = section("""
                Needs: Gateway. Manifest: `a.yaml`.
                - case: name: one; args: {path: /retry, retrySimulationConfig: {responseCode: 500, succeedAfter: 2}}; want: {StatusCodes: 500, 503}
                - case: name: two; gateway: ns/gw; args: {path: /other}
                - Gateway the case’s gateway (listeners http) gets an address

                | # | request | must give |
                |---|---|---|
                | 1 | GET `the case’s args.path?retry parameters and a fresh uuid=` | the answer that the case wants; served by `v3` in `ns` |
                """);
        Exchange first = read.exchanges().getFirst();
        assertThat(first.request().target()).isEqualTo("/retry?responseCode=500&succeedAfter=2&uuid={FRESH}");
        assertThat(first.expectation().outcome()).isEqualTo(new Exchange.Status(List.of(500, 503)));
        assertThat(read.exchanges()).hasSize(2);
        assertThat(read.claims())
                .extracting(Claim.Told::claim)
                .contains(new Claim.GatewayServes("ns/gw", List.of("http"), false, "", List.of()));
    }

    /** The data themselves, where they are: how much of them is read, so that a change of their form shows. */
    @Test
    void readsTheData() throws Exception {
        Path folder = dev.coppice.acceptance.Shell.recordings("gateway-api");
        List<ConformanceCase> cases = ConformanceCases.read(folder);
        assertThat(cases)
                .hasSize(Files.readAllLines(folder.resolve("tests.tsv")).size() - 1);
        for (ConformanceCase test : cases) {
            if (test.needs().contains("HTTPRoute") && !test.needs().contains("Mesh")) {
                assertThat(test.exchanges()).as(test.name()).allMatch(exchange -> exchange.request() != null);
            }
            if (test.name().startsWith("HTTPRoute")) {
                assertThat(test.claims())
                        .as(test.name())
                        .noneMatch(told -> told.claim() instanceof Claim.NotUnderstood);
            }
        }
    }
}
