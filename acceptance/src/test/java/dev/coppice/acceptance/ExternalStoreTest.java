package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.FreePorts;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Docs/store.md, "An etcd cluster instead": the quickstart on Debian's etcd, which is restarted under it. */
class ExternalStoreTest {

    @TempDir
    Path directory;

    private @Nullable Process etcd;

    @AfterEach
    void stop() throws InterruptedException {
        if (etcd != null) {
            etcd.destroyForcibly();
            etcd.waitFor();
        }
    }

    private void etcd(int client, int peer) throws IOException {
        String url = "http://127.0.0.1:" + client;
        etcd = new ProcessBuilder(
                        "etcd",
                        "--data-dir",
                        directory.resolve("etcd").toString(),
                        "--listen-client-urls",
                        url,
                        "--advertise-client-urls",
                        url,
                        "--listen-peer-urls",
                        "http://127.0.0.1:" + peer)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        directory.resolve("etcd.log").toFile()))
                .start();
    }

    private static String etcdctl(int port, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("etcdctl", "--endpoints", "127.0.0.1:" + port));
        command.addAll(List.of(arguments));
        return Shell.run(Duration.ofSeconds(30), Map.of("ETCDCTL_API", "3"), null, command)
                .succeeds()
                .output();
    }

    @Test
    void theQuickstartOnARealEtcdThatIsRestarted() throws Exception {
        Shell.need("etcd", "etcdctl", "kubectl");
        int port = FreePorts.next();
        int peer = FreePorts.next();
        etcd(port, peer);
        Path data = directory.resolve("data");
        String[] options = {Shell.HOME.resolve("examples/quickstart").toString(), "--store", "etcd://127.0.0.1:" + port
        };
        try (RunningCoppice node = RunningCoppice.up(data, options)) {
            assertThat(node.kubectl("get", "healthchecks").succeeds().output()).contains("coppice-store");
            node.kubectl("create", "configmap", "before", "--from-literal=k=v").succeeds();
            assertThat(etcdctl(port, "get", "/coppice/registry/", "--prefix", "--keys-only"))
                    .contains("/coppice/registry/configmaps/default/before");
            String _ = etcdctl(port, "put", "users/key", "theirs");
            node.kubectl("get", "configmap", "before").succeeds();

            Process first = java.util.Objects.requireNonNull(etcd);
            first.destroyForcibly();
            first.waitFor();
            Shell.Outcome refused = node.kubectl("create", "configmap", "lost");
            assertThat(refused.output()).contains("the resource store does not answer");
            etcd(port, peer);
            awaitSuccess(node, "create", "configmap", "after");
            assertThat(node.kubectl("get", "configmaps").succeeds().output()).contains("before", "after");
            assertThat(node.kubectl("wait", "healthcheck/coppice-store", "--for=condition=Ready", "--timeout=60s")
                            .succeeds()
                            .output())
                    .contains("met");
        }
        try (RunningCoppice again = RunningCoppice.up(data, options)) {
            assertThat(again.kubectl("get", "configmaps").succeeds().output()).contains("before", "after");
        }
    }

    private static void awaitSuccess(RunningCoppice node, String... arguments) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (node.kubectl(arguments).status() != 0) {
            assertThat(System.nanoTime()).as("within a minute").isLessThan(end);
            LockSupport.parkNanos(200_000_000);
        }
    }
}
