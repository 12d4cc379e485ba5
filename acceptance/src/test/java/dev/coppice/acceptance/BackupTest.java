package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The worked example of {@code docs/backup.md}, run as it stands there. */
final class BackupTest {
    private static final Duration LIMIT = Duration.ofSeconds(90);
    private static final Pattern BLOCK = Pattern.compile("```sh\n(.*?)```", Pattern.DOTALL);

    @TempDir
    private Path folder;

    private Shell.Outcome sh(String script, String kubeconfig, String etcd, String data)
            throws IOException, InterruptedException {
        String launcher = Shell.HOME.resolve("coppice").toString();
        return Shell.run(
                LIMIT,
                Map.of(
                        "KUBECONFIG", kubeconfig,
                        "ETCDCTL_API", "3",
                        "ETCDCTL_ENDPOINTS", etcd,
                        "COPPICE_DATA", data),
                null,
                List.of("bash", "-ec", "cd " + folder + "\n" + script.replace("./coppice", launcher)));
    }

    @Test
    void theWorkedExampleBringsEverythingBack() throws Exception {
        Shell.need("kubectl", "etcdctl");
        List<String> blocks = BLOCK.matcher(Files.readString(Shell.HOME.resolve("docs/backup.md")))
                .results()
                .map(match -> match.group(1))
                .toList();
        assertThat(blocks).hasSize(4);
        Path first = folder.resolve("first");
        try (RunningCoppice node = RunningCoppice.up(first, "--insecure-store")) {
            String kubeconfig = node.ready().path("kubeconfig").asText();
            sh(blocks.get(0), kubeconfig, node.etcd(), first.toString()).succeeds();
            Shell.Outcome again = sh("./coppice backup monday.db", kubeconfig, node.etcd(), first.toString());
            assertThat(again.status()).isEqualTo(1);
            assertThat(again.output()).contains("monday.db exists").contains("--force");
            Shell.Outcome running =
                    sh("./coppice restore monday.db --force", kubeconfig, node.etcd(), first.toString());
            assertThat(running.status()).isEqualTo(1);
            assertThat(running.output()).contains("another Coppice runs on");
            assertThat(node.curl("/coppice/backup").output()).endsWith("403");
        }
        Path backup = folder.resolve("monday.db");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(backup)))
                .isEqualTo("rw-------");
        assertThat(new String(Files.readAllBytes(backup), java.nio.charset.StandardCharsets.ISO_8859_1))
                .contains("good morning")
                .doesNotContain("MTIzNA==");
        Shell.Outcome restored = sh(blocks.get(1), "", "", first.toString()).succeeds();
        assertThat(restored.output()).contains("restored control: ").contains("restored etcd: 1 keys, 2 changes");
        Shell.Outcome refused = sh("./coppice restore monday.db --data second", "", "", first.toString());
        assertThat(refused.status()).isEqualTo(1);
        assertThat(refused.output()).contains("is not empty");
        try (RunningCoppice node = RunningCoppice.up(folder.resolve("second"), "--insecure-store")) {
            String kubeconfig = node.ready().path("kubeconfig").asText();
            Shell.Outcome read =
                    sh(blocks.get(2), kubeconfig, node.etcd(), first.toString()).succeeds();
            assertThat(read.output().replace("\n", " ")).contains("1234good morning hello");
            sh(blocks.get(3), kubeconfig, node.etcd(), first.toString()).succeeds();
            assertThat(folder.resolve("an-etcd/member/snap/db")).exists();
            assertThat(folder.resolve("third/store/state/CURRENT")).exists();
        }
    }

    @Test
    void aDamagedBackupIsRefused() throws Exception {
        Path file = Files.write(folder.resolve("bad.db"), new byte[4096 * 3 + 32]);
        Shell.Outcome outcome = sh("./coppice restore bad.db --data second", "", "", "");
        assertThat(outcome.status()).isEqualTo(1);
        assertThat(outcome.output())
                .contains(file.getFileName() + " is damaged")
                .contains("checksum");
        assertThat(folder.resolve("second/store")).doesNotExist();
    }
}
