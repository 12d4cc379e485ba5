package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Replays what the real systems answered. */
final class RecordingsTest {
    private static final Duration LIMIT = Duration.ofMinutes(10);

    /** 76 reads a snapshot in etcd's own file format. */
    private static final List<String> ETCD_DIFFERENCES = List.of("FAIL 76-snapshot");

    @TempDir
    private Path folder;

    @Test
    void answersKubectlAsKubernetesDid() throws Exception {
        Shell.need("kubectl", "curl", "jq", "python3");
        Path recordings = Shell.recordings("kubernetes");
        try (RunningCoppice coppice = RunningCoppice.up(folder.resolve("data"))) {
            Shell.Outcome outcome = Shell.run(
                    LIMIT,
                    recordings.resolve("replay").toString(),
                    "--server",
                    coppice.api(),
                    "--token",
                    coppice.token(),
                    "--insecure",
                    "--kubectl",
                    "kubectl",
                    "--jobs",
                    "2");
            assertThat(outcome.status()).as(outcome.output()).isZero();
        }
    }

    @Test
    void answersEtcdctlAsEtcdDid() throws Exception {
        Shell.need("etcdctl", "curl", "jq");
        Path recordings = Shell.recordings("etcd");
        try (RunningCoppice coppice = RunningCoppice.up(folder.resolve("data"), "--insecure-store")) {
            Shell.Outcome outcome = Shell.run(
                    LIMIT, recordings.resolve("replay").toString(), "--endpoints", coppice.etcd(), "--as", "3.5");
            assertThat(outcome.output().lines().filter(line -> line.startsWith("FAIL")))
                    .as(outcome.output())
                    .containsExactlyElementsOf(ETCD_DIFFERENCES);
            assertThat(outcome.output()).contains("54 passed, 1 failed");
        }
    }
}
