package dev.coppice.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.LimitConfig;
import dev.coppice.gateway.config.LimitConfig.Algorithm;
import dev.coppice.gateway.config.LimitConfig.KeyPart;
import dev.coppice.gateway.config.TrafficTarget;
import java.util.List;
import org.junit.jupiter.api.Test;

/** RateLimit policies: what they come to, where they count, and what is said of them. */
class LimitPoliciesTest {
    private static final String ACCEPTED = "Accepted=True/Accepted";

    private final World world = new World().apply("""
            kind: Gateway
            metadata: {name: gate}
            spec:
              gatewayClassName: coppice
              listeners:
              - {name: http, port: 80, protocol: HTTP}
              - {name: alt, port: 81, protocol: HTTP}
            ---
            kind: HTTPRoute
            metadata: {name: shop}
            spec: {parentRefs: [{name: gate}], rules: [{name: slow}]}
            """);

    private World policy(String name, String targets, String... limits) {
        return world.apply("kind: RateLimit\nmetadata: {name: " + name + "}\nspec:\n  targetRefs: [" + targets
                + "]\n  limits:\n  - " + String.join("\n  - ", limits));
    }

    private static String target(String kind, String name, String... section) {
        return "{group: gateway.networking.k8s.io, kind: " + kind + ", name: " + name
                + (section.length == 0 ? "" : ", sectionName: " + section[0]) + "}";
    }

    /** The ancestors, each as {@code KIND NAME/SECTION CONDITIONS}. */
    private static List<String> ancestors(World.Outcome outcome, String policy) {
        return ((Draft.OfRoute) outcome.draft("RateLimit", policy))
                .parents().stream()
                        .map(each -> each.parent().kind() + " " + each.parent().name() + "/"
                                + (each.parent().sectionName() == null
                                        ? ""
                                        : each.parent().sectionName()) + " "
                                + World.Outcome.text(each.conditions()))
                        .toList();
    }

    private static String message(World.Outcome outcome, String policy) {
        return ((Draft.OfRoute) outcome.draft("RateLimit", policy))
                .parents()
                .getFirst()
                .conditions()
                .getFirst()
                .message();
    }

    @Test
    void limitsAreReadWithTheirDefaults() {
        policy(
                "fair",
                target("Gateway", "gate"),
                "{name: all, requests: 100, per: 1m30s}",
                "{name: client, requests: 10, per: 1s, burst: 20, key: [{type: ClientIP}, {type: Header, header: X-Tenant}]}",
                "{name: window, algorithm: SlidingWindow, requests: 5, per: 1h, shadow: true, when: request.method == 'POST',"
                        + " key: [{type: ClientIP, clientIP: {ipv4PrefixLength: 24}}, {type: Route}, {type: Constant, constant: v1},"
                        + " {type: Expression, expression: request.path}]}",
                "{name: slots, algorithm: Concurrency, requests: 7}");
        World.Outcome outcome = world.translate();
        List<TrafficTarget> targets = List.of(new TrafficTarget("Gateway", "default/gate", ""));
        assertThat(outcome.config().limits())
                .containsExactly(
                        new LimitConfig(
                                "default/fair/all",
                                targets,
                                Algorithm.TOKEN_BUCKET,
                                100,
                                90_000_000_000L,
                                100,
                                List.of(),
                                "",
                                false),
                        new LimitConfig(
                                "default/fair/client",
                                targets,
                                Algorithm.TOKEN_BUCKET,
                                10,
                                1_000_000_000L,
                                20,
                                List.of(new KeyPart.ClientAddress(32, 64), new KeyPart.Header("x-tenant")),
                                "",
                                false),
                        new LimitConfig(
                                "default/fair/window",
                                targets,
                                Algorithm.SLIDING_WINDOW,
                                5,
                                3_600_000_000_000L,
                                0,
                                List.of(
                                        new KeyPart.ClientAddress(24, 64),
                                        new KeyPart.Route(),
                                        new KeyPart.Constant("v1"),
                                        new KeyPart.Expression("request.path")),
                                "request.method == 'POST'",
                                true),
                        new LimitConfig(
                                "default/fair/slots", targets, Algorithm.CONCURRENCY, 7, 0, 0, List.of(), "", false));
        assertThat(ancestors(outcome, "fair")).containsExactly("Gateway gate/ " + ACCEPTED);
    }

    @Test
    void aPolicyIsToldOfAtTheGatewaysThatItMattersFor() {
        policy(
                "several",
                String.join(
                        ", ",
                        target("Gateway", "gate", "alt"),
                        target("HTTPRoute", "shop"),
                        target("HTTPRoute", "shop", "slow")),
                "{name: a, requests: 1, per: 1s}");
        World.Outcome outcome = world.translate();
        assertThat(ancestors(outcome, "several"))
                .containsExactly("Gateway gate/alt " + ACCEPTED, "Gateway gate/ " + ACCEPTED);
        assertThat(outcome.config().limits().getFirst().targets())
                .containsExactly(
                        new TrafficTarget("Gateway", "default/gate", "alt"),
                        new TrafficTarget("HTTPRoute", "default/shop", ""),
                        new TrafficTarget("HTTPRoute", "default/shop", "slow"));
    }

    @Test
    void targetsThatAreNotThereAreToldThemselves() {
        world.apply("kind: HTTPRoute\nmetadata: {name: lonely}\nspec: {parentRefs: [{name: none}]}");
        policy(
                "lost",
                String.join(
                        ", ",
                        target("Gateway", "none"),
                        target("Gateway", "gate", "https"),
                        target("HTTPRoute", "none"),
                        target("HTTPRoute", "lonely"),
                        target("HTTPRoute", "shop", "fast"),
                        target("GRPCRoute", "shop")),
                "{name: a, requests: 1, per: 1s}");
        World.Outcome outcome = world.translate();
        String missing = " Accepted=False/TargetNotFound";
        assertThat(ancestors(outcome, "lost"))
                .containsExactly(
                        "Gateway none/" + missing,
                        "Gateway gate/https" + missing,
                        "HTTPRoute none/" + missing,
                        "HTTPRoute lonely/" + missing,
                        "HTTPRoute shop/fast" + missing,
                        "GRPCRoute shop/" + missing);
        assertThat(outcome.config().limits()).isEmpty();
        world.apply("""
                kind: HTTPRoute
                metadata: {name: shop}
                spec: {parentRefs: [{name: gate}], rules: [{name: fast}]}
                """);
        outcome = world.translate();
        assertThat(ancestors(outcome, "lost")).contains("Gateway gate/ " + ACCEPTED);
        assertThat(outcome.config().limits().getFirst().targets())
                .containsExactly(new TrafficTarget("HTTPRoute", "default/shop", "fast"));
    }

    @Test
    void whatCannotBeReadIsToldAndNothingOfItCounts() {
        policy(
                "when",
                target("Gateway", "gate"),
                "{name: good, requests: 1, per: 1s}",
                "{name: bad, requests: 1, per: 1s, when: request.nothing}");
        policy(
                "key",
                target("Gateway", "gate"),
                "{name: bad, requests: 1, per: 1s, key: [{type: Expression, expression: \"1 + 1\"}]}");
        policy("burst", target("Gateway", "gate"), "{name: bad, requests: 1, per: 24h, burst: 1000}");
        World.Outcome outcome = world.translate();
        for (String policy : List.of("when", "key", "burst")) {
            assertThat(ancestors(outcome, policy)).containsExactly("Gateway gate/ Accepted=False/Invalid");
        }
        assertThat(message(outcome, "when"))
                .startsWith("limits[1] (bad).when: ")
                .contains("request.nothing");
        assertThat(message(outcome, "key")).startsWith("limits[0] (bad).key[0].expression: ");
        assertThat(message(outcome, "burst")).startsWith("limits[0] (bad).burst: 1000 requests");
        assertThat(outcome.config().limits()).isEmpty();
    }

    @Test
    void theLimitsOfOldPoliciesCountFirstAndThereAreNotTooMany() {
        String[] sixteen = new String[16];
        for (int i = 0; i < sixteen.length; i++) {
            sixteen[i] = "{name: l" + i + ", requests: 1, per: 1s}";
        }
        policy("b", target("Gateway", "gate"), sixteen);
        policy("c", target("Gateway", "gate"), sixteen);
        policy("a", target("Gateway", "gate"), "{name: more, requests: 1, per: 1s}");
        World.Outcome outcome = world.translate();
        assertThat(ancestors(outcome, "a")).containsExactly("Gateway gate/ Accepted=False/TooManyLimits");
        assertThat(message(outcome, "a")).contains("33 limits for Gateway default/gate");
        assertThat(outcome.config().limits())
                .hasSize(32)
                .extracting(LimitConfig::name)
                .startsWith("default/b/l0");
    }

    @Test
    void whereNoOthersAreKnownItIsToldThatEachCountsForItself() {
        String[] limits = {"{name: a, requests: 1, per: 1s}", "{name: b, requests: 1, per: 1s, scope: Shared}"};
        policy("fair", target("Gateway", "gate"), limits);
        World.Outcome outcome = world.translate();
        assertThat(ancestors(outcome, "fair"))
                .containsExactly("Gateway gate/ " + ACCEPTED + " Shared=False/NotConnected");
        assertThat(outcome.config().limits()).extracting(LimitConfig::shared).containsExactly(false, true);
    }
}
