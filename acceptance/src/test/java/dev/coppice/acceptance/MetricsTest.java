package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What Prometheus' own checker says of the metrics of a node. */
final class MetricsTest {
    private static final Duration LIMIT = Duration.ofMinutes(1);

    @TempDir
    private Path folder;

    @Test
    void promtoolFindsNothingWrong() throws Exception {
        Shell.need("promtool", "curl");
        try (RunningCoppice coppice = RunningCoppice.up(folder.resolve("data"), "examples/quickstart")) {
            List<String> trusting = List.of(
                    "curl",
                    "-sSf",
                    "--cacert",
                    coppice.ready().path("certificateAuthority").asText());
            List<String> main = new ArrayList<>(trusting);
            main.addAll(List.of("-H", "Authorization: Bearer " + coppice.token(), coppice.api() + "/metrics"));
            List<String> etcd = new ArrayList<>(trusting);
            etcd.addAll(List.of(
                    "--cert",
                    coppice.ready().path("clientCertificate").asText(),
                    "--key",
                    coppice.ready().path("clientKey").asText(),
                    "https://" + coppice.etcd() + "/metrics"));
            // What was used shows more.
            coppice.get("/api/v1/namespaces").succeeds();
            assertThat(complaints(metrics(main))).as("the port of the API").isEmpty();
            assertThat(complaints(metrics(etcd))).as("the etcd port").isEmpty();
        }
    }

    private static String metrics(List<String> command) throws Exception {
        String metrics = Shell.run(LIMIT, Map.of(), null, command).succeeds().output();
        assertThat(metrics).contains("# TYPE coppice_");
        return metrics;
    }

    private static List<String> complaints(String metrics) throws Exception {
        return Shell.run(LIMIT, Map.of(), metrics, List.of("promtool", "check", "metrics"))
                .output()
                .lines()
                .filter(line -> !line.isBlank())
                .toList();
    }
}
