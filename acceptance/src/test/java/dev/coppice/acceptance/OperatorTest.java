package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The worked example of {@code docs/operator.md}, run as it stands there, in a cluster that is another Coppice without areas. */
final class OperatorTest {
    private static final List<String> FAST = List.of("--lease-seconds", "5");

    @TempDir
    private static Path folder;

    private static RunningCoppice cluster;
    private static WorkedExample example;

    @BeforeAll
    static void start() throws Exception {
        Shell.need("kubectl");
        Path data = folder.resolve("cluster");
        cluster = RunningCoppice.up(data, "--areas", "none");
        example = new WorkedExample(folder, cluster, data);
    }

    @AfterAll
    static void stop() throws Exception {
        if (cluster != null) {
            cluster.close();
        }
    }

    private static RunningOperator operator(String name, String line) throws Exception {
        String command = line.strip()
                .replace(
                        "operator.kubeconfig",
                        folder.resolve("operator.kubeconfig").toString());
        List<String> words = new ArrayList<>(List.of(command.split(" ")));
        words.addAll(FAST);
        return RunningOperator.start(folder.resolve(name), words);
    }

    private static String kubectl(String... arguments) throws Exception {
        return cluster.kubectl(arguments).succeeds().output().strip();
    }

    private static String holder() throws Exception {
        return kubectl("-n", "coppice", "get", "lease", "coppice-health", "-o", "jsonpath={.spec.holderIdentity}");
    }

    @Test
    void operatorsReconcileOneAfterTheOther() throws Exception {
        List<String> blocks = WorkedExample.blocks("docs/operator.md");
        assertThat(blocks).hasSize(5);
        example.sh(blocks.get(0));
        example.sh(blocks.get(1));
        RunningOperator first = operator("first", blocks.get(2));
        try {
            String metrics = first.await("ready", "").path("metrics").asText();
            String identity = first.await("ready", "").path("identity").asText();
            first.await("area", "\"state\":\"leads\"");
            String check = blocks.get(3).replace("http://127.0.0.1:7481", metrics);
            assertThat(check).contains(metrics);
            Files.writeString(folder.resolve("check.yaml"), check);
            assertThat(example.sh(blocks.get(4)))
                    .containsPattern("operator +Up")
                    .containsPattern("Normal +Up ")
                    .contains(identity);
            assertThat(example.sh("curl -sS " + metrics + "/readyz; curl -sS " + metrics + "/metrics"))
                    .contains("ok\nhealth leads", "leader_election_master_status{name=\"coppice-health\"} 1.0")
                    .containsPattern("rest_client_requests_total\\{method=\"PATCH\",code=\"200\"}|"
                            + "rest_client_requests_total\\{code=\"200\",method=\"PATCH\"}");
            assertThat(kubectl(
                            "-n",
                            "coppice",
                            "get",
                            "hc",
                            "operator",
                            "--show-managed-fields",
                            "-o",
                            "jsonpath={" + ".metadata.managedFields[?(@.subresource==\"status\")].manager}"))
                    .isEqualTo("coppice-health");
            handsOver(first, identity, blocks.get(2), check);
        } finally {
            first.kill();
        }
    }

    /** A second one waits; when the first is killed it takes over and goes on with what is there. */
    private void handsOver(RunningOperator first, String leader, String line, String check) throws Exception {
        try (RunningOperator second = operator("second", line)) {
            String metrics = second.await("ready", "").path("metrics").asText();
            second.await("area", "waits, " + leader + " leads");
            assertThat(example.sh("curl -sS -w '%{http_code}' " + metrics + "/readyz"))
                    .contains("ok\nhealth waits", "200");
            first.kill();
            second.await("area", "\"state\":\"leads\"");
            Files.writeString(folder.resolve("later.yaml"), check.replace("name: operator", "name: later"));
            kubectl("apply", "-f", folder.resolve("later.yaml").toString());
            kubectl("-n", "coppice", "wait", "hc/later", "--for=jsonpath={.status.type}=http", "--timeout=60s");
            held(metrics);
            int _ = second.stop();
            assertThat(holder()).isEmpty();
        }
    }

    /** A deleted object that a finalizer holds is there until that is taken off. */
    private void held(String metrics) throws Exception {
        kubectl(
                "-n",
                "coppice",
                "patch",
                "hc",
                "operator",
                "--type=merge",
                "-p",
                "{\"metadata\":{\"finalizers\":[\"test.dev/hold\"]}}");
        kubectl("-n", "coppice", "delete", "hc", "operator", "--wait=false");
        assertThat(kubectl("-n", "coppice", "get", "hc", "operator", "-o", "jsonpath={.metadata.deletionTimestamp}"))
                .isNotEmpty();
        kubectl(
                "-n",
                "coppice",
                "patch",
                "hc",
                "operator",
                "--type=merge",
                "-p",
                "{\"metadata\":{\"finalizers\":null}}");
        kubectl("-n", "coppice", "wait", "hc/operator", "--for=delete", "--timeout=30s");
        example.sh(
                "until curl -sS " + metrics + "/metrics"
                        + " | grep -F 'coppice_control_informer_objects{type=\"healthchecks.health.coppice.dev\"} 1.0'; do sleep 0.1; done");
    }
}
