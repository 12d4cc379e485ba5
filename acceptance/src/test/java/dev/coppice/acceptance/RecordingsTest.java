package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Replays what the real systems answered. */
final class RecordingsTest {
    private static final Duration LIMIT = Duration.ofMinutes(10);

    /**
     * It asks twice for all groups that there are, and wants the same tag. Groups that another scenario makes meanwhile, or that go only after it has ended, are a change that is rightly
     * told, so this one is replayed before all others.
     */
    private static final String ALONE = "35-discovery-aggregated";

    @TempDir
    private Path folder;

    @Test
    void answersKubectlAsKubernetesDid() throws Exception {
        Shell.need("kubectl", "curl", "jq", "python3");
        Path recordings = Shell.recordings("kubernetes");
        List<String> others;
        try (Stream<Path> files = Files.list(recordings.resolve("scenarios"))) {
            others = files.map(each -> each.getFileName().toString())
                    .filter(each -> each.endsWith(".sh"))
                    .map(each -> each.substring(0, each.length() - ".sh".length()))
                    .filter(each -> !each.equals(ALONE))
                    .sorted()
                    .toList();
        }
        try (RunningCoppice coppice = RunningCoppice.up(folder.resolve("data"))) {
            replay(coppice, recordings, 1, List.of(ALONE));
            replay(coppice, recordings, 2, others);
        }
    }

    private static void replay(RunningCoppice coppice, Path recordings, int jobs, List<String> scenarios)
            throws Exception {
        List<String> command = new ArrayList<>(List.of(
                recordings.resolve("replay").toString(),
                "--server",
                coppice.api(),
                "--token",
                coppice.token(),
                "--insecure",
                "--kubectl",
                "kubectl",
                "--jobs",
                Integer.toString(jobs)));
        command.addAll(scenarios);
        Shell.Outcome outcome = Shell.run(LIMIT, command.toArray(String[]::new));
        assertThat(outcome.status()).as(outcome.output()).isZero();
        assertThat(outcome.output()).contains("\n" + scenarios.size() + " passed, 0 failed");
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
