package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Who may see and do what, tried from outside on one running node. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class SecurityTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String MARKER = "marker-4711-of-a-secret";
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir
    private static Path folder;

    private RunningCoppice coppice;
    private BrokenServers servers;

    @BeforeAll
    void start() throws Exception {
        Shell.need("kubectl", "curl");
        servers = new BrokenServers();
        coppice = RunningCoppice.up(folder.resolve("data"));
    }

    @AfterAll
    void stop() throws Exception {
        if (coppice != null) {
            coppice.close();
            servers.close();
        }
    }

    // ---- at rest

    @Test
    void secretsAreEncryptedAtRest() throws Exception {
        coppice.kubectl("create", "secret", "generic", "sealed", "--from-literal=password=" + MARKER)
                .succeeds();
        coppice.kubectl("create", "configmap", "open", "--from-literal=password=plain-" + MARKER.hashCode())
                .succeeds();
        assertThat(coppice.kubectl("get", "secret", "sealed", "-o", "jsonpath={.data.password}")
                        .succeeds()
                        .output())
                .isEqualTo(base64(MARKER));
        assertThat(filesWith("plain-" + MARKER.hashCode()))
                .as("what is no secret is found, so the search works")
                .isNotEmpty();
        assertThat(filesWith(MARKER)).isEmpty();
        assertThat(filesWith(base64(MARKER))).isEmpty();
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static List<Path> filesWith(String text) throws IOException {
        List<Path> found = new ArrayList<>();
        try (Stream<Path> files = Files.walk(folder.resolve("data"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                if (new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).contains(text)) {
                    found.add(file);
                }
            }
        }
        return found;
    }

    @Test
    void theStoreNeverShowsWhatTheApiKeeps() throws Exception {
        Shell.need("etcdctl");
        coppice.kubectl("create", "configmap", "hidden", "--from-literal=a=b").succeeds();
        List<String> etcdctl = List.of(
                "etcdctl",
                "--endpoints",
                "https://" + coppice.etcd(),
                "--cacert",
                coppice.ready().path("certificateAuthority").asText(),
                "--cert",
                coppice.ready().path("clientCertificate").asText(),
                "--key",
                coppice.ready().path("clientKey").asText(),
                "--command-timeout=5s");
        assertThat(etcdctl(etcdctl, "get", "", "--from-key").succeeds().output())
                .isEmpty();
        Shell.Outcome _ = etcdctl(etcdctl, "del", "", "--from-key").succeeds();
        assertThat(coppice.kubectl("get", "configmap", "hidden", "-o", "jsonpath={.data.a}")
                        .succeeds()
                        .output())
                .isEqualTo("b");
    }

    private static Shell.Outcome etcdctl(List<String> options, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(options);
        command.addAll(List.of(arguments));
        return Shell.run(LIMIT, Map.of("ETCDCTL_API", "3"), null, command);
    }

    // ---- who is it

    @Test
    void tokensThatAreUnknownOrExpiredAreUnauthorized() throws Exception {
        assertThat(withToken("/api/v1/namespaces", "no-such-token"))
                .contains("\"reason\":\"Unauthorized\"")
                .endsWith("401");
        String token = coppice.kubectl("create", "token", "default")
                .succeeds()
                .output()
                .strip();
        assertThat(withToken("/api", token)).endsWith("200");
        assertThat(withToken("/api", expired(token))).endsWith("401");
        assertThat(withToken("/api", token.substring(0, token.length() - 4) + "AAAA"))
                .endsWith("401");
    }

    /** The same token as the node would have signed it yesterday. */
    private static String expired(String token) throws Exception {
        String[] parts = token.split("\\.");
        Base64.Encoder encoder = Base64.getUrlEncoder().withoutPadding();
        JsonNode claims = JSON.readTree(Base64.getUrlDecoder().decode(parts[1]));
        long now = System.currentTimeMillis() / 1000;
        ((com.fasterxml.jackson.databind.node.ObjectNode) claims)
                .put("iat", now - 90_000)
                .put("nbf", now - 90_000)
                .put("exp", now - 3600);
        String signed = parts[0] + "." + encoder.encodeToString(JSON.writeValueAsBytes(claims));
        Path key;
        try (Stream<Path> files = Files.list(folder.resolve("data").resolve("pki"))) {
            key = files.filter(file -> file.getFileName().toString().startsWith("service-account"))
                    .findFirst()
                    .orElseThrow();
        }
        Signature signature = Signature.getInstance("SHA256withECDSAinP1363Format");
        signature.initSign(KeyFactory.getInstance("EC")
                .generatePrivate(new PKCS8EncodedKeySpec(
                        Base64.getDecoder().decode(Files.readAllLines(key).getFirst()))));
        signature.update(signed.getBytes(StandardCharsets.US_ASCII));
        return signed + "." + encoder.encodeToString(signature.sign());
    }

    private String withToken(String path, String token) throws Exception {
        return coppice.curl(path, "-H", "Authorization: Bearer " + token).output();
    }

    @Test
    void anUnknownSessionIsSentToTheLogin() throws Exception {
        String answer = coppice.curl("/console/", "-i", "-H", "Cookie: coppice-session=expired-long-ago")
                .output();
        assertThat(answer).contains("/console/login").endsWith("303");
    }

    // ---- paths and ports

    @Test
    void metricsAndProbesNeedALogin() throws Exception {
        String target = "/probe?module=tcp_connect&target=" + coppice.etcd();
        for (String path : List.of("/metrics", target)) {
            assertThat(coppice.curl(path).output()).as(path).endsWith("403");
            assertThat(withToken(path, "wrong")).as(path).endsWith("401");
            assertThat(coppice.get(path).output()).as(path).endsWith("200");
        }
        coppice.kubectl("create", "serviceaccount", "prometheus").succeeds();
        String token = coppice.kubectl("create", "token", "prometheus")
                .succeeds()
                .output()
                .strip();
        assertThat(withToken(target, token)).endsWith("403");
        coppice.kubectl("create", "clusterrole", "scrape", "--verb=get", "--non-resource-url=/probe")
                .succeeds();
        coppice.kubectl(
                        "create",
                        "clusterrolebinding",
                        "prometheus-scrapes",
                        "--clusterrole=scrape",
                        "--serviceaccount=default:prometheus")
                .succeeds();
        assertThat(withToken(target, token)).contains("\nprobe_success 1\n").endsWith("200");
        assertThat(withToken("/metrics", token)).endsWith("403");
        assertThat(withToken("/api/v1/namespaces/default/secrets", token)).endsWith("403");
    }

    @Test
    void aModuleOfAFileIsServedOnceItIsThere() throws Exception {
        String url = servers.body("/teapot", "short and stout");
        String path = "/probe?module=teapot&target=" + url;
        assertThat(coppice.get(path).output())
                .contains("Unknown module \"teapot\"")
                .endsWith("400");
        Path file = folder.resolve("data").resolve("areas").resolve("health").resolve("blackbox.yml");
        Files.writeString(file, """
                modules:
                  teapot:
                    prober: http
                    http: {fail_if_body_not_matches_regexp: ["and stout$"]}
                """);
        assertThat(coppice.get(path).output()).contains("\nprobe_success 1\n").contains("probe_duration_seconds");
        Files.writeString(file, "modules: [");
        assertThat(coppice.get(path).output())
                .as("a broken file leaves what was there")
                .contains("\nprobe_success 1\n");
        Files.delete(file);
        assertThat(coppice.get(path).output()).endsWith("400");
    }

    @Test
    void thePublicPortServesNothingElse() throws Exception {
        String open = coppice.ready().path("public").asText();
        for (String path : List.of(
                "/",
                "/api",
                "/apis",
                "/api/v1/namespaces/default/secrets",
                "/console/",
                "/metrics",
                "/probe?target=localhost&module=icmp",
                "/openapi/v2",
                "/version",
                "/healthz",
                "/readyz",
                "/v3/kv/range",
                "/status/../metrics",
                "/status/%2e%2e/metrics",
                "/status/default/none",
                "/badge/default/none.svg",
                "/health/heartbeat/default/none")) {
            Shell.Outcome answer = Shell.run(LIMIT, "curl", "-sS", "--path-as-is", "-w", "%{http_code}", open + path);
            assertThat(answer.output()).as(path).matches("(?s).*(404|400)");
        }
    }

    // ---- reaching the host

    @Test
    void linkLocalAndMetadataAddressesAreRefused() throws Exception {
        String redirect = servers.redirect("/redirect", "http://169.254.169.254/latest/meta-data/");
        for (String target : List.of(
                "http://169.254.169.254/latest/meta-data/",
                "http://[fe80::1]/",
                "http://[::ffff:169.254.169.254]/",
                "http://0xA9FEA9FE/",
                redirect)) {
            String answer = coppice.curl(
                            "/probe",
                            "-G",
                            "-H",
                            "Authorization: Bearer " + coppice.token(),
                            "--data-urlencode",
                            "target=" + target,
                            "-d",
                            "module=http_2xx",
                            "-d",
                            "debug=true")
                    .output();
            assertThat(answer).as(target).doesNotContain("probe_success 1");
            if (!target.contains("0x")) {
                assertThat(answer).as(target).contains("link-local");
            }
        }
        apply(check("metadata", "http: {url: \"http://169.254.169.254/\"}", "default"));
        apply(check("redirected", "http: {url: \"" + redirect + "\"}", "default"));
        assertThat(lastError("metadata", "default", "Down")).contains("link-local");
        assertThat(lastError("redirected", "default", "Down")).contains("link-local");
    }

    @Test
    void commandsOnTheHostNeedTheGrant() throws Exception {
        Shell.need("bwrap");
        Path seen = Files.writeString(folder.resolve("seen"), "from outside");
        coppice.kubectl("create", "namespace", "ops").succeeds();
        apply("""
                apiVersion: health.coppice.dev/v1
                kind: HostAccessClass
                metadata: {name: ops}
                spec: {commands: true}
                """);
        String command = "command: {command: [cat, \"" + seen + "\"], outputContains: from outside";
        apply(check("boxed", command + "}", "ops"));
        apply(check("free", command + ", hostAccessClassName: ops}", "ops"));
        assertThat(lastError("boxed", "ops", "Down")).contains("No such file");
        assertThat(lastError("free", "ops", "Down")).contains("may not use HostAccessClass \"ops\"");
        apply("""
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRole
                metadata: {name: use-ops}
                rules:
                - apiGroups: [health.coppice.dev]
                  resources: [hostaccessclasses]
                  resourceNames: [ops]
                  verbs: [use]
                """);
        coppice.kubectl(
                        "create",
                        "clusterrolebinding",
                        "ops-uses-ops",
                        "--clusterrole=use-ops",
                        "--group=system:serviceaccounts:ops")
                .succeeds();
        assertThat(lastError("free", "ops", "Up")).isEmpty();
        coppice.kubectl("delete", "clusterrolebinding", "ops-uses-ops").succeeds();
        assertThat(lastError("free", "ops", "Down")).contains("may not use");
    }

    private void apply(String manifest) throws Exception {
        coppice.kubectlWithInput(manifest, "apply", "-f", "-").succeeds();
    }

    private static String check(String name, String spec, String namespace) {
        return "apiVersion: health.coppice.dev/v1\nkind: HealthCheck\nmetadata: {name: " + name + ", namespace: "
                + namespace + "}\nspec:\n  interval: 1s\n  timeout: 3s\n  " + spec + "\n";
    }

    private String lastError(String name, String namespace, String state) throws Exception {
        Shell.Outcome waited = coppice.kubectl(
                "wait", "hc", name, "-n", namespace, "--for=jsonpath={.status.state}=" + state, "--timeout=40s");
        if (waited.status() != 0) {
            throw new AssertionError(waited.output()
                    + coppice.kubectl("get", "hc", name, "-n", namespace, "-o", "yaml")
                            .output());
        }
        return coppice.kubectl("get", "hc", name, "-n", namespace, "-o", "jsonpath={.status.lastError}")
                .succeeds()
                .output();
    }
}
