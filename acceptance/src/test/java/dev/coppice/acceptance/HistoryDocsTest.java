package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The worked example of {@code docs/history.md}, run as it stands there; and who may see the past. */
final class HistoryDocsTest {
    @TempDir
    private Path folder;

    @Test
    void theWorkedExampleDoesWhatItSays() throws Exception {
        Shell.need("kubectl");
        Path data = folder.resolve("data");
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            WorkedExample example = new WorkedExample(folder, coppice, data);
            List<String> blocks = WorkedExample.blocks("docs/history.md");
            assertThat(blocks).hasSize(5);
            example.sh(blocks.get(0));
            assertThat(example.sh(blocks.get(1)))
                    .containsPattern("ConfigMap/prices in shop +admin +patch +request by kubectl/\\S+ +data.vat")
                    .contains("- data.vat: \"19\"\n    + data.vat: \"91\"");
            example.sh("until kubectl -n shop get serviceaccount default; do sleep 0.1; done");
            assertThat(example.sh(blocks.get(2)))
                    .containsPattern("(?s)ServiceAccount/default in shop created.*because of\n +Namespace/shop created"
                            + ".*asked for by admin \\(kubectl/");
            assertThat(example.sh(blocks.get(3)))
                    .contains("Would update", "Done, at revision")
                    .endsWith("19");
            assertThat(example.sh(blocks.get(4)))
                    .contains("Would create")
                    .containsPattern("admin +delete")
                    .containsPattern("admin +create +request by coppice-undo");
            mayNotSee(example);
        }
    }

    /** A user who may get config maps and no secrets sees the past of the ones and not of the others. */
    private void mayNotSee(WorkedExample example) throws Exception {
        String output = example.sh("""
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
}
