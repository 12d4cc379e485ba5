package dev.coppice.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.coppice.gateway.DataPlane.Binding;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.kind.ParentReference;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Gateways and ListenerSets: listeners, conflicts, addresses and conditions. */
class GatewaysTest {
    private static final String GOOD = "Accepted=True/Accepted Programmed=True/Programmed"
            + " ResolvedRefs=True/ResolvedRefs Conflicted=False/NoConflicts";
    private static final String PEM =
            "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQ==\n-----END PRIVATE KEY-----\n";

    private final World world = new World();

    private World gateway(String name, String spec) {
        return world.apply(
                "kind: Gateway\nmetadata: {name: " + name + "}\nspec:\n  gatewayClassName: coppice\n" + spec.indent(2));
    }

    private static String http(String name, int port) {
        return "{name: " + name + ", port: " + port + ", protocol: HTTP}";
    }

    @Test
    void aPlainGatewayIsServed() {
        gateway("one", "listeners: [" + http("http", 80) + "]");
        World.Outcome outcome = world.translate();
        assertThat(outcome.conditions("one"))
                .isEqualTo("Accepted=True/Accepted Programmed=True/Programmed ResolvedRefs=True/ResolvedRefs");
        assertThat(outcome.listener("one", "http")).isEqualTo(GOOD + " routes=0 kinds=HTTPRoute,GRPCRoute");
        assertThat(outcome.gateway("one").addresses()).containsExactly("127.0.0.1");
        assertThat(outcome.gateway("one").sets()).isZero();
        assertThat(outcome.config().listeners())
                .containsExactly(new ListenerConfig(
                        "default/one", "http", "127.0.0.1", 80, ListenerConfig.Protocol.HTTP, "", null, List.of()));
    }

    @Test
    void gatewaysOfOthersAreLeftAlone() {
        world.apply(
                "kind: GatewayClass\nmetadata: {name: other, namespace: \"\"}\nspec: {controllerName: example.org/x}");
        world.apply("kind: Gateway\nmetadata: {name: theirs}\nspec: {gatewayClassName: other, listeners: ["
                + http("a", 80) + "]}");
        World.Outcome outcome = world.translate();
        assertThat(outcome.drafts().keySet())
                .extracting(each -> each.key().name())
                .containsExactly("coppice");
        assertThat(outcome.config().listeners()).isEmpty();
    }

    @Test
    void addressesAreGivenByPortAndKept() {
        gateway("a", "listeners: [" + http("a", 80) + "]");
        gateway("b", "listeners: [" + http("b", 81) + "]");
        gateway("c", "listeners: [" + http("c", 80) + "]");
        World.Outcome first = world.translate();
        assertThat(first.gateway("a").addresses()).containsExactly("127.0.0.1");
        assertThat(first.gateway("b").addresses()).containsExactly("127.0.0.1");
        assertThat(first.gateway("c").addresses()).containsExactly("127.0.1.1");
        world.remove("Gateway", "default", "a");
        assertThat(world.translate().gateway("c").addresses()).containsExactly("127.0.1.1");
        gateway("d", "listeners: [" + http("d", 80) + "]");
        gateway("e", "listeners: [" + http("e", 80) + "]");
        gateway("f", "listeners: [" + http("f", 80) + "]");
        World.Outcome full = world.translate();
        assertThat(full.gateway("d").addresses()).containsExactly("127.0.0.1");
        assertThat(full.gateway("e").addresses()).containsExactly("127.0.1.2");
        assertThat(full.conditions("f")).contains("Accepted=True/Accepted Programmed=False/AddressNotAssigned");
        assertThat(full.gateway("f").addresses()).isEmpty();
        // After a restart it is what the status says that counts.
        world.addresses = Map.of();
        world.objects
                .get("Gateway")
                .values()
                .forEach(each -> each.putObject("status")
                        .putArray("addresses")
                        .addObject()
                        .put("value", "127.0.1.2"));
        world.remove("Gateway", "default", "e");
        assertThat(world.translate().gateway("b").addresses()).containsExactly("127.0.1.2");
    }

    @Test
    void addressesThatAreAskedFor() {
        gateway("static", """
                addresses: [{type: example.org/thing, value: x}, {value: 127.0.1.2}, {value: 192.0.2.1}]
                listeners: [{name: http, port: 80, protocol: HTTP}]
                """);
        assertThat(world.translate().conditions("static"))
                .startsWith("Accepted=False/UnsupportedAddress Programmed=False/Invalid");
        gateway("static", """
                addresses: [{value: 127.0.1.2}, {value: 192.0.2.1}]
                listeners: [{name: http, port: 80, protocol: HTTP}]
                """);
        World.Outcome partly = world.translate();
        assertThat(partly.conditions("static")).startsWith("Accepted=True/Accepted Programmed=False/AddressNotUsable");
        assertThat(partly.gateway("static").addresses()).containsExactly("127.0.1.2");
        gateway("static", "addresses: [{value: 127.0.1.2}]\nlisteners: [{name: http, port: 80, protocol: HTTP}]");
        assertThat(world.translate().conditions("static"))
                .startsWith("Accepted=True/Accepted Programmed=True/Programmed");
        gateway("second", "addresses: [{value: 127.0.1.2}]\nlisteners: [{name: http, port: 80, protocol: HTTP}]");
        World.Outcome both = world.translate();
        assertThat(both.listener("second", "http"))
                .startsWith("Accepted=False/PortUnavailable Programmed=False/Invalid");
        assertThat(both.conditions("second")).startsWith("Accepted=False/ListenersNotValid");
        gateway("empty", "addresses: [{type: IPAddress}]\nlisteners: [{name: http, port: 80, protocol: HTTP}]");
        assertThat(world.translate().gateway("empty").addresses()).containsExactly("127.0.0.1");
    }

    @Test
    void bindFailuresAreTold() {
        gateway("one", "listeners: [" + http("a", 80) + ", " + http("b", 81) + "]");
        world.failures = Map.of(new Binding("127.0.0.1", 81), "permission denied");
        World.Outcome outcome = world.translate();
        assertThat(outcome.conditions("one")).contains("Programmed=False/AddressNotUsable");
        assertThat(outcome.listener("one", "a")).startsWith(GOOD);
        assertThat(outcome.listener("one", "b")).contains("Accepted=True/Accepted Programmed=False/Invalid");
        assertThat(outcome.gateway("one").toString()).contains("port 81 of 127.0.0.1", "permission denied");
    }

    @Test
    void protocolsAndKinds() {
        gateway("none", "listeners: [{name: x, port: 80, protocol: example.org/odd}]");
        gateway("mixed", "listeners: [" + http("http", 80) + ", {name: x, port: 81, protocol: Odd}]");
        gateway("kinds", """
                listeners:
                - {name: bad, port: 80, protocol: HTTP, allowedRoutes: {kinds: [{kind: Odd}]}}
                - {name: part, port: 81, protocol: http, allowedRoutes: {kinds: [{kind: Odd}, {kind: HTTPRoute}]}}
                """);
        World.Outcome outcome = world.translate();
        assertThat(outcome.conditions("none")).startsWith("Accepted=False/ListenersNotValid Programmed=False/Invalid");
        assertThat(outcome.listener("none", "x"))
                .startsWith("Accepted=False/UnsupportedProtocol Programmed=False/Invalid")
                .endsWith("routes=0 kinds=");
        assertThat(outcome.conditions("mixed"))
                .startsWith("Accepted=True/ListenersNotValid Programmed=True/Programmed");
        assertThat(outcome.listener("kinds", "bad"))
                .contains("ResolvedRefs=False/InvalidRouteKinds")
                .endsWith("kinds=");
        assertThat(outcome.listener("kinds", "part"))
                .contains("Programmed=True", "ResolvedRefs=False/InvalidRouteKinds")
                .endsWith("kinds=HTTPRoute");
        assertThat(outcome.conditions("kinds")).contains("ResolvedRefs=False/ListenersNotResolved");
    }

    private static final String STREAMS = """
            kind: Gateway
            metadata: {name: stream}
            spec:
              gatewayClassName: coppice
              listeners:
              - {name: tcp, port: 80, protocol: TCP}
              - {name: udp, port: 80, protocol: UDP}
              - {name: pass, port: 443, protocol: TLS, tls: {mode: Passthrough}}
            """;

    @Test
    void streamsAndDatagramsAreServed() {
        World.Outcome outcome = world.apply(STREAMS).translate();
        assertThat(outcome.conditions("stream")).startsWith("Accepted=True/Accepted Programmed=True/Programmed");
        assertThat(outcome.served("tcp").protocol()).isEqualTo(ListenerConfig.Protocol.TCP);
        assertThat(outcome.served("udp").protocol()).isEqualTo(ListenerConfig.Protocol.UDP);
        assertThat(outcome.served("pass").protocol()).isEqualTo(ListenerConfig.Protocol.TLS);
        assertThat(outcome.served("pass").tls()).isNull();
    }

    @Test
    void whatADataPlaneCannotServeSaysSo() {
        World.Outcome outcome = new World(new Capabilities(Set.of("HTTP"), false, false))
                .apply(STREAMS)
                .translate();
        assertThat(outcome.conditions("stream")).startsWith("Accepted=True/Accepted Programmed=False/Pending");
        for (String name : List.of("tcp", "udp", "pass")) {
            assertThat(outcome.listener("stream", name))
                    .startsWith("Accepted=True/Accepted Programmed=False/Pending ResolvedRefs=True/ResolvedRefs");
        }
        assertThat(outcome.listener("stream", "pass")).endsWith("kinds=TLSRoute");
        assertThat(outcome.gateway("stream").addresses()).containsExactly("127.0.0.1");
        assertThat(outcome.config().listeners()).isEmpty();
    }

    @Test
    void conflicts() {
        gateway("one", """
                listeners:
                - {name: http, port: 80, protocol: HTTP}
                - {name: tcp, port: 80, protocol: TCP}
                - {name: ok, port: 81, protocol: HTTP}
                - {name: also, port: 81, protocol: UDP}
                """);
        World.Outcome outcome = world.translate();
        assertThat(outcome.conditions("one")).startsWith("Accepted=True/ListenersNotValid Programmed=True/Programmed");
        for (String name : List.of("http", "tcp")) {
            assertThat(outcome.listener("one", name))
                    .startsWith("Accepted=False/ProtocolConflict Programmed=False/ProtocolConflict")
                    .contains("Conflicted=True/ProtocolConflict");
        }
        assertThat(outcome.listener("one", "ok")).startsWith(GOOD);
        assertThat(outcome.listener("one", "also")).contains("Conflicted=False/NoConflicts");
    }

    @Test
    void listenerSetsComeAfterTheirGateway() {
        world.namespace("away", "team: b");
        gateway("one", "listeners: [" + http("http", 80) + "]\nallowedListeners: {namespaces: {from: Same}}");
        String set = """
                kind: ListenerSet
                metadata: {name: %s, namespace: %s}
                spec:
                  parentRef: {name: one, namespace: default}
                  listeners: [%s]
                """;
        world.apply(set.formatted("good", "default", "{name: a, port: 80, protocol: HTTP, hostname: a.org}"));
        world.apply(set.formatted(
                "half",
                "default",
                "{name: a, port: 80, protocol: HTTP, hostname: a.org}, {name: b, port: 82, protocol: HTTP}"));
        world.apply(set.formatted("bad", "default", "{name: a, port: 80, protocol: TCP}"));
        world.apply(set.formatted(
                "mixed",
                "default",
                "{name: b, port: 80, protocol: TCP}, {name: c, port: 80, protocol: HTTP, hostname: c.org}"));
        world.apply(set.formatted("away", "away", "{name: a, port: 83, protocol: HTTP}"));
        world.apply("""
                kind: HTTPRoute
                metadata: {name: by-set}
                spec: {parentRefs: [{kind: ListenerSet, name: good}, {name: one, sectionName: a}]}
                """);
        World.Outcome outcome = world.translate();
        assertThat(World.Outcome.text(outcome.set("good").conditions()))
                .isEqualTo("Accepted=True/Accepted Programmed=True/Programmed");
        assertThat(World.Outcome.listener(outcome.set("good"), "a"))
                .startsWith(GOOD)
                .contains("routes=1");
        assertThat(World.Outcome.text(outcome.set("half").conditions()))
                .isEqualTo("Accepted=True/ListenersNotValid Programmed=True/Programmed");
        assertThat(World.Outcome.listener(outcome.set("half"), "a"))
                .startsWith("Accepted=False/HostnameConflict Programmed=False/HostnameConflict");
        assertThat(World.Outcome.text(outcome.set("bad").conditions()))
                .isEqualTo("Accepted=False/ListenersNotValid Programmed=False/ListenersNotValid");
        assertThat(World.Outcome.text(outcome.set("away").conditions()))
                .isEqualTo("Accepted=False/NotAllowed Programmed=False/NotAllowed");
        assertThat(World.Outcome.text(outcome.set("mixed").conditions()))
                .isEqualTo("Accepted=True/ListenersNotValid Programmed=True/Programmed");
        assertThat(World.Outcome.listener(outcome.set("mixed"), "b"))
                .startsWith("Accepted=False/ProtocolConflict Programmed=False/ProtocolConflict");
        assertThat(World.Outcome.listener(outcome.set("mixed"), "c")).startsWith(GOOD);
        assertThat(outcome.listener("one", "http")).startsWith(GOOD);
        assertThat(outcome.gateway("one").sets()).isEqualTo(3);
        assertThat(outcome.parents("HTTPRoute", "by-set").getFirst()).startsWith("Accepted=True");
        assertThat(outcome.parents("HTTPRoute", "by-set").get(1)).startsWith("Accepted=False/NoMatchingParent");
        gateway(
                "one",
                "listeners: [" + http("http", 80)
                        + "]\nallowedListeners: {namespaces: {from: Selector, selector: {matchLabels: {team: b}}}}");
        World.Outcome chosen = world.translate();
        assertThat(World.Outcome.text(chosen.set("away").conditions())).startsWith("Accepted=True/Accepted");
        assertThat(World.Outcome.text(chosen.set("good").conditions())).startsWith("Accepted=False/NotAllowed");
        assertThat(chosen.gateway("one").sets()).isEqualTo(1);
    }

    @Test
    void certificatesAreLookedAt() {
        world.namespace("vault", "");
        String listener = "listeners: [{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [%s]}}]";
        gateway("gone", listener.formatted("{name: gone}"));
        gateway("kind", listener.formatted("{name: gone, kind: Odd}"));
        gateway("far", listener.formatted("{name: cert, namespace: vault}"));
        gateway("bad", listener.formatted("{name: bad}"));
        world.apply(
                "kind: Secret\nmetadata: {name: bad}\ntype: kubernetes.io/tls\ndata: {tls.crt: SGVsbG8=, tls.key: SGVsbG8=}");
        World.Outcome outcome = world.translate();
        for (String name : List.of("gone", "kind", "bad")) {
            assertThat(outcome.listener(name, "https"))
                    .isEqualTo(
                            "Accepted=True/Accepted Programmed=False/Invalid ResolvedRefs=False/InvalidCertificateRef"
                                    + " Conflicted=False/NoConflicts routes=0 kinds=HTTPRoute,GRPCRoute");
        }
        assertThat(outcome.listener("far", "https")).contains("ResolvedRefs=False/RefNotPermitted");
        assertThat(Certificates.read((ObjectNode) new ObjectMapper()
                                .createObjectNode()
                                .put("type", "kubernetes.io/tls")
                                .set(
                                        "stringData",
                                        new ObjectMapper().createObjectNode().put("tls.key", PEM)))
                        .problem())
                .isEqualTo("lacks tls.crt");
    }

    @Test
    void clientCertificatesConcernHttpsOnly() {
        gateway("one", """
                tls: {frontend: {default: {validation: {caCertificateRefs: [{group: "", kind: ConfigMap, name: gone}]}}}}
                listeners:
                - {name: http, port: 80, protocol: HTTP}
                - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: gone}]}}
                """);
        World.Outcome outcome = world.translate();
        assertThat(outcome.listener("one", "http")).startsWith(GOOD);
        assertThat(outcome.listener("one", "https"))
                .contains("Accepted=False/NoValidCACertificate Programmed=False", "ResolvedRefs=False");
    }

    @Test
    void parametersAreRefused() {
        gateway(
                "one",
                "infrastructure: {parametersRef: {group: example.org, kind: Odd, name: x}}\nlisteners: ["
                        + http("http", 80) + "]");
        World.Outcome outcome = world.translate();
        assertThat(outcome.conditions("one")).startsWith("Accepted=False/InvalidParameters Programmed=False/Invalid");
        assertThat(outcome.config().listeners()).isEmpty();
    }

    @Test
    void statusesKeepTimesAndWhatOthersWrote() throws Exception {
        ObjectMapper yaml = new ObjectMapper(new YAMLFactory());
        gateway("one", "listeners: [" + http("http", 80) + "]");
        world.apply("kind: HTTPRoute\nmetadata: {name: r}\nspec: {parentRefs: [{name: one}]}");
        World.Outcome outcome = world.translate();
        ObjectNode route = world.objects.get("HTTPRoute").values().iterator().next();
        route.set("status", yaml.readTree("""
                parents:
                - {controllerName: example.org/other, parentRef: {name: theirs}, conditions: []}
                """));
        Draft draft = outcome.draft("HTTPRoute", "r");
        ObjectNode patch = StatusPatches.patch(route, draft, Instant.parse("2026-01-01T00:00:00Z"));
        assertThat(patch).isNotNull();
        assertThat(patch.at("/metadata/resourceVersion").asText()).isNotEmpty();
        assertThat(patch.at("/status/parents/0/controllerName").asText()).isEqualTo("example.org/other");
        assertThat(patch.at("/status/parents/1/conditions/0/lastTransitionTime").asText())
                .isEqualTo("2026-01-01T00:00:00Z");
        route.set("status", patch.get("status"));
        assertThat(StatusPatches.patch(route, draft, Instant.parse("2026-02-01T00:00:00Z")))
                .isNull();
        world.remove("Gateway", "default", "one");
        ObjectNode gone = StatusPatches.patch(
                route, world.translate().draft("HTTPRoute", "r"), Instant.parse("2026-03-01T00:00:00Z"));
        assertThat(gone).isNotNull();
        assertThat(gone.at("/status/parents").size()).isEqualTo(1);
        ((ObjectNode) route.get("metadata")).put("generation", 7);
        assertThat(StatusPatches.patch(route, draft, Instant.EPOCH)).isNull();
    }

    /** The API refuses a status of more, and then nothing would be told. */
    @Test
    void aPolicyTellsOfSixteenAncestorsWithThoseOfOthers() {
        ObjectNode policy = JsonNodeFactory.instance.objectNode().put("kind", "BackendTLSPolicy");
        policy.putObject("metadata").put("generation", 1);
        ArrayNode theirs = policy.putObject("status").putArray("ancestors");
        for (int i = 0; i < 3; i++) {
            theirs.addObject().put("controllerName", "example.org/other");
        }
        List<Draft.AtParent> ours = IntStream.range(0, 16)
                .mapToObj(i -> new Draft.AtParent(
                        new ParentReference("", "Service", "default", "s" + i, null, null),
                        List.of(Draft.Condition.yes("Accepted", "Accepted"))))
                .toList();
        ObjectNode patch = StatusPatches.patch(policy, new Draft.OfRoute(1, ours), Instant.EPOCH);
        assertThat(patch).isNotNull();
        assertThat(patch.at("/status/ancestors")).hasSize(16);
        assertThat(patch.at("/status/ancestors/2/controllerName").asText()).isEqualTo("example.org/other");
        assertThat(patch.at("/status/ancestors/15/ancestorRef/name").asText()).isEqualTo("s12");
    }
}
