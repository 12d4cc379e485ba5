package dev.coppice.gateway.kind;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.coppice.control.Kind;
import dev.coppice.control.runtime.ExtensionHost;
import dev.coppice.schema.Cause;
import dev.coppice.schema.Schema;
import dev.coppice.schema.rule.RuleCheck;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class GatewayKindsTest {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

    private static JsonNode json(Kind<?, ?> kind) {
        return ExtensionHost.definition(kind).at("/spec/versions/0/schema/openAPIV3Schema");
    }

    private static List<Kind<?, ?>> all() {
        List<Kind<?, ?>> all = new ArrayList<>(GatewayKinds.all());
        all.add(GatewayKinds.ENDED_SESSION);
        return all;
    }

    @Test
    void theirSchemasAreStructural() {
        for (Kind<?, ?> kind : all()) {
            assertThat(Schema.check(json(kind), "")).as(kind.kind()).isEmpty();
        }
    }

    /** Any API server has to take them: Kubernetes refuses rules that could cost too much. */
    @Test
    void theirRulesCostLittle() {
        for (Kind<?, ?> kind : all()) {
            assertThat(RuleCheck.check(Schema.ofResource(json(kind)), "", false))
                    .as(kind.kind())
                    .isEmpty();
        }
    }

    @Test
    void theirDefinitionsAreApprovedAndNamedAsPublished() {
        ObjectNode definition = ExtensionHost.definition(GatewayKinds.GATEWAY_CLASS);
        assertThat(definition.at("/metadata/name").asText()).isEqualTo("gatewayclasses.gateway.networking.k8s.io");
        assertThat(definition.at("/metadata/annotations").has("api-approved.kubernetes.io"))
                .isTrue();
        assertThat(definition.at("/spec/names/shortNames/0").asText()).isEqualTo("gc");
        assertThat(GatewayKinds.all())
                .extracting(Kind::plural)
                .contains(
                        "gateways", "httproutes", "tlsroutes", "listenersets", "referencegrants", "backendtlspolicies");
    }

    @Test
    void policiesAreLabelledAsSuch() {
        for (Kind<?, ?> kind : GatewayKinds.all()) {
            boolean policy = kind.kind().endsWith("Policy") || kind == GatewayKinds.RATE_LIMIT;
            assertThat(ExtensionHost.definition(kind)
                            .at("/metadata/labels/gateway.networking.k8s.io~1policy")
                            .asText())
                    .as(kind.kind())
                    .matches(policy ? "Direct|Inherited" : "");
        }
    }

    @Test
    void defaultsAreThePublishedOnes() throws Exception {
        JsonNode route = YAML.readTree("""
                spec:
                  parentRefs: [{name: gate}]
                  rules:
                  - backendRefs: [{name: web, port: 80}]
                  - matches: [{headers: [{name: x, value: y}]}, {path: {value: /a}}]
                    filters: [{type: RequestRedirect, requestRedirect: {hostname: example.org}}]
                """);
        Schema.ofResource(json(GatewayKinds.HTTP_ROUTE)).applyDefaults(route);
        assertThat(route.at("/spec/parentRefs/0/kind").asText()).isEqualTo("Gateway");
        assertThat(route.at("/spec/parentRefs/0/group").asText()).isEqualTo("gateway.networking.k8s.io");
        assertThat(route.at("/spec/rules/0/matches/0/path/value").asText()).isEqualTo("/");
        assertThat(route.at("/spec/rules/0/backendRefs/0/weight").asInt()).isEqualTo(1);
        assertThat(route.at("/spec/rules/0/backendRefs/0/kind").asText()).isEqualTo("Service");
        assertThat(route.at("/spec/rules/1/matches/0/path/type").asText()).isEqualTo("PathPrefix");
        assertThat(route.at("/spec/rules/1/matches/0/headers/0/type").asText()).isEqualTo("Exact");
        assertThat(route.at("/spec/rules/1/matches/1/path/type").asText()).isEqualTo("PathPrefix");
        assertThat(route.at("/spec/rules/1/filters/0/requestRedirect/statusCode")
                        .asInt())
                .isEqualTo(302);

        JsonNode gateway = YAML.readTree("""
                spec: {gatewayClassName: coppice, listeners: [{name: a, port: 80, protocol: HTTP}]}
                """);
        Schema.ofResource(json(GatewayKinds.GATEWAY)).applyDefaults(gateway);
        assertThat(gateway.at("/spec/listeners/0/allowedRoutes/namespaces/from").asText())
                .isEqualTo("Same");
        assertThat(gateway.at("/spec").has("addresses")).isFalse();
    }

    @Test
    void boundsAreThePublishedOnes() throws Exception {
        JsonNode gateway = YAML.readTree("""
                spec:
                  gatewayClassName: coppice
                  listeners: [{name: UPPER, port: 70000, protocol: "?", hostname: "a.*"}]
                """);
        List<Cause> causes = Schema.ofResource(json(GatewayKinds.GATEWAY)).validate(gateway);
        assertThat(causes)
                .extracting(Cause::field)
                .contains(
                        "spec.listeners[0].name",
                        "spec.listeners[0].port",
                        "spec.listeners[0].protocol",
                        "spec.listeners[0].hostname");
        assertThat(Schema.ofResource(json(GatewayKinds.GATEWAY)).validate(YAML.readTree("{}")))
                .extracting(Cause::field)
                .contains("spec");
    }
}
