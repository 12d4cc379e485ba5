package dev.coppice.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.coppice.gateway.config.BalanceConfig;
import dev.coppice.gateway.config.BalanceConfig.HashKey;
import dev.coppice.gateway.config.BalanceConfig.MadeCookie;
import dev.coppice.gateway.config.BalanceConfig.SlowStart;
import dev.coppice.gateway.config.BalanceConfig.Subset;
import dev.coppice.gateway.config.CredentialConfig;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.HealthCheckConfig;
import dev.coppice.gateway.config.HealthCheckConfig.Codes;
import dev.coppice.gateway.config.HealthCheckConfig.Type;
import dev.coppice.gateway.config.OutlierConfig;
import dev.coppice.gateway.config.SecurityConfig.Secret;
import dev.coppice.gateway.config.TrafficConfig;
import dev.coppice.gateway.config.UpstreamConfig.Endpoint;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** BackendTrafficPolicies: what they come to, which of them count, and what is said of them. */
class TrafficPoliciesTest {
    private static final String ACCEPTED = "Accepted=True/Accepted";
    private static final String WEB = "{group: \"\", kind: Service, name: web}";

    private final World world = new World()
            .service("default", "web", "{name: http, port: 80}, {name: admin, port: 81}", "10.0.0.1")
            .apply("""
                    kind: Gateway
                    metadata: {name: gate}
                    spec: {gatewayClassName: coppice, listeners: [{name: http, port: 80, protocol: HTTP}]}
                    ---
                    kind: HTTPRoute
                    metadata: {name: shop}
                    spec:
                      parentRefs: [{name: gate}]
                      rules:
                      - backendRefs: [{name: web, port: 80}]
                      - {matches: [{path: {value: /admin}}], backendRefs: [{name: web, port: 81}]}
                    """);

    private World policy(String name, String target, String fields) {
        return world.apply("kind: BackendTrafficPolicy\nmetadata: {name: " + name + "}\nspec: {targetRefs: [" + target
                + "], " + fields + "}");
    }

    private static List<String> said(World.Outcome outcome, String policy) {
        return outcome.parents("BackendTrafficPolicy", policy);
    }

    private static String message(World.Outcome outcome, String policy) {
        return ((Draft.OfRoute) outcome.draft("BackendTrafficPolicy", policy))
                .parents()
                .getFirst()
                .conditions()
                .getFirst()
                .message();
    }

    private static String algorithm(World.Outcome outcome, String upstream) {
        TrafficConfig traffic = outcome.upstream(upstream).traffic();
        return traffic == null || traffic.balance() == null
                ? "none"
                : traffic.balance().algorithm();
    }

    @Test
    void aPolicyIsReadWithItsDefaults() {
        assertThat(world.translate().upstream("default/web:80").traffic()).isNull();
        policy("p", WEB, "loadBalancer: {}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly(ACCEPTED);
        assertThat(outcome.upstream("default/web:80").traffic())
                .isEqualTo(TrafficConfig.NONE.withBalance(BalanceConfig.DEFAULT));
        policy(
                "p",
                WEB,
                "loadBalancer: {algorithm: LeastRequest, choices: 3, panicThresholdPercent: 20, overprovisioningPercent: 200,"
                        + " slowStart: {window: 1m, aggressionPercent: 150}}");
        assertThat(world.translate().upstream("default/web:80").traffic())
                .isEqualTo(TrafficConfig.NONE.withBalance(new BalanceConfig(
                        "LeastRequest",
                        3,
                        10_000_000_000L,
                        0,
                        List.of(),
                        new SlowStart(60_000_000_000L, 1.5, 0.1),
                        20,
                        200)));
        policy(
                "p",
                WEB,
                "loadBalancer: {algorithm: Maglev, tableSize: 2039, hashKeys: [{type: Header, header: X-User},"
                        + " {type: QueryParameter, queryParameter: User}, {type: Cookie, cookie: {name: old}},"
                        + " {type: Cookie, cookie: {name: sid, ttl: 1h}}, {type: ClientIP}]}");
        assertThat(world.translate().upstream("default/web:80").traffic())
                .isEqualTo(TrafficConfig.NONE.withBalance(new BalanceConfig(
                        "Maglev",
                        2,
                        10_000_000_000L,
                        2039,
                        List.of(
                                new HashKey.Header("x-user"),
                                new HashKey.QueryParameter("User"),
                                new HashKey.Cookie("old", null),
                                new HashKey.Cookie("sid", new MadeCookie(3600, "/", "Lax", true, false)),
                                new HashKey.ClientAddress()),
                        null,
                        50,
                        140)));
        world.remove("BackendTrafficPolicy", "default", "p");
        assertThat(world.translate().upstream("default/web:80").traffic()).isNull();
    }

    @Test
    void boundsOfLoadsAndSubsetsAreRead() {
        world.apply("""
                kind: EndpointSlice
                metadata: {name: web-2, labels: {kubernetes.io/service-name: web, version: v2}}
                addressType: IPv4
                ports: [{name: http, port: 3000}]
                endpoints: [{addresses: [10.0.0.9]}]
                """);
        policy(
                "p",
                WEB,
                "loadBalancer: {algorithm: Maglev, balanceFactorPercent: 125, subset: {label: version, header: X-Version}}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly(ACCEPTED);
        assertThat(outcome.upstream("default/web:80").traffic())
                .isEqualTo(TrafficConfig.NONE.withBalance(
                        new BalanceConfig("Maglev", 2, 10_000_000_000L, 0, List.of(), null, 50, 140)
                                .withBalanceFactor(125)
                                .withSubset(new Subset("version", "x-version", null, Subset.Fallback.ANY, ""))));
        assertThat(outcome.upstream("default/web:80").endpoints())
                .extracting(Endpoint::address, Endpoint::subset)
                .containsExactlyInAnyOrder(tuple("10.0.0.1", ""), tuple("10.0.0.9", "v2"));
        // Others do not answer for a version of which nothing is ready, or whose HealthCheck is down.
        world.apply("""
                kind: EndpointSlice
                metadata: {name: web-3, labels: {kubernetes.io/service-name: web, version: v3}}
                addressType: IPv4
                ports: [{name: http, port: 3000}]
                endpoints: [{addresses: [10.0.0.10], conditions: {ready: false}}]
                """);
        assertThat(world.translate().upstream("default/web:80").absentSubsets()).containsExactly("v3");
        world.apply("""
                kind: HealthCheck
                metadata: {name: far}
                status: {state: Down}
                ---
                kind: EndpointSlice
                metadata:
                  name: web-2
                  labels: {kubernetes.io/service-name: web, version: v2}
                  annotations: {gateway.coppice.dev/health-check: far}
                addressType: IPv4
                ports: [{name: http, port: 3000}]
                endpoints: [{addresses: [10.0.0.9]}]
                """);
        assertThat(world.translate().upstream("default/web:80").absentSubsets()).containsExactlyInAnyOrder("v2", "v3");
        world.remove("EndpointSlice", "default", "web-3");
        world.apply("kind: HealthCheck\nmetadata: {name: far}\nstatus: {state: Up}");
        assertThat(world.translate().upstream("default/web:80").absentSubsets()).isEmpty();
        policy(
                "p",
                WEB,
                "loadBalancer: {subset: {label: topology.kubernetes.io/zone, cookie: zone, fallback: Default, defaultValue: a}}");
        assertThat(world.translate().upstream("default/web:80").traffic())
                .isEqualTo(TrafficConfig.NONE.withBalance(BalanceConfig.DEFAULT.withSubset(
                        new Subset("topology.kubernetes.io/zone", null, "zone", Subset.Fallback.DEFAULT, "a"))));
        // It is another label now.
        assertThat(world.translate().upstream("default/web:80").endpoints())
                .extracting(Endpoint::subset)
                .containsOnly("");
    }

    @Test
    void howHealthIsFoundOutIsReadWithItsDefaults() {
        policy("p", WEB, "healthCheck: {}, outlierDetection: {}");
        assertThat(world.translate().upstream("default/web:80").traffic())
                .isEqualTo(TrafficConfig.NONE
                        .withHealthCheck(new HealthCheckConfig(
                                Type.HTTP,
                                "",
                                "/",
                                "GET",
                                List.of(new Codes(200, 299)),
                                "",
                                5_000_000_000L,
                                0.1,
                                1_000_000_000L,
                                3,
                                2))
                        .withOutliers(
                                new OutlierConfig(5, 0, null, 10_000_000_000L, 30_000_000_000L, 300_000_000_000L, 10)));
        policy(
                "p",
                WEB,
                "healthCheck: {type: GRPC, grpc: {service: shop.Cart}, interval: 10s, timeout: 500ms, jitterPercent: 50},"
                        + " outlierDetection: {consecutive5xx: 0, consecutiveGatewayFailures: 3,"
                        + " successRate: {requestVolume: 10}, maxEjectionPercent: 50}");
        TrafficConfig traffic = world.translate().upstream("default/web:80").traffic();
        assertThat(traffic).isNotNull();
        assertThat(traffic.healthCheck().type()).isEqualTo(Type.GRPC);
        assertThat(traffic.healthCheck().service()).isEqualTo("shop.Cart");
        assertThat(traffic.healthCheck().jitter()).isEqualTo(0.5);
        assertThat(traffic.healthCheck().timeoutNanos()).isEqualTo(500_000_000);
        assertThat(traffic.outliers().successRate()).isEqualTo(new OutlierConfig.SuccessRate(5, 10, 1.9));
        assertThat(traffic.outliers().consecutiveGatewayFailures()).isEqualTo(3);
    }

    @Test
    void datagramsAreNotChecked() {
        world.apply("""
                kind: Service
                metadata: {name: dns}
                spec: {ports: [{name: udp, port: 53, protocol: UDP}]}
                ---
                kind: Gateway
                metadata: {name: udp}
                spec: {gatewayClassName: coppice, listeners: [{name: dns, port: 53, protocol: UDP}]}
                ---
                apiVersion: gateway.networking.k8s.io/v1alpha2
                kind: UDPRoute
                metadata: {name: dns}
                spec: {parentRefs: [{name: udp}], rules: [{backendRefs: [{name: dns, port: 53}]}]}
                """);
        policy(
                "p",
                "{group: \"\", kind: Service, name: dns}",
                "healthCheck: {}, loadBalancer: {algorithm: Random}, proxyProtocol: {version: V2}");
        TrafficConfig traffic = world.translate().upstream("default/dns:53/udp").traffic();
        assertThat(traffic).isNotNull();
        assertThat(traffic.healthCheck()).isNull();
        assertThat(traffic.balance().algorithm()).isEqualTo("Random");
        assertThat(traffic.proxyProtocol()).isEqualTo(TrafficConfig.ProxyProtocol.V2);
        policy("p", "{group: \"\", kind: Service, name: dns}", "healthCheck: {}, proxyProtocol: {version: V1}");
        traffic = world.translate().upstream("default/dns:53/udp").traffic();
        assertThat(traffic).isNotNull();
        assertThat(traffic.proxyProtocol()).isNull();
    }

    @Test
    void theOldestCountsAndThatForAPortBeforeThatForTheService() {
        policy("whole", WEB, "loadBalancer: {algorithm: Random}");
        policy("younger", WEB, "loadBalancer: {algorithm: RingHash}");
        policy(
                "port",
                "{group: \"\", kind: Service, name: web, sectionName: admin}",
                "loadBalancer: {algorithm: PeakEwma}");
        World.Outcome outcome = world.translate();
        assertThat(algorithm(outcome, "default/web:80")).isEqualTo("Random");
        assertThat(algorithm(outcome, "default/web:81")).isEqualTo("PeakEwma");
        assertThat(said(outcome, "whole")).containsExactly(ACCEPTED);
        assertThat(said(outcome, "port")).containsExactly(ACCEPTED);
        assertThat(said(outcome, "younger")).containsExactly("Accepted=False/Conflicted");
        assertThat(message(outcome, "younger")).isEqualTo("the older policy whole is for Service web too");
        world.remove("BackendTrafficPolicy", "default", "whole");
        outcome = world.translate();
        assertThat(algorithm(outcome, "default/web:80")).isEqualTo("RingHash");
        assertThat(said(outcome, "younger")).containsExactly(ACCEPTED);
    }

    @Test
    void whatCannotBeReadIsToldAndNothingOfItCounts() {
        policy("p", WEB, "loadBalancer: {algorithm: Maglev, tableSize: 1024}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly("Accepted=False/Invalid");
        assertThat(message(outcome, "p"))
                .startsWith("loadBalancer.tableSize: 1024 is no prime number")
                .contains("1031");
        assertThat(outcome.upstream("default/web:80").traffic()).isNull();
        policy("p", WEB, "loadBalancer: {algorithm: Fastest}");
        assertThat(message(world.translate(), "p"))
                .startsWith("loadBalancer.algorithm: \"Fastest\": expected one of LeastRequest, Maglev, PeakEwma");
    }

    @Test
    void aPolicyIsToldOfAtTheGatewaysThatSendToItsService() {
        policy("p", "{group: \"\", kind: Service, name: other}, " + WEB, "loadBalancer: {}");
        policy("unused", "{group: \"\", kind: Service, name: other2}", "loadBalancer: {}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly(ACCEPTED);
        assertThat(said(outcome, "unused")).isEmpty();
        world.remove("HTTPRoute", "default", "shop");
        assertThat(said(world.translate(), "p")).isEmpty();
    }

    @Test
    void aSavedConfigurationHasIt(@TempDir Path directory) throws Exception {
        policy(
                "p",
                WEB,
                "loadBalancer: {algorithm: Maglev, hashKeys: [{type: Cookie, cookie: {name: sid, ttl: 1h}}, {type: ClientIP}]}");
        GatewayConfig config = world.translate().config();
        Path file = directory.resolve("config.json");
        SavedConfig saved = World.saved(file);
        saved.write(config);
        assertThat(saved.read()).contains(config);
        // As an earlier version wrote it, which knew of no policies.
        world.remove("BackendTrafficPolicy", "default", "p");
        GatewayConfig plain = world.translate().config();
        Files.writeString(
                file,
                new JsonMapper()
                        .writeValueAsString(plain)
                        .replace(",\"traffic\":null", "")
                        .replace(",\"priority\":0,\"weight\":1", ""));
        assertThat(Files.readString(file)).doesNotContain("traffic").doesNotContain("weight\":1}");
        assertThat(saved.read()).contains(plain);
    }

    private static CredentialConfig credentials(World.Outcome outcome) {
        TrafficConfig traffic = outcome.upstream("default/web:80").traffic();
        return traffic == null || traffic.credentials() == null
                ? new CredentialConfig.Missing()
                : traffic.credentials();
    }

    private void secret(String entries) {
        world.apply("kind: Secret\nmetadata: {name: s}\nstringData: {" + entries + "}");
    }

    @Test
    void credentialsComeFromSecrets() {
        policy("p", WEB, "credentials: {type: Bearer, secretRef: {name: s}}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly(ACCEPTED + " ResolvedRefs=False/SecretNotFound");
        assertThat(credentials(outcome)).isEqualTo(new CredentialConfig.Missing());
        secret("token: \"t\\n\"");
        outcome = world.translate();
        assertThat(said(outcome, "p")).containsExactly(ACCEPTED + " ResolvedRefs=True/ResolvedRefs");
        assertThat(credentials(outcome)).isEqualTo(new CredentialConfig.Fixed("authorization", new Secret("Bearer t")));
        policy("p", WEB, "credentials: {type: Basic, secretRef: {name: s}}");
        assertThat(said(world.translate(), "p")).containsExactly(ACCEPTED + " ResolvedRefs=False/InvalidReference");
        secret("username: gate, password: sesame");
        assertThat(credentials(world.translate()))
                .isEqualTo(new CredentialConfig.Fixed("authorization", new Secret("Basic Z2F0ZTpzZXNhbWU=")));
        policy("p", WEB, "credentials: {type: Header, header: X-Key, secretRef: {name: s}}");
        secret("value: \"a\\nb\"");
        assertThat(said(world.translate(), "p")).containsExactly(ACCEPTED + " ResolvedRefs=False/InvalidReference");
        secret("value: k");
        assertThat(credentials(world.translate())).isEqualTo(new CredentialConfig.Fixed("x-key", new Secret("k")));
        policy("p", WEB, "credentials: {type: Header, header: Host, secretRef: {name: s}}");
        outcome = world.translate();
        assertThat(message(outcome, "p")).contains("credentials.header: Host has another meaning", "503");
        assertThat(credentials(outcome)).isEqualTo(new CredentialConfig.Missing());
    }

    @Test
    void tokensAreFetchedAsThePolicySays(@TempDir Path directory) throws Exception {
        secret("client-secret: sesame");
        policy(
                "p",
                WEB,
                "credentials: {type: ClientCredentials, secretRef: {name: s}, clientCredentials: {tokenURI: 'https://id.example/t',"
                        + " clientID: gate, scopes: [orders], audience: shop}}");
        World.Outcome outcome = world.translate();
        assertThat(credentials(outcome))
                .isEqualTo(new CredentialConfig.ClientCredentials(
                        "https://id.example/t",
                        "gate",
                        new Secret("sesame"),
                        false,
                        List.of("orders"),
                        "shop",
                        null,
                        false));
        SavedConfig saved = World.saved(directory.resolve("config.json"));
        saved.write(outcome.config());
        assertThat(saved.read()).contains(outcome.config());
        assertThat(Files.readString(directory.resolve("config.json"), StandardCharsets.ISO_8859_1))
                .doesNotContain("sesame");
        policy(
                "p",
                WEB,
                "credentials: {type: ClientCredentials, secretRef: {name: s}, clientCredentials: {tokenURI: 'https://[', clientID: gate}}");
        assertThat(message(world.translate(), "p")).contains("credentials.clientCredentials.tokenURI");
    }
}
