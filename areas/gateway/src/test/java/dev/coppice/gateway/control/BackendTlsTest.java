package dev.coppice.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.TlsConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.config.UpstreamConfig.Protocol;
import dev.coppice.gateway.config.UpstreamTlsConfig;
import dev.coppice.gateway.config.UpstreamTlsConfig.Name;
import dev.coppice.gateway.config.UpstreamTlsConfig.Name.Type;
import dev.coppice.gateway.proxy.TestAuthority;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** BackendTLSPolicies, and the client certificates of Gateways. */
class BackendTlsTest {
    private static final String GOOD = "Accepted=True/Accepted ResolvedRefs=True/ResolvedRefs";

    private static TestAuthority authority;
    private static TestAuthority other;

    private final World world = new World();

    @BeforeAll
    static void authorities() throws Exception {
        authority = new TestAuthority("authority");
        other = new TestAuthority("other");
    }

    @BeforeEach
    void start() {
        world.service("default", "web", "{name: http, port: 443}, {name: more, port: 444}", "10.0.0.1");
        gateway("one", "listeners: [{name: http, port: 80, protocol: HTTP}]");
        route("r", "one", "web", 443);
        bundle("ConfigMap", "ca", authority);
    }

    private World gateway(String name, String spec) {
        return world.apply(
                "kind: Gateway\nmetadata: {name: " + name + "}\nspec:\n  gatewayClassName: coppice\n" + spec.indent(2));
    }

    private void route(String name, String gateway, String service, int port) {
        world.apply("""
                kind: HTTPRoute
                metadata: {name: %s}
                spec: {parentRefs: [{name: %s}], rules: [{backendRefs: [{name: %s, port: %d}]}]}
                """.formatted(name, gateway, service, port));
    }

    private void bundle(String kind, String name, TestAuthority of) {
        boolean secret = kind.equals("Secret");
        world.apply("kind: " + kind + "\nmetadata: {name: " + name + "}\ndata:\n  ca.crt: "
                + (secret ? base64(of.pem()) : "|\n" + of.pem().indent(4)));
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.US_ASCII));
    }

    private World policy(String name, String target, String validation) {
        return world.apply("""
                kind: BackendTLSPolicy
                metadata: {name: %s}
                spec:
                  targetRefs: [{group: "", kind: Service, %s}]
                  validation: {%s}
                """.formatted(name, target, validation));
    }

    private static String from(String... maps) {
        StringBuilder all = new StringBuilder();
        for (String each : maps) {
            all.append("{group: \"\", kind: ConfigMap, name: ").append(each).append("}, ");
        }
        return "hostname: a.example.org, caCertificateRefs: [" + all + "]";
    }

    private static UpstreamTlsConfig tls(World.Outcome outcome, String upstream) {
        UpstreamTlsConfig tls = outcome.upstream(upstream).tls();
        assertThat(tls).isNotNull();
        return tls;
    }

    private static String said(World.Outcome outcome, String policy) {
        return outcome.parents("BackendTLSPolicy", policy).getFirst();
    }

    @Test
    void aPolicySecuresItsService() {
        assertThat(world.translate().upstream("default/web:443").tls()).isNull();
        policy("p", "name: web", from("ca"));
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "p")).isEqualTo(GOOD);
        assertThat(outcome.config().upstreams())
                .extracting(UpstreamConfig::name)
                .containsExactly("default/web:443/tls");
        assertThat(outcome.upstream("default/web:443/tls").endpoints()).hasSize(1);
        assertThat(tls(outcome, "default/web:443/tls"))
                .isEqualTo(new UpstreamTlsConfig(
                        "a.example.org", List.of(new Name(Type.DNS, "a.example.org")), authority.pem(), null));
        assertThat(outcome.parent("r")).endsWith("ResolvedRefs=True/ResolvedRefs");
        assertThat(outcome.served("http")
                        .routes()
                        .getFirst()
                        .rules()
                        .getFirst()
                        .backends()
                        .getFirst()
                        .upstream())
                .isEqualTo("default/web:443/tls");
        assertThat(world.translate().config()).isEqualTo(outcome.config());
        world.remove("BackendTLSPolicy", "default", "p");
        assertThat(world.translate().config().upstreams())
                .extracting(UpstreamConfig::name)
                .containsExactly("default/web:443");
    }

    @Test
    void namesAndAuthoritiesAreAsThePolicySays() {
        bundle("Secret", "hidden", other);
        policy("p", "name: web", """
                hostname: a.org, caCertificateRefs: [
                  {group: "", kind: ConfigMap, name: ca}, {group: "", kind: Secret, name: hidden}],
                subjectAltNames: [{type: URI, uri: "spiffe://Example.org/a"}, {type: Hostname, hostname: b.org}]
                """.replace("\n", " "));
        UpstreamTlsConfig both = tls(world.translate(), "default/web:443/tls");
        assertThat(both.serverName()).isEqualTo("a.org");
        assertThat(both.names())
                .containsExactly(new Name(Type.URI, "spiffe://Example.org/a"), new Name(Type.DNS, "b.org"));
        assertThat(both.authorities()).isEqualTo(authority.pem() + other.pem());
        policy("p", "name: web", "hostname: a.org, wellKnownCACertificates: System");
        World.Outcome outcome = world.translate();
        assertThat(tls(outcome, "default/web:443/tls").authorities()).isNull();
        assertThat(said(outcome, "p")).isEqualTo(GOOD);
    }

    @Test
    void nothingIsSentWherePoliciesAreNotValid() {
        policy("p", "name: web", from("gone"));
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "p"))
                .isEqualTo("Accepted=False/NoValidCACertificate ResolvedRefs=False/InvalidCACertificateRef");
        assertThat(outcome.upstream("default/web:443/tls").endpoints()).isEmpty();
        world.apply("kind: ConfigMap\nmetadata: {name: gone}\ndata: {}");
        assertThat(said(world.translate(), "p"))
                .isEqualTo("Accepted=False/NoValidCACertificate ResolvedRefs=False/InvalidCACertificateRef");
        world.apply("kind: ConfigMap\nmetadata: {name: gone}\ndata: {ca.crt: rubbish}");
        assertThat(world.translate().upstream("default/web:443/tls").endpoints())
                .isEmpty();
        // The content counts, not the policy's generation.
        bundle("ConfigMap", "gone", other);
        outcome = world.translate();
        assertThat(said(outcome, "p")).isEqualTo(GOOD);
        assertThat(tls(outcome, "default/web:443/tls").authorities()).isEqualTo(other.pem());
        assertThat(outcome.upstream("default/web:443/tls").endpoints()).hasSize(1);
        policy("p", "name: web", from("missing", "ca"));
        outcome = world.translate();
        assertThat(said(outcome, "p")).isEqualTo("Accepted=True/Accepted ResolvedRefs=False/InvalidCACertificateRef");
        assertThat(tls(outcome, "default/web:443/tls").authorities()).isEqualTo(authority.pem());
        policy("p", "name: web", "hostname: a.org, caCertificateRefs: [{group: x.org, kind: Bundle, name: ca}]");
        assertThat(said(world.translate(), "p"))
                .isEqualTo("Accepted=False/NoValidCACertificate ResolvedRefs=False/InvalidKind");
        policy("p", "name: web", "hostname: 10.0.0.1, wellKnownCACertificates: System");
        outcome = world.translate();
        assertThat(said(outcome, "p")).isEqualTo("Accepted=False/Invalid ResolvedRefs=True/ResolvedRefs");
        assertThat(outcome.upstream("default/web:443/tls").endpoints()).isEmpty();
    }

    @Test
    void theOldestPolicyForAPortCountsAndThatOfThePortBeforeThatOfTheService() {
        route("more", "one", "web", 444);
        bundle("ConfigMap", "own", other);
        policy("older", "name: web", from("own"));
        policy("newer", "name: web", "hostname: newer.org, wellKnownCACertificates: System");
        policy("port", "name: web, sectionName: more", "hostname: port.org, wellKnownCACertificates: System");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "older")).isEqualTo(GOOD);
        assertThat(said(outcome, "newer")).isEqualTo("Accepted=False/Conflicted ResolvedRefs=True/ResolvedRefs");
        assertThat(said(outcome, "port")).isEqualTo(GOOD);
        assertThat(tls(outcome, "default/web:443/tls").serverName()).isEqualTo("a.example.org");
        assertThat(tls(outcome, "default/web:444/tls").serverName()).isEqualTo("port.org");
        // It is not replaced by another because it is no good.
        world.remove("ConfigMap", "default", "own");
        assertThat(world.translate().upstream("default/web:443/tls").endpoints())
                .isEmpty();
        world.remove("BackendTLSPolicy", "default", "older");
        outcome = world.translate();
        assertThat(said(outcome, "newer")).isEqualTo(GOOD);
        assertThat(tls(outcome, "default/web:443/tls").serverName()).isEqualTo("newer.org");
    }

    @Test
    void gatewaysThatSendToItAreItsAncestors() {
        gateway("two", "listeners: [{name: http, port: 80, protocol: HTTP}]");
        gateway("three", "listeners: [{name: http, port: 80, protocol: HTTP}]");
        route("other", "two", "web", 443);
        policy("p", "name: web", from("ca"));
        policy("unused", "name: none", from("ca"));
        assertThat(world.translate().parents("BackendTLSPolicy", "p")).containsExactly(GOOD, GOOD);
        assertThat(world.translate().parents("BackendTLSPolicy", "unused")).isEmpty();
    }

    private void secret(String name, TlsConfig.Certificate pair) {
        world.apply("kind: Secret\nmetadata: {name: %s}\ntype: kubernetes.io/tls\ndata: {tls.crt: %s, tls.key: %s}"
                .formatted(name, base64(pair.chain()), base64(pair.key())));
    }

    @Test
    void aGatewayShowsItsCertificateToBackendsInTlsOnly(@TempDir Path directory) throws Exception {
        TlsConfig.Certificate pair = authority.sign("gateway").config();
        gateway("shows", """
                listeners: [{name: shows, port: 80, protocol: HTTP}]
                tls: {backend: {clientCertificateRef: {name: cert}}}
                """);
        world.service("default", "plain", "{name: http, port: 80}", "10.0.0.2");
        world.apply("""
                kind: HTTPRoute
                metadata: {name: r}
                spec:
                  parentRefs: [{name: one}, {name: shows}]
                  rules:
                  - backendRefs: [{name: web, port: 443}, {name: plain, port: 80}]
                    filters:
                    - {type: RequestMirror, requestMirror: {backendRef: {name: web, port: 443}}}
                """);
        policy("p", "name: web", from("ca"));
        World.Outcome outcome = world.translate();
        assertThat(outcome.conditions("shows")).contains("ResolvedRefs=False/InvalidClientCertificateRef");
        // It would be taken for somebody else without.
        assertThat(outcome.upstream("default/web:443/tls/default/shows").endpoints())
                .isEmpty();
        secret("cert", pair);
        outcome = world.translate();
        assertThat(outcome.conditions("shows")).contains("ResolvedRefs=True/ResolvedRefs");
        assertThat(tls(outcome, "default/web:443/tls/default/shows").client()).isEqualTo(pair);
        assertThat(tls(outcome, "default/web:443/tls").client()).isNull();
        assertThat(outcome.upstream("default/plain:80").tls()).isNull();
        assertThat(outcome.config().upstreams()).hasSize(3);
        assertThat(outcome.served("shows")
                        .routes()
                        .getFirst()
                        .rules()
                        .getFirst()
                        .toString())
                .contains("upstream=default/web:443/tls/default/shows, numerator")
                .contains("upstream=default/web:443/tls/default/shows, weight")
                .contains("upstream=default/plain:80, weight");
        assertThat(outcome.served("http").routes().getFirst().rules().getFirst().toString())
                .doesNotContain("shows");
        assertThat(outcome.config().toString()).doesNotContain("PRIVATE KEY");

        Path file = directory.resolve("config.json");
        SavedConfig saved = World.saved(file);
        saved.write(outcome.config());
        assertThat(Files.readString(file, StandardCharsets.ISO_8859_1)).doesNotContain("PRIVATE KEY", "listeners");
        assertThat(World.saved(file).read()).contains(outcome.config());
        assertThat(World.saved(file).read().orElseThrow().upstreams())
                .filteredOn(each -> each.name().endsWith("shows"))
                .singleElement()
                .satisfies(each -> assertThat(each.tls().client()).isEqualTo(pair));
        // Whoever changes a byte is not believed.
        byte[] changed = Files.readAllBytes(file);
        changed[changed.length - 1] ^= 1;
        Files.write(file, changed);
        assertThat(saved.read()).isEmpty();
    }

    @Test
    void whatIsPassedThroughIsNotWrappedAgain() throws Exception {
        secret("ended", authority.sign("ended", "dns:ended.org").config());
        gateway("tls", """
                listeners:
                - {name: ends, port: 443, protocol: TLS, hostname: ended.org, tls: {mode: Terminate, certificateRefs: [{name: ended}]}}
                - {name: passes, port: 443, protocol: TLS, hostname: passed.org, tls: {mode: Passthrough}}
                - {name: tcp, port: 90, protocol: TCP}
                """);
        world.apply("""
                kind: TLSRoute
                metadata: {name: t}
                spec: {parentRefs: [{name: tls}], hostnames: [ended.org, passed.org], rules: [{backendRefs: [{name: web, port: 443}]}]}
                ---
                kind: TCPRoute
                metadata: {name: c}
                spec: {parentRefs: [{name: tls}], rules: [{backendRefs: [{name: web, port: 443}]}]}
                """);
        policy("p", "name: web", from("ca"));
        World.Outcome outcome = world.translate();
        assertThat(upstreamOf(outcome, "ends")).isEqualTo("default/web:443/tcp/tls");
        assertThat(upstreamOf(outcome, "passes")).isEqualTo("default/web:443/tcp");
        assertThat(upstreamOf(outcome, "tcp")).isEqualTo("default/web:443/tcp/tls");
        assertThat(outcome.upstream("default/web:443/tcp").tls()).isNull();
        assertThat(outcome.upstream("default/web:443/tcp/tls").protocol()).isEqualTo(Protocol.BYTES);
        assertThat(tls(outcome, "default/web:443/tcp/tls").serverName()).isEqualTo("a.example.org");
        assertThat(outcome.parents("BackendTLSPolicy", "p")).containsExactly(GOOD, GOOD);
    }

    private static String upstreamOf(World.Outcome outcome, String listener) {
        return outcome.served(listener)
                .routes()
                .getFirst()
                .rules()
                .getFirst()
                .backends()
                .getFirst()
                .upstream();
    }

    @Test
    void applicationProtocolsThatAskForTlsNeedAPolicy() {
        world.service(
                "default",
                "app",
                "{name: http, port: 1, appProtocol: HTTPS}, {name: ws, port: 2, appProtocol: kubernetes.io/wss}",
                "10.0.0.1");
        route("a", "one", "app", 1);
        route("b", "one", "app", 2);
        assertThat(world.translate().parent("a")).endsWith("ResolvedRefs=False/UnsupportedProtocol");
        policy("p", "name: app", from("ca"));
        World.Outcome outcome = world.translate();
        assertThat(outcome.parent("a")).endsWith("ResolvedRefs=True/ResolvedRefs");
        assertThat(outcome.upstream("default/app:1/tls").protocol()).isEqualTo(Protocol.HTTP);
        assertThat(outcome.upstream("default/app:2/ws/tls").protocol()).isEqualTo(Protocol.WEBSOCKET);
    }
}
