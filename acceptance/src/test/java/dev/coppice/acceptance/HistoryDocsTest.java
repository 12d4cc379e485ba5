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

/** The worked example of {@code docs/history.md}, run as it stands there; and who may see the past. */
final class HistoryDocsTest {
    private static final Duration LIMIT = Duration.ofSeconds(90);
    private static final Pattern BLOCK = Pattern.compile("```sh\n(.*?)```", Pattern.DOTALL);

    @TempDir
    private Path folder;

    @Test
    void theWorkedExampleDoesWhatItSays() throws Exception {
        Shell.need("kubectl");
        Files.createSymbolicLink(folder.resolve("coppice"), Shell.HOME.resolve("coppice"));
        Path data = folder.resolve("data");
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            String text = Files.readString(Shell.HOME.resolve("docs/history.md"));
            int start = text.indexOf("## A worked example");
            List<String> blocks = new ArrayList<>();
            Matcher block = BLOCK.matcher(text.substring(start, text.indexOf("\n## ", start + 1)));
            while (block.find()) {
                blocks.add(block.group(1));
            }
            assertThat(blocks).hasSize(5);
            sh(coppice, data, blocks.get(0));
            assertThat(sh(coppice, data, blocks.get(1)))
                    .containsPattern("ConfigMap/prices in shop +admin +patch +request by kubectl/\\S+ +data.vat")
                    .contains("- data.vat: \"19\"\n    + data.vat: \"91\"");
            sh(coppice, data, "until kubectl -n shop get serviceaccount default; do sleep 0.1; done");
            assertThat(sh(coppice, data, blocks.get(2)))
                    .containsPattern("(?s)ServiceAccount/default in shop created.*because of\n +Namespace/shop created"
                            + ".*asked for by admin \\(kubectl/");
            assertThat(sh(coppice, data, blocks.get(3)))
                    .contains("Would update", "Done, at revision")
                    .endsWith("19");
            assertThat(sh(coppice, data, blocks.get(4)))
                    .contains("Would create")
                    .containsPattern("admin +delete")
                    .containsPattern("admin +create +request by coppice-undo");
            mayNotSee(coppice, data);
        }
    }

    /** A user who may get config maps and no secrets sees the past of the ones and not of the others. */
    private void mayNotSee(RunningCoppice coppice, Path data) throws Exception {
        String output = sh(coppice, data, """
                kubectl -n shop create secret generic key --from-literal=password=swordfish
                kubectl -n shop create role maps --verb=get,list --resource=configmaps
                kubectl -n shop create rolebinding maps --role=maps --user=eve
                until kubectl -n shop get configmap prices --as eve -o name; do sleep 0.1; done
                ./coppice history cm/prices -n shop --as eve
                ./coppice changes -n shop --as eve | grep -c Secret || echo "no secret seen"
                ./coppice history secret/key -n shop --as eve 2>&1 || echo "refused"
                ./coppice get secret/key -n shop --at 0s --as eve 2>&1 || echo "refused"
                ./coppice history secret/key -n shop --diff -o json
                """);
        assertThat(output)
                .containsPattern("(?s)forbidden.*refused.*forbidden.*refused")
                .contains("no secret seen")
                .doesNotContain("swordfish", "c3dvcmRmaXNo");
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
