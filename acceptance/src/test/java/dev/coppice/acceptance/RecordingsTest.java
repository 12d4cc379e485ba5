package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Replays what the real systems answered. */
final class RecordingsTest {
    private static final Duration LIMIT = Duration.ofMinutes(10);

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
            assertThat(outcome.output()).contains("55 passed, 0 failed");
        }
    }
}
