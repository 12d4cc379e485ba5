package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The worked example of {@code docs/coordination.md}, run as it stands there. */
final class CoordinationDocsTest {
    @TempDir
    private Path folder;

    @Test
    void theWorkedExampleDoesWhatItSays() throws Exception {
        Shell.need("kubectl");
        Path data = folder.resolve("data");
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            WorkedExample example = new WorkedExample(folder, coppice, data);
            List<String> blocks = WorkedExample.blocks("docs/coordination.md");
            assertThat(blocks).hasSize(5);
            assertThat(example.sh(blocks.get(0))).contains("token ");
            assertThat(folder.resolve("last-run")).exists();
            assertThat(example.sh(blocks.get(1)))
                    .containsPattern("jobs.nightly +Lock +alice")
                    .contains("exit status 75")
                    .contains("alice since 2");
            assertThat(example.sh(blocks.get(2))).containsPattern("scheduler +node-1");
            Files.writeString(folder.resolve("policy.yaml"), blocks.get(3));
            String deadlock = example.sh(blocks.get(4));
            assertThat(deadlock.contains("alice has both") ^ deadlock.contains("bob has both"))
                    .as(deadlock)
                    .isTrue();
            assertThat(deadlock).contains("DeadlockResolved").contains("Resolved by ending");
        }
    }
}
