package dev.coppice.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.ChallengeConfig;
import dev.coppice.gateway.config.ListenerConfig;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which listeners show which challenges. */
final class ChallengesTest {
    private final World world = new World();

    @BeforeEach
    void gateway() {
        world.apply("""
                apiVersion: gateway.networking.k8s.io/v1
                kind: Gateway
                metadata: {name: edge}
                spec:
                  gatewayClassName: coppice
                  listeners:
                  - {name: http, protocol: HTTP, port: 80}
                  - {name: open, protocol: HTTP, port: 8080, allowedRoutes: {namespaces: {from: All}}}
                  - {name: other, protocol: HTTP, port: 8081, hostname: other.example}
                  - {name: https, protocol: HTTPS, port: 443, hostname: shop.example, tls: {certificateRefs: [{name: shop}]}}
                """);
    }

    private void challenge(String namespace, String type, String parents, String status) {
        world.apply("""
                apiVersion: acme.cert-manager.io/v1
                kind: Challenge
                metadata: {name: shop, namespace: %s}
                spec:
                  url: https://acme.example/challenge/1
                  authorizationURL: https://acme.example/authorization/1
                  dnsName: shop.example
                  type: %s
                  token: tok
                  key: tok.print
                  issuerRef: {name: acme}
                  solver: {%s: %s}
                %s
                """.formatted(
                        namespace,
                        type,
                        type.equals("HTTP-01") ? "http01" : "coppiceTLSALPN01",
                        type.equals("HTTP-01") ? "{gatewayHTTPRoute: " + parents + "}" : parents,
                        status));
    }

    private List<String> listeners() {
        return world.translate().config().challenges().stream()
                .flatMap(each -> each.listeners().stream())
                .map(ChallengeConfig.Listener::name)
                .toList();
    }

    @Test
    void listenersThatWouldTakeARouteForTheNameShowIt() {
        challenge("default", "HTTP-01", "{}", "");
        assertThat(listeners()).containsExactly("http", "open");
        ChallengeConfig config = world.translate().config().challenges().getFirst();
        assertThat(config.type()).isEqualTo(ChallengeConfig.Type.HTTP);
        assertThat(config.host() + " " + config.token() + " " + config.key()).isEqualTo("shop.example tok tok.print");
    }

    @Test
    void namespacesThatMayNotAttachRoutesMayNotShowChallenges() {
        world.namespace("tenant", "");
        challenge("tenant", "HTTP-01", "{}", "");
        assertThat(listeners()).containsExactly("open");
        challenge("tenant", "TLS-ALPN-01", "{}", "");
        assertThat(listeners()).isEmpty();
    }

    @Test
    void parentsMayBeChosen() {
        challenge("default", "HTTP-01", "{parentRefs: [{name: edge, sectionName: open}]}", "");
        assertThat(listeners()).containsExactly("open");
        challenge("default", "HTTP-01", "{parentRefs: [{name: nobody}]}", "");
        assertThat(listeners()).isEmpty();
    }

    @Test
    void whatIsOverIsShownNoMore() {
        challenge("default", "HTTP-01", "{}", "status: {state: valid}");
        assertThat(listeners()).isEmpty();
    }

    @Test
    void namesThatArePassedThroughOrRoutedByOthersAreNotShown() {
        world.namespace("tenant", "");
        world.namespace("owner", "");
        world.apply("""
                apiVersion: gateway.networking.k8s.io/v1
                kind: Gateway
                metadata: {name: shared}
                spec:
                  gatewayClassName: coppice
                  listeners:
                  - {name: passes, protocol: TLS, port: 8443, tls: {mode: Passthrough}, allowedRoutes: {namespaces: {from: All}}}
                  - name: ends
                    protocol: HTTPS
                    port: 9443
                    tls: {certificateRefs: [{name: all}]}
                    allowedRoutes: {namespaces: {from: All}}
                """);
        challenge("tenant", "TLS-ALPN-01", "{}", "");
        assertThat(listeners()).containsExactly("ends");
        world.apply("""
                apiVersion: gateway.networking.k8s.io/v1
                kind: HTTPRoute
                metadata: {name: shop, namespace: owner}
                spec:
                  parentRefs: [{name: shared, namespace: default, sectionName: ends}]
                  hostnames: [shop.example]
                """);
        assertThat(listeners()).isEmpty();
        // Who has the listener decides over its names.
        challenge("default", "TLS-ALPN-01", "{}", "");
        assertThat(listeners()).containsExactlyInAnyOrder("https", "ends");
    }

    @Test
    void aListenerWithoutItsCertificateIsOpenForTheChallengeAlone() {
        assertThat(world.translate().config().listeners())
                .extracting(ListenerConfig::name)
                .doesNotContain("https");
        challenge("default", "TLS-ALPN-01", "{}", "");
        World.Outcome outcome = world.translate();
        assertThat(listeners()).containsExactly("https");
        ListenerConfig open = outcome.served("https");
        assertThat(open.protocol()).isEqualTo(ListenerConfig.Protocol.CHALLENGE);
        assertThat(open.tls()).isNull();
        assertThat(open.routes()).isEmpty();
        // What its status says is what counts for others.
        assertThat(outcome.listener("edge", "https"))
                .contains("ResolvedRefs=False/InvalidCertificateRef", "Programmed=False/Invalid");
        assertThat(outcome.listener("edge", "http")).contains("Programmed=True/Programmed");
    }

    private void certified(String name, String gateway, String created, String status) {
        world.apply("""
                apiVersion: acme.cert-manager.io/v1
                kind: Challenge
                metadata: {name: %s, creationTimestamp: '%s'}
                spec:
                  url: https://acme.example/challenge/1
                  authorizationURL: https://acme.example/authorization/1
                  dnsName: shop.example
                  type: TLS-ALPN-01
                  token: %s
                  key: %s.print
                  issuerRef: {name: acme}
                  solver: {coppiceTLSALPN01: {parentRefs: [%s]}}
                %s
                """.formatted(name, created, name, name, gateway, status));
    }

    private List<String> tokens() {
        return world.translate().config().challenges().stream()
                .map(ChallengeConfig::token)
                .toList();
    }

    /** At a port the first one of a name shows its certificate: one that cannot be shown everywhere yet must not keep another from being looked at. */
    @Test
    void whoseGatewaysServeIsShownFirst() {
        String edge = "{name: edge}";
        certified("old", edge + ", {name: late}", "2026-01-01T00:00:00Z", "");
        certified("new", edge, "2026-01-02T00:00:00Z", "");
        assertThat(tokens()).containsExactly("old", "new");
        world.apply("""
                apiVersion: gateway.networking.k8s.io/v1
                kind: Gateway
                metadata: {name: edge}
                spec:
                  gatewayClassName: coppice
                  listeners:
                  - {name: https, protocol: HTTPS, port: 443, hostname: shop.example, tls: {certificateRefs: [{name: shop}]}}
                status: {conditions: [{type: Programmed, status: 'True', reason: Programmed, message: '', lastTransitionTime: '2026-01-01T00:00:00Z'}]}
                """);
        assertThat(tokens()).containsExactly("new", "old");
        // The server may be looking at it.
        certified("old", edge + ", {name: late}", "2026-01-01T00:00:00Z", "status: {presented: true, state: pending}");
        assertThat(tokens()).containsExactly("old", "new");
        certified("old", edge + ", {name: late}", "2026-01-01T00:00:00Z", "status: {presented: true, state: valid}");
        assertThat(tokens()).containsExactly("new");
    }
}
