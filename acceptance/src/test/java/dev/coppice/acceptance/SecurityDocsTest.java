package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples of docs/security.md, done by kubectl on a running node. */
final class SecurityDocsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

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

    private static JsonNode of(List<JsonNode> events, String resource, String verb) {
        return events.stream()
                .filter(e -> e.path("objectRef").path("resource").asText().equals(resource)
                        && e.path("verb").asText().equals(verb))
                .reduce((first, second) -> second)
                .orElseThrow(() -> new AssertionError("no event of " + verb + " " + resource + " in " + events));
    }
}
