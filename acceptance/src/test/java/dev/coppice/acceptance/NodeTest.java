package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A node as its user starts, uses, kills and breaks it. */
final class NodeTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration LIMIT = Duration.ofMinutes(2);

    @TempDir
    private Path folder;

    @Test
    void quickstartIsReadyAndSurvivesARestart() throws Exception {
        Shell.need("kubectl");
        Path data = folder.resolve("data");
        Path token = folder.resolve("token");
        List<String> before;
        try (RunningCoppice coppice =
                RunningCoppice.up(data, "examples/quickstart", "--token-file", token.toString())) {
            assertThat(Files.readString(token).strip()).isEqualTo(coppice.token());
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(token)))
                    .isEqualTo("rw-------");
            before = checks(coppice);
            assertThat(before).isNotEmpty();
        }
        try (RunningCoppice coppice = RunningCoppice.up(data)) {
            assertThat(checks(coppice)).isEqualTo(before);
        }
    }

    private static List<String> checks(RunningCoppice coppice) throws Exception {
        return coppice.kubectl(
                        "get", "healthchecks", "-A", "-o", "jsonpath={range .items[*]}{.metadata.uid}{\"\\n\"}{end}")
                .succeeds()
                .output()
                .lines()
                .toList();
    }

    @Test
    void keepsWhatItAcknowledgedWhenKilled() throws Exception {
        Shell.need("kubectl");
        Path data = folder.resolve("data");
        for (int round = 0; round < 3; round++) {
            RunningCoppice coppice = RunningCoppice.up(data);
            try {
                for (int earlier = 0; earlier < round; earlier++) {
                    assertThat(coppice.kubectl("get", "configmap", "round-" + earlier, "-o", "jsonpath={.data.n}")
                                    .succeeds()
                                    .output())
                            .isEqualTo(Integer.toString(earlier));
                }
                coppice.kubectl("create", "configmap", "round-" + round, "--from-literal=n=" + round)
                        .succeeds();
            } finally {
                coppice.kill();
            }
        }
    }

    @Test
    void storeWantsACertificate() throws Exception {
        Shell.need("etcdctl");
        try (RunningCoppice coppice = RunningCoppice.up(folder.resolve("data"))) {
            List<String> trusting = List.of(
                    "etcdctl",
                    "--endpoints",
                    "https://" + coppice.etcd(),
                    "--cacert",
                    coppice.ready().path("certificateAuthority").asText(),
                    "--command-timeout=5s");
            List<String> certified = new ArrayList<>(trusting);
            certified.addAll(List.of(
                    "--cert", coppice.ready().path("clientCertificate").asText(),
                    "--key", coppice.ready().path("clientKey").asText()));
            assertThat(etcdctl(certified, "put", "a", "1").succeeds().output()).contains("OK");
            assertThat(etcdctl(certified, "get", "", "--prefix", "--keys-only")
                            .succeeds()
                            .output()
                            .strip())
                    .as("nothing of Coppice's own shows")
                    .isEqualTo("a");
            assertThat(etcdctl(trusting, "get", "a").status()).isNotZero();
        }
    }

    private static Shell.Outcome etcdctl(List<String> options, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(options);
        command.addAll(List.of(arguments));
        return Shell.run(LIMIT, Map.of("ETCDCTL_API", "3"), null, command);
    }

    @Test
    void aPortInUseIsNamed() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Shell.Outcome outcome = up(
                    "--api-port",
                    Integer.toString(taken.getLocalPort()),
                    "--etcd-port",
                    "0",
                    "--peer-port",
                    "0",
                    "--public-port",
                    "0");
            assertThat(outcome.status()).isEqualTo(1);
            assertThat(failed(outcome))
                    .anySatisfy(error -> assertThat(error)
                            .contains("--api-port")
                            .contains(Integer.toString(taken.getLocalPort()))
                            .contains("in use"));
        }
    }

    @Test
    void allBadOptionsAndManifestsAreToldTogether() throws Exception {
        Path manifests = Files.createDirectory(folder.resolve("manifests"));
        Files.writeString(manifests.resolve("a.yaml"), "kind: ConfigMap\n");
        Files.writeString(manifests.resolve("b.yaml"), "a: [\n");
        Shell.Outcome outcome = up("--api-port", "70000", "--name", "Not a name", manifests.toString());
        assertThat(outcome.status()).isEqualTo(1);
        assertThat(failed(outcome))
                .anySatisfy(error -> assertThat(error).contains("--api-port").contains("70000"))
                .anySatisfy(error -> assertThat(error).contains("--name"))
                .anySatisfy(error -> assertThat(error).contains("a.yaml").contains("apiVersion"))
                .anySatisfy(error -> assertThat(error).contains("b.yaml").contains("line"));
    }

    private Shell.Outcome up(String... options) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Shell.HOME.resolve("coppice").toString(),
                "up",
                "--json",
                "--data",
                folder.resolve("data").toString()));
        command.addAll(List.of(options));
        return Shell.run(LIMIT, Map.of(), null, command);
    }

    private static List<String> failed(Shell.Outcome outcome) throws Exception {
        for (String line : outcome.output().lines().toList()) {
            if (line.startsWith("{\"event\":\"failed\"")) {
                List<String> errors = new ArrayList<>();
                for (JsonNode error : JSON.readTree(line).path("errors")) {
                    errors.add(error.asText());
                }
                return errors;
            }
        }
        throw new AssertionError("no line {\"event\":\"failed\"…}:\n" + outcome.output());
    }

    @Test
    void theLauncherSaysWhenThereIsNoJdk() throws Exception {
        Shell.Outcome outcome = Shell.run(
                LIMIT,
                "env",
                "-i",
                "PATH=/usr/bin:/bin",
                "HOME=" + folder,
                "unshare",
                "--mount",
                "--map-root-user",
                "bash",
                "-c",
                "mount -t tmpfs none /usr/lib/jvm && exec ./coppice version");
        org.junit.jupiter.api.Assumptions.assumeFalse(
                outcome.output().contains("unshare"), "mount namespaces are not permitted here");
        assertThat(outcome.status()).isEqualTo(1);
        assertThat(outcome.output()).contains("no JDK 25 found").contains("JAVA_HOME");
    }
}
