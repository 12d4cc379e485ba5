package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.coppice.acceptance.etcd.Differences;
import dev.coppice.kernel.FreePorts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The same seeded random requests, through generated gRPC stubs, to Debian's etcd-server and to Coppice: their answers and errors
 * are equal, field by field, but for the differences named in {@code KnownDifference}. The seeds are always the same;
 * {@code -Dcoppice.long=true} runs many rounds of new ones, {@code -Dcoppice.seed=N} begins with a seed.
 */
class EtcdDifferenceTest {
    private static final long FIRST_SEED = 1;

    @TempDir
    Path directory;

    @Test
    void answersAsEtcdDoes() throws Exception {
        boolean installed = Files.isExecutable(Path.of("/usr/bin/etcd"));
        if (!installed) {
            System.err.println("SKIPPED: etcd-server is not installed, so Coppice is not compared with etcd");
        }
        assumeTrue(installed, "etcd-server is not installed");
        boolean longer = Boolean.getBoolean("coppice.long");
        long seed = Long.getLong("coppice.seed", longer ? System.nanoTime() % 1_000_000 : FIRST_SEED);
        System.out.println("differences from etcd: seeds from " + seed);
        try (Etcd etcd = new Etcd(directory.resolve("etcd"));
                RunningCoppice coppice = RunningCoppice.up(directory.resolve("coppice"), "--insecure-store")) {
            Differences.Found found = Differences.run(
                    etcd.endpoint,
                    coppice.etcd().replaceFirst("^https?://", ""),
                    seed,
                    longer ? 500 : 3,
                    longer ? 400 : 150,
                    System.out::println);
            assertThat(found.found()).isEmpty();
            assertThat(found.operations()).isGreaterThan(100);
        }
    }

    /** A real etcd on free ports. */
    private static final class Etcd implements AutoCloseable {
        private final String endpoint;
        private final Process process;

        Etcd(Path data) throws IOException, InterruptedException {
            endpoint = "127.0.0.1:" + FreePorts.next();
            String peerUrl = "http://127.0.0.1:" + FreePorts.next();
            process = new ProcessBuilder(
                            "/usr/bin/etcd",
                            "--data-dir",
                            data.toString(),
                            "--listen-client-urls",
                            "http://" + endpoint,
                            "--advertise-client-urls",
                            "http://" + endpoint,
                            "--listen-peer-urls",
                            peerUrl,
                            "--initial-advertise-peer-urls",
                            peerUrl,
                            "--initial-cluster",
                            "default=" + peerUrl,
                            "--log-level",
                            "error")
                    .redirectErrorStream(true)
                    .redirectOutput(data.resolveSibling("etcd.log").toFile())
                    .start();
            for (int i = 0; i < 300 && !process.waitFor(100, TimeUnit.MILLISECONDS); i++) {
                if (Shell.run(
                                        Duration.ofSeconds(10),
                                        Map.of(),
                                        null,
                                        List.of("curl", "-sf", "http://" + endpoint + "/health"))
                                .status()
                        == 0) {
                    return;
                }
            }
            close();
            throw new AssertionError("etcd did not start: " + Files.readString(data.resolveSibling("etcd.log")));
        }

        @Override
        public void close() throws InterruptedException {
            process.destroy();
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        }
    }
}
