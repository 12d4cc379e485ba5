package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.control.storage.Sealer;
import dev.coppice.gateway.control.SavedConfig;
import dev.coppice.kernel.Kernel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example of {@code docs/gateway/process.md} with the gateway in a process of its own, run as it stands there. */
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

    /** A change is on the disk a second later at most. */
    private static void awaitSaved(Path directory) {
        try (Kernel kernel = Kernel.start()) {
            SavedConfig saved = new SavedConfig(directory.resolve("config.json"), Sealer.open(kernel, directory));
            long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            while (saved.read().stream()
                    .flatMap(each -> each.listeners().stream())
                    .allMatch(each -> each.routes().isEmpty())) {
                assertThat(System.nanoTime()).as("the route is saved").isLessThan(deadline);
                LockSupport.parkNanos(20_000_000);
            }
        }
    }

    @Test
    void itServesWhenTheNodeIsKilledAndAfterItWasKilledItself() throws Exception {
        Shell.need("kubectl", "curl", "openssl");
        List<String> blocks = WorkedExample.blocks("docs/gateway/process.md", "A process of its own");
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
                awaitSaved(folder.resolve("gateway/areas/gateway"));
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
