package dev.coppice.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.ClientConfig;
import dev.coppice.gateway.config.ClientConfig.ProxyProtocol;
import dev.coppice.gateway.config.ClientConfig.WebSockets;
import dev.coppice.gateway.config.TrafficConfig;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** ClientTrafficPolicies: what they come to, which of them count, and what is said of them. */
class ClientPoliciesTest {
    private static final String ACCEPTED = "Accepted=True/Accepted";
    private static final String GATE = "{group: gateway.networking.k8s.io, kind: Gateway, name: gate}";
    private static final String PROXY = "proxyProtocol: {trustedAddresses: [10.0.0.0/8, \"fd00::1\"]}";

    private final World world = new World()
            .service("default", "web", "{name: http, port: 80}", "10.0.0.1")
            .apply("""
                    kind: Gateway
                    metadata: {name: gate}
                    spec:
                      gatewayClassName: coppice
                      listeners:
                      - {name: http, port: 80, protocol: HTTP}
                      - {name: other, port: 81, protocol: HTTP, hostname: a.example.org}
                      - {name: shared, port: 81, protocol: HTTP, hostname: b.example.org}
                    ---
                    kind: HTTPRoute
                    metadata: {name: shop}
                    spec: {parentRefs: [{name: gate}], rules: [{backendRefs: [{name: web, port: 80}]}]}
                    """);

    private World policy(String name, String target, String fields) {
        return world.apply("kind: ClientTrafficPolicy\nmetadata: {name: " + name + "}\nspec: {targetRefs: [" + target
                + "], " + fields + "}");
    }

    private static String listener(String name) {
        return GATE.replace("}", ", sectionName: " + name + "}");
    }

    private static @Nullable ClientConfig clients(World.Outcome outcome, String listener) {
        return outcome.served(listener).clients();
    }

    private static List<String> said(World.Outcome outcome, String policy) {
        return outcome.parents("ClientTrafficPolicy", policy);
    }

    private static String message(World.Outcome outcome, String policy) {
        return ((Draft.OfRoute) outcome.draft("ClientTrafficPolicy", policy))
                .parents()
                .getFirst()
                .conditions()
                .getFirst()
                .message();
    }

    @Test
    void aPolicyIsForAllListenersOfItsGateway() {
        assertThat(clients(world.translate(), "http")).isNull();
        policy("p", GATE, PROXY + ", webSocket: {idleTimeout: 5m, maxDuration: 1h, maxConnections: 10}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly(ACCEPTED);
        ClientConfig expected = new ClientConfig(
                new ProxyProtocol(List.of("10.0.0.0/8", "fd00::1"), false),
                new WebSockets(300_000, 3_600_000, 10),
                null);
        assertThat(clients(outcome, "http")).isEqualTo(expected);
        assertThat(clients(outcome, "shared")).isEqualTo(expected);
    }

    @Test
    void oneForAListenerCountsBeforeOneForItsGatewayAndTheOldestOfThoseForTheSame() {
        policy("wide", GATE, PROXY);
        policy("narrow", listener("http"), "webSocket: {maxConnections: 3}");
        policy("late", listener("http"), PROXY);
        World.Outcome outcome = world.translate();
        assertThat(clients(outcome, "http")).isEqualTo(new ClientConfig(null, new WebSockets(0, 0, 3), null));
        assertThat(clients(outcome, "other")).isNotNull();
        assertThat(said(outcome, "wide")).containsExactly(ACCEPTED);
        assertThat(said(outcome, "narrow")).containsExactly(ACCEPTED);
        assertThat(said(outcome, "late")).containsExactly("Accepted=False/Conflicted");
        assertThat(message(outcome, "late"))
                .isEqualTo("the older policy narrow is for Gateway default/gate, listener http too");
    }

    @Test
    void listenersOfAPortHaveToAgreeAboutHeaders() {
        policy("p", listener("other"), PROXY + ", webSocket: {maxConnections: 3}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly("Accepted=False/Conflicted");
        assertThat(message(outcome, "p")).contains("default/gate/other, default/gate/shared");
        assertThat(clients(outcome, "other")).isEqualTo(new ClientConfig(null, new WebSockets(0, 0, 3), null));
        policy("q", listener("shared"), PROXY);
        outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly(ACCEPTED);
        assertThat(said(outcome, "q")).containsExactly(ACCEPTED);
    }

    @Test
    void targetsThatAreNotThereAreTold() {
        policy("p", GATE.replace("gate}", "gone}"), PROXY);
        policy("q", listener("gone"), PROXY);
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly("Accepted=False/TargetNotFound");
        assertThat(message(outcome, "q")).isEqualTo("Gateway gate has no listener gone");
        assertThat(clients(outcome, "http")).isNull();
    }

    /** An API server without these rules may have let it in. */
    @Test
    void whatIsNoRangeOfAddressesIsToldAltogether() {
        policy("p", GATE, "proxyProtocol: {trustedAddresses: [10.0.0.0/33, 10.0.0.0/8, example.org]}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly("Accepted=False/Invalid");
        assertThat(message(outcome, "p"))
                .startsWith("proxyProtocol.trustedAddresses: \"10.0.0.0/33\" is no range of addresses")
                .contains("\"example.org\"");
        assertThat(clients(outcome, "http")).isNull();
    }

    @Test
    void backendsAreToldWhoTheClientIsIfAPolicySaysSo() {
        world.apply("""
                kind: BackendTrafficPolicy
                metadata: {name: p}
                spec: {targetRefs: [{group: "", kind: Service, name: web}], proxyProtocol: {version: V2}}
                """);
        World.Outcome outcome = world.translate();
        assertThat(outcome.upstream("default/web:80").traffic())
                .isEqualTo(TrafficConfig.NONE.withProxyProtocol(TrafficConfig.ProxyProtocol.V2));
        assertThat(outcome.parents("BackendTrafficPolicy", "p")).containsExactly(ACCEPTED);
    }

    private static final String LOCATIONS = "geography: {headers: {country: X-Country, autonomousSystem: X-AS}}";

    @Test
    void requestsSayWhereTheirClientIsWhereSomebodyKnows() {
        policy("p", GATE, LOCATIONS);
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly(ACCEPTED + " ResolvedRefs=False/NoDatabase");
        ClientConfig clients = clients(outcome, "http");
        assertThat(clients).isNotNull();
        assertThat(clients.geography()).isEqualTo(new ClientConfig.Geography(null, "x-country", null, "x-as"));
    }

    @Test
    void headersOfLocationsAreOfTheirOwnAndAllThatIsWrongIsToldTogether() {
        policy(
                "p",
                GATE,
                "proxyProtocol: {trustedAddresses: [10.0.0.0/33]}, geography: {headers:"
                        + " {continent: Cookie, country: X-Place, subdivision: x-place}}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly("Accepted=False/Invalid");
        assertThat(message(outcome, "p"))
                .contains("proxyProtocol.trustedAddresses: \"10.0.0.0/33\"")
                .contains("geography.headers.continent: Cookie has another meaning")
                .contains("geography.headers.subdivision: x-place is there twice");
        assertThat(clients(outcome, "http")).isNull();
    }

    @Test
    void whatIsWrongElsewhereLetsNobodyWriteHeadersOfLocations() {
        policy("p", GATE, "proxyProtocol: {trustedAddresses: [10.0.0.0/33]}, " + LOCATIONS);
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly("Accepted=False/Invalid ResolvedRefs=False/NoDatabase");
        assertThat(message(outcome, "p")).endsWith("as if there were no policy, but for geography");
        ClientConfig clients = clients(outcome, "http");
        assertThat(clients).isNotNull();
        assertThat(clients.proxyProtocol()).isNull();
        assertThat(clients.geography()).isNotNull();
    }
}
