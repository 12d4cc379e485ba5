package dev.coppice.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.gateway.GatewayOptions;
import dev.coppice.gateway.config.ClientNamespace;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.ListenerConfig.Protocol;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.config.UpstreamConfig.Endpoint;
import dev.coppice.gateway.mesh.AddressRange;
import dev.coppice.gateway.mesh.ServiceAddresses;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Services as parents of routes. */
class ServicesTest {
    private static final String GOOD = "Accepted=True/Accepted ResolvedRefs=True/ResolvedRefs";

    private final World world = new World(
                    GatewayOptions.DEFAULT.withServiceRange(AddressRange.parse("127.96.0.0/24")), Capabilities.NOW)
            .namespace("users", "");

    private World service(String name, String address, String ports) {
        return world.apply("""
                kind: Service
                metadata: {name: %1$s}
                spec: {clusterIP: %2$s, ports: [%3$s]}
                ---
                kind: EndpointSlice
                metadata: {name: %1$s-1, labels: {kubernetes.io/service-name: %1$s}}
                addressType: IPv4
                ports: [{name: http, port: 3000, protocol: TCP}, {name: db, port: 5432, protocol: TCP}, {name: dns, port: 53, protocol: UDP}, {name: grpc, port: 7070, protocol: TCP}]
                endpoints: [{addresses: ["127.9.0.1"]}]
                """.formatted(name, address, ports));
    }

    private World web() {
        return service("web", "127.96.0.7", "{name: http, port: 80}");
    }

    private World route(String kind, String namespace, String name, String parent, String rules) {
        return world.apply("kind: " + kind + "\nmetadata: {name: " + name + ", namespace: " + namespace
                + "}\nspec: {parentRefs: [" + parent + "], rules: [" + rules + "]}");
    }

    private static String parent(String name, String more) {
        return "{group: \"\", kind: Service, name: " + name + ", namespace: default" + more + "}";
    }

    private static List<ListenerConfig> of(World.Outcome outcome, String service) {
        return outcome.config().listeners().stream()
                .filter(each -> each.gateway().equals("Service default/" + service))
                .toList();
    }

    private static List<String> routes(ListenerConfig listener) {
        return listener.routes().stream().map(RouteConfig::name).toList();
    }

    @Test
    void eachPortIsServedAndLeadsToTheServicesOwnEndpoints() {
        service(
                "all",
                "127.96.0.7",
                "{name: http, port: 80}, {name: db, port: 5432}, {name: dns, port: 53, protocol: UDP}, {name: grpc, port: 7070}, {name: s, port: 9, protocol: SCTP}");
        World.Outcome outcome = world.translate();
        assertThat(of(outcome, "all"))
                .extracting(
                        ListenerConfig::name,
                        ListenerConfig::address,
                        ListenerConfig::port,
                        ListenerConfig::protocol,
                        each -> each.routes()
                                .getFirst()
                                .rules()
                                .getFirst()
                                .backends()
                                .getFirst()
                                .upstream())
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("http", "127.96.0.7", 80, Protocol.HTTP, "default/all:80"),
                        org.assertj.core.groups.Tuple.tuple(
                                "db", "127.96.0.7", 5432, Protocol.TCP, "default/all:5432/tcp"),
                        org.assertj.core.groups.Tuple.tuple(
                                "dns", "127.96.0.7", 53, Protocol.UDP, "default/all:53/udp"),
                        org.assertj.core.groups.Tuple.tuple(
                                "grpc", "127.96.0.7", 7070, Protocol.HTTP, "default/all:7070/h2c"));
        assertThat(outcome.upstream("default/all:80").endpoints()).containsExactly(new Endpoint("127.9.0.1", 3000));
        assertThat(outcome.upstream("default/all:7070/h2c").protocol()).isEqualTo(UpstreamConfig.Protocol.H2C);
        assertThat(outcome.upstream("default/all:53/udp").endpoints()).containsExactly(new Endpoint("127.9.0.1", 53));
    }

    @Test
    void aProducersRouteReplacesThatForAll() {
        web();
        route("HTTPRoute", "default", "a", parent("web", ""), "{backendRefs: [{name: web, port: 80}]}");
        World.Outcome outcome = world.translate();
        assertThat(outcome.parent("a")).isEqualTo(GOOD);
        ListenerConfig listener = of(outcome, "web").getFirst();
        assertThat(routes(listener)).containsExactly("a");
        assertThat(listener.consumers()).isEmpty();
        assertThat(outcome.config().clientNamespaces()).isEmpty();
    }

    @Test
    void hostNamesMeanNothing() {
        web();
        world.apply("kind: HTTPRoute\nmetadata: {name: a}\nspec: {hostnames: [a.example], parentRefs: ["
                + parent("web", "") + "]}");
        assertThat(of(world.translate(), "web").getFirst().routes().getFirst().hostnames())
                .isEmpty();
    }

    @Test
    void aConsumersRouteIsForClientsOfItsNamespaceOnlyAndNeedsNoGrant() {
        web();
        world.apply("""
                kind: EndpointSlice
                metadata: {name: clients, namespace: users}
                addressType: IPv4
                endpoints: [{addresses: ["127.9.0.2"]}, {addresses: ["127.9.0.3"], conditions: {ready: false}}, {addresses: ["127.9.0.1"]}]
                """);
        route(
                "HTTPRoute",
                "users",
                "b",
                parent("web", ""),
                "{backendRefs: [{name: web, namespace: default, port: 80}]}");
        World.Outcome outcome = world.translate();
        assertThat(outcome.parent("b")).isEqualTo(GOOD);
        assertThat(of(outcome, "web")).extracting(ListenerConfig::consumers).containsExactly("", "users");
        assertThat(routes(of(outcome, "web").get(0))).containsExactly("web:80");
        assertThat(routes(of(outcome, "web").get(1))).containsExactly("b");
        // Who could be in either namespace is in neither.
        assertThat(outcome.config().clientNamespaces())
                .containsExactly(new ClientNamespace("users", List.of("127.9.0.2", "127.9.0.3")));
    }

    @Test
    void aRouteAtAGatewayStillNeedsAGrant() {
        web();
        world.apply("""
                kind: Gateway
                metadata: {name: gate, namespace: users}
                spec: {gatewayClassName: coppice, listeners: [{name: http, port: 80, protocol: HTTP}]}
                """);
        route(
                "HTTPRoute",
                "users",
                "b",
                "{name: gate}, " + parent("web", ""),
                "{backendRefs: [{name: web, namespace: default, port: 80}]}");
        assertThat(world.translate().parents("HTTPRoute", "b"))
                .containsExactly("Accepted=True/Accepted ResolvedRefs=False/RefNotPermitted", GOOD);
    }

    @Test
    void anExternalNameOfAnotherNamespaceNeedsAGrant() {
        web();
        world.apply("kind: Service\nmetadata: {name: far}\nspec: {type: ExternalName, externalName: example.org}");
        route(
                "HTTPRoute",
                "users",
                "b",
                parent("web", ""),
                "{backendRefs: [{name: far, namespace: default, port: 80}]}");
        assertThat(world.translate().parent("b"))
                .isEqualTo("Accepted=True/Accepted ResolvedRefs=False/RefNotPermitted");
    }

    @Test
    void aRouteMayBeForSomePortsOnly() {
        service("web", "127.96.0.7", "{name: http, port: 80}, {name: http-alt, port: 8080}, {name: db, port: 5432}");
        route("HTTPRoute", "default", "port", parent("web", ", port: 80"), "{}");
        route("HTTPRoute", "default", "section", parent("web", ", sectionName: http-alt"), "{}");
        route("HTTPRoute", "default", "all", parent("web", ""), "{}");
        World.Outcome outcome = world.translate();
        assertThat(of(outcome, "web"))
                .extracting(ServicesTest::routes)
                .containsExactly(List.of("port", "all"), List.of("section", "all"), List.of("web:5432"));
    }

    @Test
    void saysWhyARouteIsNotBound() {
        service("web", "127.96.0.7", "{name: http, port: 80}, {name: db, port: 5432}");
        service("headless", "None", "{name: http, port: 80}");
        service("twin", "127.96.0.7", "{name: http, port: 80}");
        world.apply("kind: Service\nmetadata: {name: far}\nspec: {type: ExternalName, externalName: example.org}");
        world.apply("kind: Service\nmetadata: {name: gate-coppice, ownerReferences: [{kind: Gateway,"
                + " apiVersion: gateway.networking.k8s.io/v1, name: gate}]}\nspec: {ports: [{port: 80}]}");
        route("HTTPRoute", "default", "nobody", parent("none", ""), "{}");
        route("HTTPRoute", "default", "port", parent("web", ", port: 81"), "{}");
        route("HTTPRoute", "default", "section", parent("web", ", sectionName: http, port: 5432"), "{}");
        route("HTTPRoute", "default", "stream", parent("web", ", port: 5432"), "{}");
        route("TCPRoute", "default", "requests", parent("web", ", port: 80"), "{backendRefs: [{name: web, port: 80}]}");
        route("UDPRoute", "default", "datagrams", parent("web", ""), "{backendRefs: [{name: web, port: 80}]}");
        route("HTTPRoute", "default", "headless", parent("headless", ""), "{}");
        route("HTTPRoute", "default", "external", parent("far", ""), "{}");
        route("HTTPRoute", "default", "twin", parent("twin", ""), "{}");
        route("HTTPRoute", "default", "gate", parent("gate-coppice", ""), "{}");
        world.apply("kind: TLSRoute\nmetadata: {name: tls}\nspec: {hostnames: [a.example], parentRefs: ["
                + parent("web", "") + "], rules: [{backendRefs: [{name: web, port: 80}]}]}");
        World.Outcome outcome = world.translate();
        assertThat(outcome.parent("nobody")).startsWith("Accepted=False/NoMatchingParent");
        assertThat(outcome.parent("port")).startsWith("Accepted=False/NoMatchingParent");
        assertThat(outcome.parent("section")).startsWith("Accepted=False/NoMatchingParent");
        assertThat(outcome.parent("stream")).startsWith("Accepted=False/NoMatchingParent");
        assertThat(outcome.parents("TCPRoute", "requests").getFirst()).startsWith("Accepted=False/NoMatchingParent");
        assertThat(outcome.parents("UDPRoute", "datagrams").getFirst()).startsWith("Accepted=False/NoMatchingParent");
        assertThat(outcome.parents("TLSRoute", "tls").getFirst()).startsWith("Accepted=False/NoMatchingParent");
        assertThat(outcome.parent("headless")).startsWith("Accepted=False/UnsupportedValue");
        assertThat(outcome.parent("external")).startsWith("Accepted=False/UnsupportedValue");
        assertThat(outcome.parent("gate")).startsWith("Accepted=False/UnsupportedValue");
        assertThat(outcome.parent("twin")).startsWith("Accepted=False/Pending");
        assertThat(outcome.config().listeners())
                .extracting(ListenerConfig::gateway)
                .containsOnly("Service default/web");
        Map<Key, ServiceAddresses.Outcome> outcomes =
                world.translation.translate(world.snapshot(), Map.of()).services();
        assertThat(outcomes)
                .containsOnlyKeys(new Key("default", "web"), new Key("default", "twin"))
                .containsEntry(new Key("default", "web"), new ServiceAddresses.Has("127.96.0.7"));
    }

    @Test
    void ofTwoKindsAtOnePortTheMoreSpecificCounts() {
        service("web", "127.96.0.7", "{name: grpc, port: 7070}, {name: http, port: 80}");
        route("HTTPRoute", "default", "older", parent("web", ", port: 7070"), "{}");
        route("HTTPRoute", "default", "both", parent("web", ""), "{}");
        route(
                "GRPCRoute",
                "default",
                "calls",
                parent("web", ", port: 7070"),
                "{backendRefs: [{name: web, port: 7070}]}");
        World.Outcome outcome = world.translate();
        assertThat(outcome.parent("older")).startsWith("Accepted=False/Conflicted");
        assertThat(outcome.parent("both")).startsWith("Accepted=True/Accepted");
        assertThat(outcome.parents("GRPCRoute", "calls")).containsExactly(GOOD);
        assertThat(of(outcome, "web"))
                .extracting(ServicesTest::routes)
                .containsExactly(List.of("calls"), List.of("both"));
    }

    @Test
    void streamsGoAsTheyComeAlsoWhereGatewaysSpeakTls() {
        service("web", "127.96.0.7", "{name: db, port: 5432}");
        world.apply("""
                kind: BackendTLSPolicy
                metadata: {name: web}
                spec:
                  targetRefs: [{group: "", kind: Service, name: web}]
                  validation: {hostname: web.example, wellKnownCACertificates: System}
                """);
        route("TCPRoute", "default", "t", parent("web", ""), "{backendRefs: [{name: web, port: 5432}]}");
        World.Outcome outcome = world.translate();
        assertThat(outcome.parents("TCPRoute", "t")).containsExactly(GOOD);
        assertThat(outcome.upstream("default/web:5432/tcp").tls()).isNull();
    }

    @Test
    void addressesOfServicesAreNoEndpoints() {
        web();
        world.apply("""
                kind: EndpointSlice
                metadata: {name: loop, labels: {kubernetes.io/service-name: web}}
                addressType: IPv4
                ports: [{name: http, port: 80, protocol: TCP}]
                endpoints: [{addresses: ["127.96.0.7"]}]
                """);
        assertThat(world.translate().upstream("default/web:80").endpoints())
                .containsExactly(new Endpoint("127.9.0.1", 3000));
    }

    @Test
    void aGatewayGetsNoAddressOfServices() {
        world.apply("""
                kind: Gateway
                metadata: {name: gate}
                spec:
                  gatewayClassName: coppice
                  addresses: [{value: 127.96.0.9}]
                  listeners: [{name: http, port: 80, protocol: HTTP}]
                """);
        assertThat(world.translate().conditions("gate")).contains("Programmed=False/AddressNotUsable");
    }

    @Test
    void aPolicyOfABoundRouteIsToldAtTheService() {
        web();
        route("HTTPRoute", "default", "a", parent("web", ""), "{backendRefs: [{name: web, port: 80}]}");
        world.apply("""
                kind: RateLimit
                metadata: {name: fair}
                spec:
                  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: a}]
                  limits: [{name: all, requests: 5, per: 1h}]
                """);
        World.Outcome outcome = world.translate();
        Draft.AtParent at =
                ((Draft.OfRoute) outcome.draft("RateLimit", "fair")).parents().getFirst();
        assertThat(at.parent().kind()).isEqualTo("Service");
        assertThat(at.parent().name()).isEqualTo("web");
        assertThat(World.Outcome.text(at.conditions())).isEqualTo("Accepted=True/Accepted");
        assertThat(outcome.config().limits()).hasSize(1);
    }

    private World policy(String kind, String name, String service) {
        return world.apply("kind: " + kind + "\nmetadata: {name: " + name
                + "}\nspec: {targetRefs: [{group: \"\", kind: Service, name: " + service + "}], "
                + (kind.equals("BackendTLSPolicy")
                        ? "validation: {hostname: web.example, wellKnownCACertificates: System}}"
                        : "loadBalancer: {}}"));
    }

    /** Where something is said of a policy, and what. */
    private static List<String> told(World.Outcome outcome, String kind, String policy) {
        return ((Draft.OfRoute) outcome.draft(kind, policy))
                .parents().stream()
                        .map(each -> each.parent().groupOrDefault() + "/"
                                + each.parent().kindOrDefault() + " "
                                + each.parent().namespace() + "/"
                                + each.parent().name() + " "
                                + World.Outcome.text(each.conditions()))
                        .toList();
    }

    @Test
    void policiesOfBackendsAreToldAtTheServicesThatLeadToThem() {
        web();
        service("back", "127.96.0.8", "{name: http, port: 80}");
        service("front", "127.96.0.9", "{name: http, port: 80}");
        policy("BackendTLSPolicy", "tls", "back");
        policy("BackendTrafficPolicy", "traffic", "back");
        // By its own address, as it has no routes.
        World.Outcome outcome = world.translate();
        assertThat(told(outcome, "BackendTLSPolicy", "tls")).containsExactly("/Service default/back " + GOOD);
        assertThat(told(outcome, "BackendTrafficPolicy", "traffic"))
                .containsExactly("/Service default/back Accepted=True/Accepted");
        assertThat(outcome.upstream("default/back:80/tls").tls()).isNotNull();
        // With one that leads elsewhere, only those that lead to it.
        route("HTTPRoute", "default", "away", parent("back", ""), "{backendRefs: [{name: web, port: 80}]}");
        outcome = world.translate();
        assertThat(told(outcome, "BackendTLSPolicy", "tls")).isEmpty();
        assertThat(told(outcome, "BackendTrafficPolicy", "traffic")).isEmpty();
        route("HTTPRoute", "default", "here", parent("front", ""), "{backendRefs: [{name: back, port: 80}]}");
        route(
                "HTTPRoute",
                "users",
                "consumer",
                parent("web", ""),
                "{backendRefs: [{name: back, namespace: default, port: 80}]}");
        outcome = world.translate();
        assertThat(told(outcome, "BackendTLSPolicy", "tls"))
                .containsExactly("/Service default/front " + GOOD, "/Service default/web " + GOOD);
        assertThat(told(outcome, "BackendTrafficPolicy", "traffic"))
                .containsExactly(
                        "/Service default/front Accepted=True/Accepted", "/Service default/web Accepted=True/Accepted");
        // One that is not bound leads nowhere.
        world.remove("HTTPRoute", "users", "consumer");
        route("HTTPRoute", "default", "here", parent("front", ", port: 81"), "{backendRefs: [{name: back, port: 80}]}");
        assertThat(told(world.translate(), "BackendTLSPolicy", "tls")).isEmpty();
    }

    @Test
    void whatIsWrongWithAPolicyIsToldAtServicesToo() {
        service("back", "127.96.0.8", "{name: http, port: 80}");
        policy("BackendTrafficPolicy", "older", "back");
        policy("BackendTrafficPolicy", "younger", "back");
        world.apply("""
                kind: BackendTLSPolicy
                metadata: {name: tls}
                spec:
                  targetRefs: [{group: "", kind: Service, name: back}]
                  validation: {hostname: web.example, caCertificateRefs: [{group: "", kind: ConfigMap, name: none}]}
                """);
        World.Outcome outcome = world.translate();
        assertThat(told(outcome, "BackendTrafficPolicy", "younger"))
                .containsExactly("/Service default/back Accepted=False/Conflicted");
        assertThat(told(outcome, "BackendTLSPolicy", "tls"))
                .containsExactly(
                        "/Service default/back Accepted=False/NoValidCACertificate ResolvedRefs=False/InvalidCACertificateRef");
    }

    @Test
    void streamsOfServicesTellNothingOfTls() {
        service("back", "127.96.0.8", "{name: db, port: 5432}");
        service("front", "127.96.0.9", "{name: db, port: 5432}");
        policy("BackendTLSPolicy", "tls", "back");
        policy("BackendTrafficPolicy", "traffic", "back");
        route("TCPRoute", "default", "t", parent("front", ""), "{backendRefs: [{name: back, port: 5432}]}");
        World.Outcome outcome = world.translate();
        assertThat(told(outcome, "BackendTLSPolicy", "tls")).isEmpty();
        assertThat(told(outcome, "BackendTrafficPolicy", "traffic"))
                .containsExactly(
                        "/Service default/back Accepted=True/Accepted",
                        "/Service default/front Accepted=True/Accepted");
    }

    @Test
    void aPolicyIsToldOfAtSixteenGatewaysFirst() {
        service("back", "127.96.0.8", "{name: http, port: 80}");
        policy("BackendTrafficPolicy", "traffic", "back");
        for (int i = 0; i < 16; i++) {
            String name = "s%02d".formatted(i);
            service(name, "127.96.0." + (20 + i), "{name: http, port: 80}");
            route("HTTPRoute", "default", name, parent(name, ""), "{backendRefs: [{name: back, port: 80}]}");
        }
        assertThat(told(world.translate(), "BackendTrafficPolicy", "traffic"))
                .hasSize(16)
                .startsWith(
                        "/Service default/back Accepted=True/Accepted", "/Service default/s00 Accepted=True/Accepted")
                .endsWith("/Service default/s14 Accepted=True/Accepted");
        world.apply("""
                kind: Gateway
                metadata: {name: zoo}
                spec: {gatewayClassName: coppice, listeners: [{name: http, port: 80, protocol: HTTP}]}
                """);
        route("HTTPRoute", "default", "zoo", "{name: zoo}", "{backendRefs: [{name: back, port: 80}]}");
        assertThat(told(world.translate(), "BackendTrafficPolicy", "traffic"))
                .hasSize(16)
                .startsWith("gateway.networking.k8s.io/Gateway default/zoo Accepted=True/Accepted")
                .endsWith("/Service default/s13 Accepted=True/Accepted");
    }

    /** Each takes a socket. */
    @Test
    void servesSoManyPortsAndTellsRoutesOfFurtherOnes() {
        String ports = IntStream.rangeClosed(1, 100)
                .mapToObj(each -> "{name: p" + each + ", port: " + each + "}")
                .collect(Collectors.joining(", "));
        for (int i = 1; i <= 100; i++) {
            world.apply("kind: Service\nmetadata: {name: full-" + i + "}\nspec: {clusterIP: 127.96.0." + i
                    + ", ports: [" + ports + "]}");
        }
        service("late", "127.96.0.200", "{name: http, port: 80}");
        route("HTTPRoute", "default", "r", parent("late", ""), "{backendRefs: [{name: late, port: 80}]}");
        World.Outcome outcome = world.translate();
        assertThat(outcome.config().listeners()).hasSize(10_000);
        assertThat(of(outcome, "late")).isEmpty();
        Draft.Condition accepted = ((Draft.OfRoute) outcome.draft("HTTPRoute", "r"))
                .parents()
                .getFirst()
                .conditions()
                .getFirst();
        assertThat(accepted)
                .isEqualTo(
                        Draft.Condition.no(
                                "Accepted",
                                "Pending",
                                "Service default/late is not served: older Services have the 10000 ports that a gateway serves at most"));
        Key late = new Key("default", "late");
        assertThat(world.translation.translate(world.snapshot(), Map.of()).services())
                .containsEntry(
                        late,
                        new ServiceAddresses.Refused(
                                "TooManyPorts", "older Services have the 10000 ports that a gateway serves at most"));
        // One port is given up, and that is enough.
        ObjectNode full = world.service(new Key("default", "full-7")).orElseThrow();
        JsonNode _ = ((ArrayNode) full.at("/spec/ports")).remove(0);
        outcome = world.translate();
        assertThat(outcome.parent("r")).isEqualTo(GOOD);
        assertThat(of(outcome, "late")).hasSize(1);
        assertThat(world.translation.translate(world.snapshot(), Map.of()).services())
                .containsEntry(late, new ServiceAddresses.Has("127.96.0.200"));
    }

    @Test
    void aGatewaysPolicyIsNotForAServiceOfTheSameName() {
        web();
        world.apply("""
                kind: Gateway
                metadata: {name: web}
                spec: {gatewayClassName: coppice, listeners: [{name: http, port: 80, protocol: HTTP}]}
                """);
        World.Outcome outcome = world.translate();
        assertThat(outcome.config().listeners())
                .extracting(ListenerConfig::gateway)
                .containsExactlyInAnyOrder("default/web", "Service default/web");
    }

    @Test
    void withoutARangeServicesAreNoParents() {
        World off = new World();
        off.service("default", "web", "{name: http, port: 80}", "10.0.0.1");
        off.apply("kind: HTTPRoute\nmetadata: {name: a}\nspec: {parentRefs: [" + parent("web", "") + "]}");
        World.Outcome outcome = off.translate();
        assertThat(outcome.parents("HTTPRoute", "a")).isEmpty();
        assertThat(outcome.config().listeners()).isEmpty();
        assertThat(((Draft.OfClass) outcome.draft("GatewayClass", "coppice")).features())
                .doesNotContain("Mesh");
        assertThat(((Draft.OfClass) world.translate().draft("GatewayClass", "coppice")).features())
                .contains("Mesh", "MeshConsumerRoute")
                .isSorted();
    }
}
