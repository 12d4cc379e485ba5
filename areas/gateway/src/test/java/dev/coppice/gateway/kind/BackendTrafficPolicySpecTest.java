package dev.coppice.gateway.kind;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What a BackendTrafficPolicy may say, and how it is told that it may not. */
class BackendTrafficPolicySpecTest {
    private static final SpecProblems PROBLEMS = new SpecProblems(GatewayKinds.BACKEND_TRAFFIC_POLICY);
    private static final String WEB = "{group: \"\", kind: Service, name: web}";

    private static String balancer(String fields) throws Exception {
        return PROBLEMS.of("{targetRefs: [" + WEB + "], loadBalancer: {" + fields + "}}");
    }

    private static String section(String name, String fields) throws Exception {
        return PROBLEMS.of("{targetRefs: [" + WEB + "], " + name + ": {" + fields + "}}");
    }

    private static String targets(String... targets) throws Exception {
        return PROBLEMS.of("{targetRefs: [" + String.join(", ", targets) + "]}");
    }

    @Test
    void goodOnesAreTaken() throws Exception {
        assertThat(targets(WEB)).isEmpty();
        assertThat(targets(WEB, "{group: \"\", kind: Service, name: web, sectionName: http}"))
                .isEmpty();
        assertThat(balancer("")).isEmpty();
        assertThat(balancer("algorithm: LeastRequest, choices: 3, slowStart: {window: 1m}"))
                .isEmpty();
        assertThat(balancer("algorithm: PeakEwma, decay: 5s, panicThresholdPercent: 0"))
                .isEmpty();
        assertThat(balancer("algorithm: Maglev, tableSize: 2039, hashKeys: [{type: Header, header: X-User},"
                        + " {type: QueryParameter, queryParameter: user}, {type: ClientIP},"
                        + " {type: Cookie, cookie: {name: sid}},"
                        + " {type: Cookie, cookie: {name: sid, ttl: 0s, path: /a, sameSite: None, secure: true}}]"))
                .isEmpty();
        assertThat(balancer("algorithm: Mine, choices: 3, tableSize: 64, hashKeys: [{type: ClientIP}], "
                        + "slowStart: {window: 1m, aggressionPercent: 50, minWeightPercent: 5}"))
                .isEmpty();
    }

    @Test
    void loadsAreBoundedWhereKeysAreAndSubsetsHaveALabelAndAName() throws Exception {
        assertThat(balancer("algorithm: RingHash, balanceFactorPercent: 125")).isEmpty();
        assertThat(balancer("algorithm: Maglev, balanceFactorPercent: 105")).isEmpty();
        assertThat(balancer("balanceFactorPercent: 125")).contains("RingHash and Maglev only");
        assertThat(balancer("algorithm: Mine, balanceFactorPercent: 125")).contains("RingHash and Maglev only");
        assertThat(balancer("algorithm: Maglev, balanceFactorPercent: 104"))
                .contains("spec.loadBalancer.balanceFactorPercent");
        assertThat(balancer("subset: {label: version, header: X-Version}")).isEmpty();
        assertThat(balancer("subset: {label: topology.kubernetes.io/zone, cookie: zone, fallback: None}"))
                .isEmpty();
        assertThat(balancer("subset: {label: version, header: X-Version, fallback: Default, defaultValue: v1}"))
                .isEmpty();
        assertThat(balancer("subset: {label: version}")).contains("one of header and cookie must be given");
        assertThat(balancer("subset: {label: version, header: a, cookie: b}"))
                .contains("one of header and cookie must be given");
        assertThat(balancer("subset: {header: a}")).contains("spec.loadBalancer.subset.label");
        assertThat(balancer("subset: {label: \"a b\", header: a}")).contains("spec.loadBalancer.subset.label");
        assertThat(balancer("subset: {label: a, cookie: \"a;b\"}")).contains("spec.loadBalancer.subset.cookie");
        assertThat(balancer("subset: {label: a, header: b, fallback: Default}")).contains("defaultValue must be given");
        assertThat(balancer("subset: {label: a, header: b, defaultValue: c}")).contains("defaultValue must be given");
    }

    @Test
    void healthIsReadWithinBounds() throws Exception {
        assertThat(section("healthCheck", "")).isEmpty();
        assertThat(section(
                        "healthCheck",
                        "interval: 2s, timeout: 2s, http: {path: \"/ready?full=1\", host: a.org, method: HEAD,"
                                + " expectedStatuses: [{start: 200, end: 204}, {start: 301, end: 301}]}"))
                .isEmpty();
        assertThat(section("healthCheck", "type: GRPC, grpc: {service: shop.Cart}"))
                .isEmpty();
        assertThat(section("healthCheck", "type: TCP, http: {}")).contains("type HTTP only");
        assertThat(section("healthCheck", "grpc: {}")).contains("type GRPC only");
        assertThat(section("healthCheck", "interval: 500ms")).contains("interval must be 1s to 10m");
        assertThat(section("healthCheck", "interval: 1s, timeout: 2s")).contains("not longer than interval");
        assertThat(section("healthCheck", "http: {path: health}")).contains("spec.healthCheck.http.path");
        assertThat(section("healthCheck", "http: {expectedStatuses: [{start: 300, end: 200}]}"))
                .contains("start must not be above end");
        assertThat(section("healthCheck", "unhealthyThreshold: 0")).contains("spec.healthCheck.unhealthyThreshold");
        assertThat(section("outlierDetection", "")).isEmpty();
        assertThat(section("outlierDetection", "consecutive5xx: 0, successRate: {stdevFactorPercent: 250}"))
                .isEmpty();
        assertThat(section("outlierDetection", "baseEjectionTime: 10m")).contains("not longer than maxEjectionTime");
        assertThat(section("outlierDetection", "maxEjectionTime: 25h")).contains("24h at most");
        assertThat(section("outlierDetection", "maxEjectionPercent: 0"))
                .contains("spec.outlierDetection.maxEjectionPercent");
        assertThat(section("outlierDetection", "successRate: {minimumEndpoints: 2}"))
                .contains("minimumEndpoints");
    }

    @Test
    void whatNobodyCouldMeanIsRefused() throws Exception {
        assertThat(targets("{group: \"\", kind: ConfigMap, name: web}")).contains("targets are Services");
        assertThat(targets("{group: apps, kind: Service, name: web}")).contains("targets are Services");
        assertThat(targets(WEB, WEB)).contains("may be there once");
        assertThat(targets()).contains("spec.targetRefs");
        assertThat(balancer("algorithm: Random, choices: 3")).contains("LeastRequest and PeakEwma only");
        assertThat(balancer("choices: 3")).contains("LeastRequest and PeakEwma only");
        assertThat(balancer("algorithm: LeastRequest, choices: 1")).contains("spec.loadBalancer.choices");
        assertThat(balancer("algorithm: LeastRequest, decay: 5s")).contains("PeakEwma only");
        assertThat(balancer("algorithm: PeakEwma, decay: 5ms")).contains("1s to 1h");
        assertThat(balancer("tableSize: 1024")).contains("RingHash and Maglev only");
        assertThat(balancer("algorithm: Maglev, tableSize: 63")).contains("spec.loadBalancer.tableSize");
        assertThat(balancer("hashKeys: [{type: ClientIP}]")).contains("RingHash and Maglev only");
        assertThat(balancer("algorithm: RingHash, slowStart: {window: 1m}")).contains("keys would move");
        assertThat(balancer("slowStart: {window: 2h}")).contains("window must be 1s to 1h");
        assertThat(balancer("algorithm: \"two words\"")).contains("spec.loadBalancer.algorithm");
        String maglev = "algorithm: Maglev, hashKeys: ";
        assertThat(balancer(maglev + "[{type: Header}]")).contains("header must be given");
        assertThat(balancer(maglev + "[{type: ClientIP, cookie: {name: a}}]")).contains("cookie must be given");
        assertThat(balancer(maglev + "[{type: Header, header: a, queryParameter: b}]"))
                .contains("queryParameter must be given");
        assertThat(balancer(maglev + "[{type: Cookie, cookie: {name: a, path: /}}]"))
                .contains("with ttl only");
        assertThat(balancer(maglev + "[{type: Cookie, cookie: {name: a, ttl: 1h, sameSite: None}}]"))
                .contains("secure: true");
        assertThat(balancer(maglev + "[{type: Cookie, cookie: {name: a, ttl: 9601h}}]"))
                .contains("400 days");
        assertThat(balancer(maglev + "[{type: Cookie, cookie: {name: a, ttl: 1h, path: \"/;x\"}}]"))
                .contains("cookie.path");
        assertThat(balancer(maglev + "[{type: Cookie, cookie: {name: \"a;b\"}}]"))
                .contains("cookie.name");
    }
}
