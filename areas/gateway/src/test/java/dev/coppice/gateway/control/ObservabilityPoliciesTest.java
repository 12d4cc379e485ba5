package dev.coppice.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.ObservationConfig;
import dev.coppice.gateway.config.ObservationConfig.Format;
import dev.coppice.gateway.config.ObservationConfig.Log;
import dev.coppice.gateway.config.ObservationConfig.Rotation;
import dev.coppice.gateway.config.ObservationConfig.Share;
import dev.coppice.gateway.config.TrafficTarget;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** ObservabilityPolicies: what they come to, which of them counts, and what is said of them. */
class ObservabilityPoliciesTest {
    private static final String GATE = "{group: gateway.networking.k8s.io, kind: Gateway, name: gate}";
    private static final String SHOP = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop}";

    private final World world = new World().apply("""
            kind: Gateway
            metadata: {name: gate}
            spec: {gatewayClassName: coppice, listeners: [{name: http, port: 80, protocol: HTTP}]}
            ---
            kind: HTTPRoute
            metadata: {name: shop}
            spec: {parentRefs: [{name: gate}], rules: [{name: slow}]}
            """);

    private World policy(String name, String target, String spec) {
        return world.apply("kind: ObservabilityPolicy\nmetadata: {name: " + name + "}\nspec:\n  targetRefs: [" + target
                + "]\n  " + spec);
    }

    private static Draft.Condition said(World.Outcome outcome, String policy) {
        return ((Draft.OfRoute) outcome.draft("ObservabilityPolicy", policy))
                .parents()
                .getFirst()
                .conditions()
                .getFirst();
    }

    @Test
    void logsAreReadWithTheirDefaults() {
        policy(
                "logs",
                GATE,
                "accessLog: {logs: [{name: all}, {name: few, format: Template, template: \"{status}\", output: Stdout,"
                        + " sampling: {fraction: {numerator: 1}, errors: true, slowerThan: 2s}, when: response.code != 404},"
                        + " {name: own, format: JSON, fields: [{name: id, value: \"{request.header.x-id}\"}],"
                        + " file: {maxMebibytes: 1, maxFiles: 1}}]}");
        assertThat(world.translate().config().observations())
                .containsExactly(new ObservationConfig(
                        "default/logs",
                        List.of(new TrafficTarget("Gateway", "default/gate", "")),
                        List.of(
                                new Log(
                                        "default/logs/all",
                                        Format.JSON,
                                        "",
                                        Map.of(),
                                        new Rotation(64 << 20, 4),
                                        Share.ALL,
                                        false,
                                        0,
                                        ""),
                                new Log(
                                        "default/logs/few",
                                        Format.TEMPLATE,
                                        "{status}",
                                        Map.of(),
                                        null,
                                        new Share(1, 100),
                                        true,
                                        2_000_000_000L,
                                        "response.code != 404"),
                                new Log(
                                        "default/logs/own",
                                        Format.JSON,
                                        "",
                                        Map.of("id", "{request.header.x-id}"),
                                        new Rotation(1 << 20, 1),
                                        Share.ALL,
                                        false,
                                        0,
                                        "")),
                        null));
        assertThat(said(world.translate(), "logs").holds()).isTrue();
    }

    @Test
    void allThatIsWrongIsToldAndNothingOfItCounts() {
        policy(
                "wrong",
                GATE,
                "accessLog: {logs: [{name: a, format: Template, template: \"{what}\"}, {name: b, when: response.code},"
                        + " {name: c, format: JSON, fields: [{name: k, value: \"{request.header.cookie}\"}]}]}");
        World.Outcome outcome = world.translate();
        assertThat(outcome.config().observations()).isEmpty();
        Draft.Condition condition = said(outcome, "wrong");
        assertThat(condition.reason()).isEqualTo("Invalid");
        assertThat(condition.message())
                .contains("accessLog.logs[0] (a).template: {what}: there is no such field")
                .contains("accessLog.logs[1] (b).when: ")
                .contains("accessLog.logs[2] (c).fields: k: {request.header.cookie}: the value may be a credential");
    }

    @Test
    void ofTwoForOneTargetTheOlderCounts() {
        policy("first", GATE, "accessLog: {}");
        policy("second", GATE + ", " + SHOP, "accessLog: {logs: [{name: all}]}");
        World.Outcome outcome = world.translate();
        assertThat(outcome.config().observations())
                .extracting(
                        ObservationConfig::name,
                        each -> each.targets().getFirst().kind())
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("default/first", "Gateway"),
                        org.assertj.core.groups.Tuple.tuple("default/second", "HTTPRoute"));
        assertThat(outcome.config().observations().getFirst().logs()).isEmpty();
        assertThat(said(outcome, "second").reason()).isEqualTo("Conflicted");
        assertThat(said(outcome, "second").message()).contains("the older policy first is for ");
        world.remove("ObservabilityPolicy", "default", "first");
        assertThat(said(world.translate(), "second").holds()).isTrue();
    }

    @Test
    void streamsAreToldOfAsTheirRouteOrListenerSays() {
        world.apply("""
                kind: Gateway
                metadata: {name: streams}
                spec: {gatewayClassName: coppice, listeners: [{name: tcp, port: 5432, protocol: TCP}]}
                ---
                apiVersion: gateway.networking.k8s.io/v1alpha2
                kind: TCPRoute
                metadata: {name: db}
                spec: {parentRefs: [{name: streams}], rules: [{name: all, backendRefs: [{name: db, port: 5432}]}]}
                """);
        policy(
                "told",
                "{group: gateway.networking.k8s.io, kind: TCPRoute, name: db, sectionName: all}",
                "accessLog: {logs: [{name: a}]}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "told").holds()).isTrue();
        assertThat(outcome.config().observations().getFirst().targets())
                .containsExactly(new TrafficTarget("TCPRoute", "default/db", "all"));
        assertThat(outcome.config().listeners().stream()
                        .flatMap(each -> each.routes().stream())
                        .filter(each -> each.kind().equals("TCPRoute"))
                        .flatMap(each -> each.rules().stream()))
                .extracting(each -> each.name())
                .containsExactly("all");
        policy(
                "lost",
                "{group: gateway.networking.k8s.io, kind: TCPRoute, name: db, sectionName: none}",
                "accessLog: {}");
        assertThat(said(world.translate(), "lost").message()).isEqualTo("TCPRoute db has no rule none");
    }

    @Test
    void aTargetThatIsNotThereIsTold() {
        policy("lost", "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: gone}", "accessLog: {}");
        assertThat(said(world.translate(), "lost").reason()).isEqualTo("TargetNotFound");
    }

    private static String resolved(World.Outcome outcome, String policy) {
        Draft.Condition last = ((Draft.OfRoute) outcome.draft("ObservabilityPolicy", policy))
                .parents()
                .getFirst()
                .conditions()
                .getLast();
        return last.type() + " " + last.reason() + " " + last.message();
    }

    @Test
    void tracesGoToAServiceThatNoRouteNeedsToLeadTo() {
        world.service("default", "collector", "{name: http, port: 4318}", "10.0.0.9");
        policy(
                "traces",
                GATE,
                "tracing: {service: {name: collector, port: 4318}, serviceName: edge,"
                        + " sampling: {parent: Ignore, fraction: {numerator: 1, denominator: 1000}, when: request.path != '/'}}");
        policy("plain", SHOP, "tracing: {service: {name: collector, port: 4318}}");
        World.Outcome outcome = world.translate();
        assertThat(outcome.config().observations())
                .extracting(ObservationConfig::logs, ObservationConfig::tracing)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple(
                                null,
                                new ObservationConfig.Tracing(
                                        "default/collector:4318",
                                        "/v1/traces",
                                        "edge",
                                        new Share(1, 1000),
                                        false,
                                        "request.path != '/'")),
                        org.assertj.core.groups.Tuple.tuple(
                                null,
                                new ObservationConfig.Tracing(
                                        "default/collector:4318",
                                        "/v1/traces",
                                        "coppice-gateway",
                                        Share.ALL,
                                        true,
                                        "")));
        assertThat(outcome.upstream("default/collector:4318").endpoints()).hasSize(1);
        assertThat(resolved(outcome, "traces")).startsWith("ResolvedRefs ResolvedRefs");
    }

    @Test
    void aCollectorThatIsNotThereStopsTracesAndNothingElse() {
        policy("traces", GATE, "tracing: {service: {name: gone, port: 4318}}\n  accessLog: {logs: [{name: all}]}");
        World.Outcome outcome = world.translate();
        assertThat(outcome.config().observations().getFirst().tracing().upstream())
                .isEmpty();
        assertThat(outcome.config().observations().getFirst().logs()).hasSize(1);
        assertThat(said(outcome, "traces").holds()).isTrue();
        assertThat(resolved(outcome, "traces"))
                .startsWith("ResolvedRefs BackendNotFound tracing.service: ")
                .endsWith("; until that is mended, requests of its targets are not traced");
        policy("traces", GATE, "tracing: {service: {name: gone, port: 4318}, sampling: {when: request.path}}");
        assertThat(said(world.translate(), "traces").message()).contains("tracing.sampling.when: ");
    }
}
