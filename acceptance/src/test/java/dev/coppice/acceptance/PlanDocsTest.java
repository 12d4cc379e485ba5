package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The worked example of {@code docs/plan.md}, run as it stands there; and the command with what it refuses. */
final class PlanDocsTest {
    @TempDir
    private Path folder;

    @Test
    void theWorkedExampleDoesWhatItSays() throws Exception {
        Shell.need("kubectl");
        Path data = folder.resolve("data");
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            WorkedExample example = new WorkedExample(folder, coppice, data);
            List<String> blocks = WorkedExample.blocks("docs/plan.md");
            assertThat(blocks).hasSize(3);
            assertThat(example.sh(blocks.get(0)))
                    .contains("+ Namespace/shop would be created", "+ CustomResourceDefinition/shelves.example.org")
                    .contains("+ Shelf/left in shop would be created\n    + spec:\n    +   boards: 4\n")
                    .contains("    controller healthcheck will start probing http://127.0.0.1:9/ every 10s\n")
                    .doesNotContain("\033[")
                    .endsWith("5 to create, 0 to change, 0 unchanged, 0 refused. Nothing was changed.\n");
            assertThat(example.sh(blocks.get(1)))
                    .endsWith("0 to create, 0 to change, 5 unchanged, 0 refused. Nothing was changed.\n");
            assertThat(example.sh(blocks.get(2)))
                    .contains("! ConfigMap/prices in shop would be refused\n    of shop/objects.yaml (document 1)\n"
                            + "    .data.vat belongs to colleague\n")
                    .contains("    - spec.interval: \"10s\"\n    + spec.interval: \"1m\"\n"
                            + "    controller healthcheck will go on probing http://127.0.0.1:9/ every 1m instead of every"
                            + " 10s\n")
                    .contains("Invalid value: 40: spec.boards in body should be less than or equal to 12")
                    .endsWith("0 to create, 1 to change, 3 unchanged, 2 refused. Nothing was changed.\n");
            rest(example);
        }
    }

    private static void rest(WorkedExample example) throws Exception {
        String output = example.sh("""
                ./coppice plan -f shop --force-conflicts -o json > forced.json || echo "exit $?"
                python3 -c 'import json; p=json.load(open("forced.json"))
                print([o["action"] for o in p["objects"]], p["sum"]["change"])'
                ./coppice plan -f nowhere -f shop 2>&1 || echo "exit $?"
                ./coppice plan -f shop --server https://127.0.0.1:1 2>&1 || echo "exit $?"
                printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: up}\\ndata: {port: "x${API_PORT}"}\\n' > up.yaml
                ./coppice plan -f up.yaml --up || echo "exit $?"
                ./coppice plan -f up.yaml --as nobody || echo "exit $?"
                """);
        assertThat(output)
                .contains("['unchanged', 'unchanged', 'change', 'unchanged', 'change', 'refused'] 2")
                .contains("coppice: nowhere: no such file or folder")
                .contains("--token-file is missing", "--certificate-authority is missing")
                .containsPattern(
                        "\\+ ConfigMap/up in default would be created\n    \\+ data:\n    \\+   port: \"?x[0-9]+")
                .contains("User \"nobody\" cannot get resource \"configmaps\"");
        assertThat(output.lines().filter(line -> line.startsWith("exit")))
                .containsExactly("exit 2", "exit 2", "exit 2", "exit 1", "exit 2");
    }
}
