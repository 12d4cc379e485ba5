package dev.coppice.acceptance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A section of a page in docs/ with a worked example: its blocks of code, and a folder and a node to run them with. */
final class WorkedExample {
    private static final Duration LIMIT = Duration.ofSeconds(90);
    private static final Pattern BLOCK = Pattern.compile("```(yaml|sh)\n(.*?)```", Pattern.DOTALL);

    private final Path folder;
    private final RunningCoppice coppice;
    private final Path data;

    /** @param data the node's directory */
    WorkedExample(Path folder, RunningCoppice coppice, Path data) throws IOException {
        this.folder = folder;
        this.coppice = coppice;
        this.data = data;
        Files.createSymbolicLink(folder.resolve("coppice"), Shell.HOME.resolve("coppice"));
    }

    /** The commands and manifests of the section "A worked example", in the order of the page. */
    static List<String> blocks(String page) throws IOException {
        return blocks(page, "A worked example");
    }

    static List<String> blocks(String page, String section) throws IOException {
        String text = Files.readString(Shell.HOME.resolve(page));
        int start = text.indexOf("## " + section + "\n");
        List<String> blocks = new ArrayList<>();
        int next = text.indexOf("\n## ", start + 1);
        Matcher block = BLOCK.matcher(text.substring(start, next < 0 ? text.length() : next));
        while (block.find()) {
            blocks.add(block.group(2));
        }
        return blocks;
    }

    /** Runs a script that has to succeed; what it printed. */
    String sh(String script) throws Exception {
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
