package dev.coppice.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.GrpcConfig;
import dev.coppice.gateway.config.RetryConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.TranscodingConfig;
import dev.coppice.gateway.transcode.Library;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;

/** GRPCPolicies: what they make of rules, which of them count, and what is said of them. */
class GrpcPoliciesTest {
    private static final String GOOD = "Accepted=True/Accepted ResolvedRefs=True/ResolvedRefs";
    private static final String ROUTE = "{group: gateway.networking.k8s.io, kind: GRPCRoute, name: books}";
    private static final String RULE = ROUTE.replace("}", ", sectionName: second}");
    private static final String DESCRIPTORS = Base64.getEncoder().encodeToString(Library.descriptors());

    private final World world = new World()
            .service("default", "books", "{name: http, port: 80}", "10.0.0.1")
            .apply("""
                    kind: Gateway
                    metadata: {name: gate}
                    spec: {gatewayClassName: coppice, listeners: [{name: http, port: 80, protocol: HTTP}]}
                    ---
                    kind: GRPCRoute
                    metadata: {name: books}
                    spec:
                      parentRefs: [{name: gate}]
                      rules:
                      - {matches: [{method: {service: a.B}}], backendRefs: [{name: books, port: 80}]}
                      - {name: second, backendRefs: [{name: books, port: 80}]}
                    """);

    private World policy(String name, String target, String fields) {
        return world.apply("kind: GRPCPolicy\nmetadata: {name: " + name + "}\nspec: {targetRefs: [" + target + "], "
                + fields + "}");
    }

    private static List<RuleConfig> rules(World.Outcome outcome) {
        return outcome.served("http").routes().getFirst().rules();
    }

    private static List<String> said(World.Outcome outcome, String policy) {
        return outcome.parents("GRPCPolicy", policy);
    }

    private static String message(World.Outcome outcome, String policy, int condition) {
        return ((Draft.OfRoute) outcome.draft("GRPCPolicy", policy))
                .parents()
                .getFirst()
                .conditions()
                .get(condition)
                .message();
    }

    @Test
    void aPolicyIsForAllRulesOfItsRoute() {
        assertThat(rules(world.translate())).allMatch(each -> each.grpc() == null);
        policy(
                "p",
                ROUTE,
                "cors: {allowOrigins: [\"https://a.example\"]}, retry: {statuses: [UNAVAILABLE, ABORTED], attempts: 3}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly(GOOD);
        assertThat(rules(outcome)).hasSize(2).allSatisfy(each -> {
            assertThat(each.grpc()).isEqualTo(new GrpcConfig(null));
            assertThat(each.retry()).isEqualTo(new RetryConfig(List.of(), 3, 25, List.of(14, 10)));
            assertThat(each.filters())
                    .containsExactly(new FilterConfig.Cors(
                            List.of("https://a.example"), false, List.of("*"), List.of("*"), List.of(), 5));
        });
    }

    @Test
    void oneForARuleCountsBeforeOneForItsRouteAndTheOldestOfThoseForTheSame() {
        policy("wide", ROUTE, "retry: {statuses: [UNAVAILABLE]}");
        policy("narrow", RULE, "retry: {statuses: [INTERNAL]}");
        policy("late", RULE, "retry: {statuses: [ABORTED]}");
        World.Outcome outcome = world.translate();
        assertThat(rules(outcome).get(0).retry().grpcStatuses()).containsExactly(14);
        assertThat(rules(outcome).get(1).retry().grpcStatuses()).containsExactly(13);
        assertThat(said(outcome, "narrow")).containsExactly(GOOD);
        assertThat(said(outcome, "late")).containsExactly("Accepted=False/Conflicted ResolvedRefs=True/ResolvedRefs");
        assertThat(message(outcome, "late", 0))
                .isEqualTo("the older policy narrow is for GRPCRoute default/books, rule second too");
    }

    @Test
    void whatAnHttpRouteSaysItselfGoesOn() {
        world.apply("""
                kind: HTTPRoute
                metadata: {name: web}
                spec:
                  parentRefs: [{name: gate}]
                  hostnames: [web.example]
                  rules:
                  - filters: [{type: CORS, cors: {allowOrigins: ["https://own.example"]}}]
                    retry: {codes: [503], attempts: 5}
                    backendRefs: [{name: books, port: 80}]
                """);
        policy(
                "p",
                ROUTE.replace("GRPCRoute, name: books", "HTTPRoute, name: web"),
                "cors: {allowOrigins: [\"*\"]}, retry: {statuses: [UNAVAILABLE], attempts: 2, backoff: 1s}");
        World.Outcome outcome = world.translate();
        RuleConfig rule = outcome.served("http").routes().stream()
                .filter(each -> each.name().equals("web"))
                .findFirst()
                .orElseThrow()
                .rules()
                .getFirst();
        assertThat(rule.filters())
                .singleElement()
                .satisfies(each ->
                        assertThat(((FilterConfig.Cors) each).allowOrigins()).containsExactly("https://own.example"));
        assertThat(rule.retry()).isEqualTo(new RetryConfig(List.of(503), 2, 1000, List.of(14)));
    }

    @Test
    void descriptorsAreInlineOrInObjectsThatAreLookedUp() {
        policy("p", ROUTE, "transcoding: {descriptors: {inline: " + DESCRIPTORS + "}, ignoreUnknownFields: true}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly(GOOD);
        assertThat(outcome.config().transcodings())
                .containsExactly(
                        new TranscodingConfig("default/p", DESCRIPTORS, List.of(), true, false, false, 1 << 20));
        assertThat(rules(outcome).getFirst().grpc()).isEqualTo(new GrpcConfig("default/p"));

        policy("p", ROUTE, "retry: {statuses: [ABORTED]}, transcoding: {descriptors: {ref: {name: books}}}");
        outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly("Accepted=True/Accepted ResolvedRefs=False/ConfigMapNotFound");
        assertThat(message(outcome, "p", 1)).contains("ConfigMap default/books does not exist");
        assertThat(rules(outcome).getFirst().grpc()).isEqualTo(new GrpcConfig(null));
        assertThat(rules(outcome).getFirst().retry()).isNotNull();

        world.apply("kind: ConfigMap\nmetadata: {name: books}\nbinaryData: {descriptors.pb: " + DESCRIPTORS + "}");
        outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly(GOOD);
        assertThat(outcome.config().transcodings()).hasSize(1);

        world.apply("kind: ConfigMap\nmetadata: {name: books}\ndata: {descriptors.pb: bm9uc2Vuc2U=}");
        outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly("Accepted=False/Invalid ResolvedRefs=True/ResolvedRefs");
        assertThat(message(outcome, "p", 0)).startsWith("transcoding.descriptors: they are no set of file descriptors");
        assertThat(rules(outcome).getFirst().grpc()).isNull();
        assertThat(outcome.config().transcodings()).isEmpty();

        world.apply("kind: Secret\nmetadata: {name: books}\ndata: {set: " + DESCRIPTORS + "}");
        policy(
                "p",
                ROUTE,
                "transcoding: {descriptors: {ref: {kind: Secret, name: books, key: set}}, services: [library.v1.Library]}");
        assertThat(said(world.translate(), "p")).containsExactly(GOOD);
        policy("p", ROUTE, "transcoding: {descriptors: {inline: " + DESCRIPTORS + "}, services: [a.B]}");
        outcome = world.translate();
        assertThat(message(outcome, "p", 0)).startsWith("transcoding.descriptors: there is no service a.B");
    }
}
