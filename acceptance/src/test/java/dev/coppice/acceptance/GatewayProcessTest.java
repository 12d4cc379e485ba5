package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example of {@code docs/gateway.md} with the gateway in a process of its own, run as it stands there. */
final class GatewayProcessTest {
    @TempDir
    private Path folder;

    private RunningOperator gateway(String line) throws Exception {
        List<String> words = List.of(line.strip()
                .replace(
                        "gateway.kubeconfig",
                        folder.resolve("gateway.kubeconfig").toString())
                .split(" "));
        return RunningOperator.start(folder.resolve("gateway"), words, List.of("--metrics-port", "0"));
    }

    @Test
    void itServesWhenTheNodeIsKilledAndAfterItWasKilledItself() throws Exception {
        Shell.need("kubectl", "curl", "openssl");
        List<String> blocks = WorkedExample.blocks("docs/gateway.md", "A process of its own");
        assertThat(blocks).hasSize(6);
        Path data = folder.resolve("data");
        String answer = "301 https://new.example:8443/\n";
        List<String> up = List.of(blocks.get(0).strip().split(" "));
        assertThat(up.subList(0, 2)).containsExactly("./coppice", "up");
        RunningCoppice node = RunningCoppice.up(data, up.subList(2, up.size()).toArray(String[]::new));
        try {
            WorkedExample example = new WorkedExample(folder, node, data);
            String _ = example.sh(blocks.get(1));
            RunningOperator first = gateway(blocks.get(2));
            try {
                first.await("gateway", "follows the API; writes statuses");
                Files.writeString(folder.resolve("edge.yaml"), blocks.get(3));
                String _ = example.sh(blocks.get(4));
                assertThat(example.sh(blocks.get(5))).isEqualTo(answer);
                node.kill();
                assertThat(example.sh(blocks.get(5))).isEqualTo(answer);
            } finally {
                first.kill();
            }
            // What is on its disk has the private key, and does not show it.
            assertThat(Files.readString(
                            folder.resolve("gateway/areas/gateway/config.json"),
                            java.nio.charset.StandardCharsets.ISO_8859_1))
                    .doesNotContain("PRIVATE KEY", "shop.example");
            try (RunningOperator second = gateway(blocks.get(2))) {
                String metrics = second.await("ready", "").path("metrics").asText();
                assertThat(example.sh(blocks.get(5))).isEqualTo(answer);
                second.await("gateway", "serves 1 listener; waits for the API: ");
                assertThat(example.sh("curl -s " + metrics + "/readyz")).startsWith("ok\n");
            }
        } finally {
            node.kill();
        }
    }
}
