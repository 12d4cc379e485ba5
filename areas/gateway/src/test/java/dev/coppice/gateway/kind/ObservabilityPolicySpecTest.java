package dev.coppice.gateway.kind;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What an ObservabilityPolicy may say, and how it is told that it may not. */
class ObservabilityPolicySpecTest {
    private static final SpecProblems PROBLEMS = new SpecProblems(GatewayKinds.OBSERVABILITY_POLICY);
    private static final String TARGETS = "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: gate}]";

    private static String spec(String more) throws Exception {
        return PROBLEMS.of("{" + TARGETS + more + "}");
    }

    private static String log(String fields) throws Exception {
        return spec(", accessLog: {logs: [{name: log, " + fields + "}]}");
    }

    @Test
    void goodOnesAreTaken() throws Exception {
        assertThat(spec(", accessLog: {}")).isEmpty();
        for (String kind : new String[] {"TLSRoute", "TCPRoute", "UDPRoute"}) {
            assertThat(PROBLEMS.of("{targetRefs: [{group: gateway.networking.k8s.io, kind: " + kind
                            + ", name: r}], accessLog: {}}"))
                    .isEmpty();
        }
        assertThat(log("format: Combined, output: Stdout")).isEmpty();
        assertThat(log("format: Template, template: \"{status}\", file: {maxMebibytes: 10, maxFiles: 2},"
                        + " sampling: {fraction: {numerator: 1, denominator: 1000}, errors: true, slowerThan: 500ms},"
                        + " when: response.code >= 400"))
                .isEmpty();
        assertThat(log("fields: [{name: id, value: \"{request.header.x-id}\"}]"))
                .isEmpty();
    }

    @Test
    void tracesHaveACollector() throws Exception {
        assertThat(spec(", tracing: {service: {name: collector, port: 4318}, path: /otlp/v1/traces, serviceName: edge,"
                        + " sampling: {parent: Ignore, fraction: {numerator: 1}, when: \"true\"}}"))
                .isEmpty();
        assertThat(spec(", tracing: {service: {name: collector, port: 1}, propagation: [W3C, B3, B3Multi]}"))
                .isEmpty();
        assertThat(spec(", tracing: {service: {name: collector, port: 1}, propagation: [Jaeger]}"))
                .contains("spec.tracing.propagation");
        assertThat(spec(", tracing: {service: {name: collector, port: 1}, propagation: [B3, B3]}"))
                .contains("spec.tracing.propagation");
        assertThat(spec(", tracing: {}")).contains("spec.tracing.service");
        assertThat(spec(", tracing: {service: {name: collector, port: 0}}")).contains("port");
        assertThat(spec(", tracing: {service: {name: collector, port: 1}, path: v1}"))
                .contains("spec.tracing.path");
        assertThat(spec(", tracing: {service: {name: collector, port: 1}, sampling: {parent: Always}}"))
                .contains("spec.tracing.sampling.parent");
    }

    @Test
    void whatDoesNotFitTogetherIsTold() throws Exception {
        assertThat(spec("")).contains("accessLog or tracing must be given");
        assertThat(log("format: Template")).contains("template must be given with the format Template, and only there");
        assertThat(log("template: x")).contains("template must be given with the format Template, and only there");
        assertThat(log("format: Common, fields: [{name: a, value: b}]")).contains("format JSON only");
        assertThat(log("output: Stdout, file: {}")).contains("output File only");
        assertThat(log("file: {maxFiles: 0, maxMebibytes: 5000}"))
                .contains("maxFiles")
                .contains("maxMebibytes");
        assertThat(log("sampling: {fraction: {numerator: 3, denominator: 2}}")).contains("numerator must be less than");
        assertThat(log("sampling: {slowerThan: soon}")).contains("slowerThan");
        assertThat(log("format: XML")).contains("spec.accessLog.logs[0].format");
    }
}
