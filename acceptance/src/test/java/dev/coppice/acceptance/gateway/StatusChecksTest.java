package dev.coppice.acceptance.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** That claims are told to be wrong where they are: a check that holds of anything would be worth nothing. */
final class StatusChecksTest {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

    private final Map<String, JsonNode> objects = new HashMap<>();

    StatusChecksTest() throws Exception {
        put("Gateway ns/gw", """
                metadata: {namespace: ns, generation: 2}
                spec: {listeners: [{name: http}, {name: other}]}
                status:
                  addresses: [{value: 127.0.0.1}]
                  conditions: [{type: Accepted, status: "True", reason: Accepted, observedGeneration: 2}]
                  attachedListenerSets: 1
                  listeners:
                  - name: http
                    attachedRoutes: 1
                    supportedKinds: [{kind: HTTPRoute}]
                    conditions: [{type: Accepted, status: "True", reason: Accepted, observedGeneration: 2}]
                """);
        put("HTTPRoute ns/a", """
                metadata: {namespace: ns, generation: 3}
                status:
                  parents:
                  - parentRef: {name: gw, sectionName: http}
                    conditions: [{type: Accepted, status: "True", reason: Accepted, observedGeneration: 3}]
                """);
        put("HTTPRoute ns/refused", """
                metadata: {namespace: ns, generation: 3}
                status:
                  parents:
                  - parentRef: {name: gw, namespace: ns}
                    conditions: [{type: Accepted, status: "False", reason: NoMatchingParent, observedGeneration: 2}]
                """);
        put("BackendTLSPolicy ns/p", """
                metadata: {namespace: ns}
                status:
                  ancestors:
                  - ancestorRef: {name: gw}
                    conditions: [{type: Accepted, status: "True", reason: Accepted}]
                """);
    }

    private void put(String name, String document) throws Exception {
        objects.put(name, YAML.readTree(document));
    }

    private void holds(String claim) throws Exception {
        assertThat(problem(claim)).as(claim).isNull();
    }

    private void doesNotHold(String claim) throws Exception {
        assertThat(problem(claim)).as(claim).isNotNull();
    }

    private String problem(String claim) throws Exception {
        return new StatusChecks(
                        (kind, object) -> objects.getOrDefault(kind + " " + object, MissingNode.getInstance()),
                        _ -> "HTTPRoute")
                .problem(Claims.parse(claim).claim());
    }

    @Test
    void gatewaysAndTheirRoutes() throws Exception {
        holds("Gateway ns/gw has an address and is accepted; HTTPRoute(s) ns/a are accepted by it");
        holds("Gateway ns/gw (listeners http) has an address and is accepted; route(s) ns/a are accepted by it");
        holds("Gateway ns/gw (listeners variable) has an address and is accepted; route(s) ns/a are accepted by it");
        doesNotHold("Gateway ns/gw (listeners other) has an address and is accepted; route(s) ns/a are accepted by it");
        doesNotHold("Gateway ns/gw has an address and is accepted; HTTPRoute(s) ns/a, ns/refused are accepted by it");
        doesNotHold("Gateway ns/gw has an address and is accepted; HTTPRoute(s) ns/none are accepted by it");
        doesNotHold("Gateway ns/none (listeners http) gets an address");
        holds("Gateway ns/gw: attachedRoutes is 1");
        doesNotHold("Gateway ns/gw: attachedRoutes is 0");
        doesNotHold("Gateway ns/none: attachedRoutes is 0");
        holds("Gateway ns/gw: status.attachedListenerSets is 1");
        doesNotHold("Gateway ns/gw: status.attachedListenerSets is 0");
    }

    @Test
    void conditions() throws Exception {
        holds("Gateway ns/gw: condition Accepted=True");
        holds("Gateway ns/gw: condition Accepted=True (reason Accepted)");
        doesNotHold("Gateway ns/gw: condition Accepted=True (reason Other)");
        doesNotHold("Gateway ns/gw: condition Accepted=False");
        doesNotHold("Gateway ns/gw: condition Programmed=True");
        holds("Gateway ns/gw: every condition has observedGeneration = metadata.generation");
        doesNotHold("HTTPRoute ns/refused: every condition has observedGeneration = metadata.generation");
        doesNotHold("HTTPRoute ns/none: every condition has observedGeneration = metadata.generation");
        holds("BackendTLSPolicy ns/p, ancestor ns/gw: condition Accepted=True (reason Accepted)");
        doesNotHold("BackendTLSPolicy ns/p, ancestor ns/other: condition Accepted=True");
    }

    @Test
    void parentsOfRoutes() throws Exception {
        holds("HTTPRoute ns/refused under parent ns/gw: condition Accepted=False (reason NoMatchingParent)");
        doesNotHold("HTTPRoute ns/refused under parent ns/other: condition Accepted=False");
        doesNotHold("HTTPRoute ns/a: ResolvedRefs=True for parent ns/gw");
        holds("HTTPRoute ns/refused: no parent has accepted it");
        doesNotHold("HTTPRoute ns/a: no parent has accepted it");
        holds("HTTPRoute ns/a: status.parents is parent {Name: gw, Namespace: ns} with [Accepted=True]");
        doesNotHold("HTTPRoute ns/a: status.parents is parent {Name: other, Namespace: ns} with [Accepted=True]");
        doesNotHold("HTTPRoute ns/none: status.parents is the Gateway with [Accepted=True]");
    }

    @Test
    void listeners() throws Exception {
        String claim = "Gateway ns/gw: status.listeners is exactly listener `%s`: attachedRoutes %d,"
                + " supportedKinds [%s], conditions [Accepted=%s (reason Accepted)]";
        holds(claim.formatted("http", 1, "HTTPRoute", "True"));
        doesNotHold(claim.formatted("https", 1, "HTTPRoute", "True"));
        doesNotHold(claim.formatted("http", 0, "HTTPRoute", "True"));
        doesNotHold(claim.formatted("http", 1, "", "True"));
        doesNotHold(claim.formatted("http", 1, "HTTPRoute", "False"));
        doesNotHold(claim.formatted("http", 1, "HTTPRoute", "True")
                + ", listener `b`: attachedRoutes 0, supportedKinds [], conditions [Accepted=True]");
        holds("Gateway ns/gw: every listener has Accepted=True, http");
        doesNotHold("Gateway ns/gw: every listener has Programmed=True, http");
        doesNotHold("Gateway ns/gw, one listener: https, Accepted=True");
    }
}
