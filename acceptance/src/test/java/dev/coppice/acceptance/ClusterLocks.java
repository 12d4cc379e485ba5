package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Locks of commands on two nodes of a cluster, held and waited for while a third node, the leader, is killed. */
final class ClusterLocks implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int TRIES = 300;

    private final Path folder;
    private final List<Path> nodes;
    private final List<Process> running = new ArrayList<>();
    private final List<Process> succeeding = new ArrayList<>();

    /**
     * @param folder for what the commands write
     * @param nodes the data directories of the two nodes that stay
     */
    ClusterLocks(Path folder, List<Path> nodes) throws IOException {
        this.folder = Files.createDirectories(folder);
        this.nodes = nodes;
    }

    private Map<String, String> environment(int node) {
        return Map.of(
                "COPPICE_DATA", nodes.get(node).toString(),
                "KUBECONFIG", nodes.get(node).resolve("kubeconfig").toString(),
                "C", Shell.HOME.resolve("coppice").toString());
    }

    private Process start(int node, String script) throws IOException {
        ProcessBuilder builder = new ProcessBuilder("bash", "-uc", script)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        folder.resolve("output").toFile()));
        builder.environment().putAll(environment(node));
        Process process = builder.start();
        running.add(process);
        return process;
    }

    private Shell.Outcome sh(int node, String script) throws Exception {
        return Shell.run(Duration.ofSeconds(60), environment(node), null, List.of("bash", "-uc", script));
    }

    /** Until one node says of a lock that so many hold it and so many wait. */
    private void await(String name, int holding, int waiting) throws Exception {
        String seen = "";
        for (int round = 0; round < TRIES; round++) {
            seen = sh(0, "kubectl get lock " + name + " -o json --ignore-not-found")
                    .output();
            JsonNode status = seen.startsWith("{") ? JSON.readTree(seen).path("status") : JSON.nullNode();
            if (status.path("holding").asInt() == holding
                    && status.path("waiting").asInt() == waiting) {
                return;
            }
        }
        throw new AssertionError("lock " + name + " is not held by " + holding + " and wanted by " + waiting + ": "
                + seen + "\nThe commands printed: " + Files.readString(folder.resolve("output")));
    }

    private List<String> lines(String file) throws IOException {
        Path path = folder.resolve(file);
        return Files.exists(path) ? Files.readAllLines(path) : List.of();
    }

    /** Takes locks of every kind. */
    void take() throws Exception {
        String hold = " -- sh -c 'echo $COPPICE_LOCK_TOKEN >> %s; until [ -e release ]; do sleep 0.1; done'";
        succeeding.add(start(0, "$C lock turn --ttl 60s" + hold.formatted("turn")));
        await("turn", 1, 0);
        succeeding.add(start(1, "$C lock turn --ttl 60s -- sh -c 'echo $COPPICE_LOCK_TOKEN >> turn'"));
        await("turn", 1, 1);
        succeeding.add(start(1, "$C lock book --ttl 60s --shared" + hold.formatted("book")));
        await("book", 1, 0);
        for (int node = 0; node < 2; node++) {
            String script = "$C lock knot-%1$d --ttl 60s --owner owner-%1$d -- sh -c"
                    + " 'until [ -e tie ]; do sleep 0.1; done; exec $C lock knot-%2$d --owner owner-%1$d -- true'";
            var _ = start(node, script.formatted(node, 1 - node));
            await("knot-" + node, 1, 0);
        }
    }

    /** What all nodes but the killed leader have to agree on. */
    void check() throws Exception {
        assertThat(sh(0, "$C lock book --exclusive --try -- true").status()).isEqualTo(75);
        assertThat(sh(0, "$C lock book --shared --try -- true").status()).isZero();
        Files.createFile(folder.resolve("tie"));
        await("knot-0", 1, 1);
        await("knot-1", 1, 1);
        String events = "";
        for (int round = 0; round < TRIES && !events.contains("owner-0"); round++) {
            events =
                    sh(1, "kubectl get events --field-selector reason=Deadlock").output();
        }
        assertThat(events).contains("owner-0").contains("owner-1");
        Files.createFile(folder.resolve("release"));
        for (Process each : succeeding) {
            assertThat(each.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(each.exitValue())
                    .as(Files.readString(folder.resolve("output")))
                    .isZero();
        }
        List<String> tokens = lines("turn");
        assertThat(tokens).hasSize(2);
        assertThat(Long.parseLong(tokens.get(1))).isGreaterThan(Long.parseLong(tokens.get(0)));
        assertThat(sh(1, "$C lock book --exclusive --try -- true").status()).isZero();
    }

    @Override
    public void close() {
        for (Process each : running) {
            each.descendants().forEach(ProcessHandle::destroyForcibly);
            each.destroyForcibly();
        }
    }
}
