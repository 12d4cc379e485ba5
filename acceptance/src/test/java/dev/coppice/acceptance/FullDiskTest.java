package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A node whose disk fills up to the last byte, and gets space again. */
final class FullDiskTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir
    private Path folder;

    @Test
    void readsGoOnWritesSayWhyAndAllHealsWithSpace() throws Exception {
        Shell.need("kubectl", "mount");
        Shell.needRoot();
        Path disk = Files.createDirectory(folder.resolve("disk"));
        Shell.Outcome mounted =
                Shell.run(LIMIT, "mount", "-t", "tmpfs", "-o", "size=300m", "coppice-test", disk.toString());
        Assumptions.assumeTrue(mounted.status() == 0, () -> "mounting is not permitted here: " + mounted.output());
        try (RunningCoppice coppice = RunningCoppice.up(disk.resolve("data"))) {
            create(coppice, "before").succeeds();
            String port = coppice.etcd().substring(coppice.etcd().lastIndexOf(':') + 1);
            coppice.kubectlWithInput(
                            "apiVersion: health.coppice.dev/v1\nkind: HealthCheck\nmetadata: {name: store}\nspec:\n"
                                    + "  interval: 1s\n  tcp: {host: 127.0.0.1, port: " + port + "}\n",
                            "apply",
                            "-f",
                            "-")
                    .succeeds();
            coppice.kubectl("wait", "hc", "store", "--for=jsonpath={.status.state}=Up", "--timeout=30s")
                    .succeeds();

            Path filler = disk.resolve("filler");
            Shell.Outcome _ = Shell.run(LIMIT, "dd", "if=/dev/zero", "of=" + filler, "bs=64k");
            Shell.Outcome refused = awaitRefusal(coppice);
            assertThat(refused.output()).contains("no space left").contains("free some space");
            assertThat(coppice.kubectl("get", "configmap", "before", "-o", "jsonpath={.data.a}")
                            .succeeds()
                            .output())
                    .isEqualTo("b");
            coppice.kubectl("get", "hc", "-A").succeeds();
            assertThat(coppice.get("/readyz").output()).endsWith("200");

            Files.delete(filler);
            FaultTest.pause(Duration.ofSeconds(3));
            create(coppice, "after").succeeds();
            coppice.kubectl("annotate", "hc", "store", "a=b").succeeds();
            coppice.kubectl(
                            "wait",
                            "hc",
                            "store",
                            "--for=jsonpath={.status.conditions[?(@.type==\"Recorded\")].status}=True",
                            "--timeout=30s")
                    .succeeds();
            assertThat(coppice.get("/metrics").output().lines())
                    .noneSatisfy(line -> assertThat(line).matches("coppice_kernel_escalations_total(\\{.*})? [1-9].*"));
        } finally {
            Shell.Outcome unmounted = Shell.run(LIMIT, "umount", "--lazy", disk.toString());
            assertThat(unmounted.status()).as(unmounted.output()).isZero();
        }
    }

    /** The node looks at its disk once a second. */
    private static Shell.Outcome awaitRefusal(RunningCoppice coppice) throws Exception {
        for (int round = 0; round < 50; round++) {
            Shell.Outcome outcome = create(coppice, "refused-" + round);
            if (outcome.status() != 0) {
                return outcome;
            }
            FaultTest.pause(Duration.ofMillis(100));
        }
        throw new AssertionError("writes go on although the disk is full");
    }

    private static Shell.Outcome create(RunningCoppice coppice, String name) throws Exception {
        return coppice.kubectl("create", "configmap", name, "--from-literal=a=b");
    }
}
