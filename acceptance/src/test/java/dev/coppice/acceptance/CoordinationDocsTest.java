package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The worked example of {@code docs/coordination.md}, run as it stands there. */
final class CoordinationDocsTest {
    private static final Duration LIMIT = Duration.ofSeconds(90);
    private static final Pattern BLOCK = Pattern.compile("```(yaml|sh)\n(.*?)```", Pattern.DOTALL);

    @TempDir
    private Path folder;

    @Test
    void theWorkedExampleDoesWhatItSays() throws Exception {
        Shell.need("kubectl");
        Files.createSymbolicLink(folder.resolve("coppice"), Shell.HOME.resolve("coppice"));
        Path data = folder.resolve("data");
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            String text = Files.readString(Shell.HOME.resolve("docs/coordination.md"));
            int start = text.indexOf("## A worked example");
            List<String> blocks = new ArrayList<>();
            Matcher block = BLOCK.matcher(text.substring(start, text.indexOf("\n## ", start + 1)));
            while (block.find()) {
                blocks.add(block.group(2));
            }
            assertThat(blocks).hasSize(5);
            assertThat(sh(coppice, data, blocks.get(0))).contains("token ");
            assertThat(folder.resolve("last-run")).exists();
            assertThat(sh(coppice, data, blocks.get(1)))
                    .containsPattern("jobs.nightly +Lock +alice")
                    .contains("exit status 75")
                    .contains("alice since 2");
            assertThat(sh(coppice, data, blocks.get(2))).containsPattern("scheduler +node-1");
            Files.writeString(folder.resolve("policy.yaml"), blocks.get(3));
            String deadlock = sh(coppice, data, blocks.get(4));
            assertThat(deadlock.contains("alice has both") ^ deadlock.contains("bob has both"))
                    .as(deadlock)
                    .isTrue();
            assertThat(deadlock).contains("DeadlockResolved").contains("Resolved by ending");
        }
    }

    private String sh(RunningCoppice coppice, Path data, String script) throws Exception {
        return Shell.run(
                        LIMIT,
                        Map.of(
                                "KUBECONFIG", coppice.ready().path("kubeconfig").asText(),
                                "COPPICE_DATA", data.toString()),
                        null,
                        List.of("bash", "-euc", "cd '" + folder + "'\n" + script))
                .succeeds()
                .output();
    }
}
