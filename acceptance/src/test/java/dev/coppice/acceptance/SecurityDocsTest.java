package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples of docs/security.md, done by kubectl on a running node. */
final class SecurityDocsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final int SECRETS = 150;

    @TempDir
    private Path folder;

    /** The first block of YAML below a heading. */
    private static String block(String heading) throws IOException {
        String text = Files.readString(Shell.HOME.resolve("docs/security.md"));
        String below = text.substring(text.indexOf("\n## " + heading + "\n"));
        int begin = below.indexOf("```yaml\n") + "```yaml\n".length();
        return below.substring(begin, below.indexOf("```", begin));
    }

    @Test
    void theAuditLogTellsWhoDidWhat() throws Exception {
        Shell.need("kubectl");
        Path policy = folder.resolve("policy.yaml");
        Path log = folder.resolve("audit.log");
        Files.writeString(policy, block("Audit log"));
        try (RunningCoppice coppice = RunningCoppice.up(
                folder.resolve("data"),
                "--audit-policy-file",
                policy.toString(),
                "--audit-log-path",
                log.toString(),
                "--audit-log-maxbackup",
                "10")) {
            coppice.kubectl("create", "configmap", "colors", "--from-literal=sky=blue")
                    .succeeds();
            coppice.kubectl("create", "secret", "generic", "key", "--from-literal=word=marker-4711")
                    .succeeds();
            coppice.kubectl("create", "clusterrole", "reader", "--verb=get", "--resource=configmaps")
                    .succeeds();
            coppice.kubectl("create", "token", "default").succeeds();
            assertThat(coppice.kubectl("get", "configmaps", "--as", "kim").status())
                    .isEqualTo(1);
            assertThat(coppice.get("/metrics").succeeds().output())
                    .contains("apiserver_audit_event_total")
                    .contains("coppice_control_audit_events_waiting{plugin=\"log\"}");
        }
        // A node that stops writes all that is left first.
        List<JsonNode> events = new ArrayList<>();
        for (String line : Files.readAllLines(log)) {
            events.add(JSON.readTree(line));
        }
        assertThat(events).allMatch(e -> e.path("apiVersion").asText().equals("audit.k8s.io/v1"));
        JsonNode colors = of(events, "configmaps", "create");
        assertThat(colors.path("level").asText()).isEqualTo("Request");
        assertThat(colors.path("stage").asText()).isEqualTo("ResponseComplete");
        assertThat(colors.path("user").path("username").asText()).isEqualTo("admin");
        assertThat(colors.path("objectRef").path("name").asText()).isEqualTo("colors");
        assertThat(colors.path("requestObject").path("data").path("sky").asText())
                .as("kubectl sends it as protobuf")
                .isEqualTo("blue");
        assertThat(colors.path("annotations")
                        .path("authorization.k8s.io/decision")
                        .asText())
                .isEqualTo("allow");
        assertThat(of(events, "secrets", "create").has("requestObject")).isFalse();
        assertThat(of(events, "clusterroles", "create")
                        .path("responseObject")
                        .path("kind")
                        .asText())
                .isEqualTo("ClusterRole");
        JsonNode refused = of(events, "configmaps", "list");
        assertThat(refused.path("impersonatedUser").path("username").asText()).isEqualTo("kim");
        assertThat(refused.path("responseStatus").path("code").asInt()).isEqualTo(403);
        assertThat(Files.readString(log)).doesNotContain("marker-4711").doesNotContain("eyJ");
    }

    @Test
    void keysAreExchangedAndAKilledNodeGoesOn() throws Exception {
        Shell.need("kubectl");
        Path data = folder.resolve("keys");
        StringBuilder secrets = new StringBuilder("apiVersion: v1\nkind: List\nitems:\n");
        for (int i = 0; i < SECRETS; i++) {
            secrets.append("- {apiVersion: v1, kind: Secret, metadata: {name: s" + i + "}, stringData: {v: value-" + i
                    + "}}\n");
        }
        String token;
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            coppice.kubectlWithInput(secrets.toString(), "create", "-f", "-").succeeds();
            token = coppice.kubectl("create", "token", "default")
                    .succeeds()
                    .output()
                    .strip();
            assertThat(keys(data, "rotate", "signing").path("signing").path("retire"))
                    .hasSize(1);
            assertThat(keys(data, "rotate", "encryption")
                            .path("encryption")
                            .path("current")
                            .asText())
                    .isEqualTo("key2");
            coppice.kill();
        }
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            JsonNode encryption = keys(data, "status").path("encryption");
            for (int i = 0; i < 300 && encryption.path("phase").asText().equals("rewriting"); i++) {
                LockSupport.parkNanos(200_000_000);
                encryption = keys(data, "status").path("encryption");
            }
            assertThat(encryption.path("phase").asText()).isEqualTo("waiting");
            JsonNode all = JSON.readTree(
                    coppice.kubectl("get", "secrets", "-o", "json").succeeds().output());
            assertThat(all.path("items")).hasSize(SECRETS);
            for (JsonNode secret : all.path("items")) {
                String name = secret.path("metadata").path("name").asText();
                assertThat(new String(Base64.getDecoder()
                                .decode(secret.path("data").path("v").asText())))
                        .isEqualTo("value-" + name.substring(1));
            }
            assertThat(coppice.curl("/openid/v1/jwks", "-H", "Authorization: Bearer " + token)
                            .output())
                    .as("a token that the old key signed")
                    .endsWith("200");
        }
    }

    private static JsonNode keys(Path data, String... arguments) throws Exception {
        List<String> command =
                new ArrayList<>(List.of(Shell.HOME.resolve("coppice").toString(), "keys"));
        command.addAll(List.of(arguments));
        command.addAll(List.of("--json", "--data", data.toString()));
        String output = Shell.run(Duration.ofSeconds(60), Map.of(), null, command)
                .succeeds()
                .output();
        return JSON.readTree(output.substring(output.indexOf('{')));
    }

    @Test
    void usersOfAnIssuerSignIn() throws Exception {
        Shell.need("kubectl", "openssl");
        try (TokenIssuer issuer = new TokenIssuer(folder);
                RunningCoppice coppice = RunningCoppice.up(folder.resolve("oidc"), oidcOptions(issuer))) {
            coppice.kubectl("create", "clusterrolebinding", "devs", "--clusterrole", "view", "--group", "oidc:devs")
                    .succeeds();
            String token = issuer.token("coppice", 600);
            // The keys are fetched, and the binding is followed, a moment later.
            Shell.Outcome outcome = as(coppice, token, "get", "configmaps");
            for (int i = 0; i < 100 && outcome.status() != 0; i++) {
                LockSupport.parkNanos(200_000_000);
                outcome = as(coppice, token, "get", "configmaps");
            }
            outcome.succeeds();
            assertThat(as(coppice, token, "auth", "whoami").succeeds().output())
                    .contains("kim@example.org")
                    .contains("oidc:devs");
            assertThat(as(coppice, token, "get", "secrets").output()).contains("cannot list resource \"secrets\"");
            assertThat(as(coppice, issuer.token("another", 600), "get", "configmaps")
                            .output())
                    .contains("Unauthorized");
            assertThat(as(coppice, issuer.token("coppice", -1), "get", "configmaps")
                            .output())
                    .contains("Unauthorized");
        }
    }

    /** The options of the example, for the test's issuer. */
    private static String[] oidcOptions(TokenIssuer issuer) throws IOException {
        String text = Files.readString(Shell.HOME.resolve("docs/security.md"));
        String command = text.substring(
                text.indexOf("./coppice up --oidc-issuer-url"),
                text.indexOf("\nkubectl create clusterrolebinding devs"));
        return command.replace("./coppice up ", "")
                .replace("\\\n", " ")
                .replace("https://idp.example.org/realms/staff", issuer.url())
                .replace("idp.pem", issuer.authority().toString())
                .strip()
                .split("\\s+");
    }

    /** As the holder of a token: the administrator's stands in the kubeconfig. */
    private static Shell.Outcome as(RunningCoppice coppice, String token, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                "kubectl",
                "--kubeconfig",
                "/dev/null",
                "--server",
                coppice.api(),
                "--certificate-authority",
                coppice.ready().path("certificateAuthority").asText(),
                "--token",
                token));
        command.addAll(List.of(arguments));
        return Shell.run(Duration.ofSeconds(60), Map.of(), null, command);
    }

    private static JsonNode of(List<JsonNode> events, String resource, String verb) {
        return events.stream()
                .filter(e -> e.path("objectRef").path("resource").asText().equals(resource)
                        && e.path("verb").asText().equals(verb))
                .reduce((first, second) -> second)
                .orElseThrow(() -> new AssertionError("no event of " + verb + " " + resource + " in " + events));
    }
}
