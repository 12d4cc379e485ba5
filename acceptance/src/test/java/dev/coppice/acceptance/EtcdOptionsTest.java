package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Options of {@code coppice up} by etcd's names, as Debian's etcdctl sees them. */
class EtcdOptionsTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir
    Path folder;

    private Shell.Outcome etcdctl(List<String> flags, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("etcdctl", "--command-timeout=10s", "--dial-timeout=5s"));
        command.addAll(flags);
        command.addAll(List.of(arguments));
        return Shell.run(LIMIT, Map.of("ETCDCTL_API", "3"), null, command);
    }

    @Test
    void aFullStoreComesBackByCompactionAndDefragmentation() throws Exception {
        Shell.need("etcdctl");
        try (RunningCoppice coppice = RunningCoppice.up(
                folder.resolve("data"),
                "--insecure-store",
                "--quota-backend-bytes",
                "1000000",
                "--max-request-bytes",
                "110000",
                "--max-txn-ops",
                "2")) {
            List<String> to = List.of("--endpoints", coppice.etcd());
            String value = "x".repeat(100_000);
            Shell.Outcome put = etcdctl(to, "put", "key", value);
            for (int i = 0; i < 20 && put.status() == 0; i++) {
                put = etcdctl(to, "put", "key", value);
            }
            assertThat(put.output()).contains("etcdserver: mvcc: database space exceeded");
            assertThat(etcdctl(to, "alarm", "list").succeeds().output()).contains("alarm:NOSPACE");
            assertThat(etcdctl(to, "get", "key", "--print-value-only")
                            .succeeds()
                            .output())
                    .contains(value);
            assertThat(etcdctl(to, "put", "small", "1").output())
                    .as("until the alarm is taken back, however small it is")
                    .contains("database space exceeded");

            String status = etcdctl(to, "endpoint", "status", "--write-out=json")
                    .succeeds()
                    .output();
            String revision = status.replaceAll("(?s).*\"revision\":(\\d+).*", "$1");
            Shell.Outcome _ = etcdctl(to, "compact", revision, "--physical").succeeds();
            Shell.Outcome _ = etcdctl(to, "defrag").succeeds();
            assertThat(etcdctl(to, "put", "key", "1").output()).contains("database space exceeded");
            assertThat(etcdctl(to, "alarm", "disarm").succeeds().output()).contains("alarm:NOSPACE");
            assertThat(etcdctl(to, "alarm", "list").succeeds().output()).isEmpty();
            Shell.Outcome _ = etcdctl(to, "put", "key", value).succeeds();

            assertThat(etcdctl(to, "put", "key", "x".repeat(120_000)).output())
                    .contains("etcdserver: request is too large");
            Shell.Outcome txn = Shell.run(
                    LIMIT,
                    Map.of("ETCDCTL_API", "3"),
                    "\nput a 1\nput b 1\nput c 1\n\n\n",
                    List.of("etcdctl", "--endpoints", coppice.etcd(), "txn"));
            assertThat(txn.output()).contains("etcdserver: too many operations in txn request");
        }
    }

    // ---- certificates of the user's

    private void openssl(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("openssl"));
        command.addAll(List.of(arguments));
        Shell.Outcome _ = Shell.run(LIMIT, Map.of(), null, command).succeeds();
    }

    private String file(String name) {
        return folder.resolve(name).toString();
    }

    private void authority(String name) throws Exception {
        openssl(
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=" + name,
                "-keyout",
                file(name + ".key"),
                "-out",
                file(name + ".crt"));
    }

    private void signed(String authority, String name, String names) throws Exception {
        Path extensions = Files.writeString(
                folder.resolve(name + ".ext"), names.isEmpty() ? "" : "subjectAltName=" + names + "\n");
        openssl(
                "req",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-subj",
                "/CN=" + name,
                "-keyout",
                file(name + ".key"),
                "-out",
                file(name + ".csr"));
        openssl(
                "x509",
                "-req",
                "-days",
                "2",
                "-in",
                file(name + ".csr"),
                "-CA",
                file(authority + ".crt"),
                "-CAkey",
                file(authority + ".key"),
                "-CAcreateserial",
                "-extfile",
                extensions.toString(),
                "-out",
                file(name + ".crt"));
    }

    /** As a tool for certificates would do it. */
    private void replace(String file, String by) throws Exception {
        Path fresh = Files.copy(folder.resolve(by), folder.resolve(file + ".new"));
        Files.setLastModifiedTime(fresh, FileTime.from(Instant.now().plusSeconds(10)));
        Path _ = Files.move(fresh, folder.resolve(file), StandardCopyOption.ATOMIC_MOVE);
    }

    @Test
    void certificatesOfTheUserAreShownAndReadAgain() throws Exception {
        Shell.need("etcdctl", "openssl");
        authority("first");
        authority("second");
        signed("first", "server", "IP:127.0.0.1");
        signed("second", "other", "IP:127.0.0.1");
        signed("first", "client", "");
        signed("second", "stranger", "");
        try (RunningCoppice coppice = RunningCoppice.up(
                folder.resolve("data"),
                "--cert-file",
                file("server.crt"),
                "--key-file",
                file("server.key"),
                "--trusted-ca-file",
                file("first.crt"))) {
            String where = "https://" + coppice.etcd();
            List<String> client = List.of(
                    "--endpoints",
                    where,
                    "--cacert",
                    file("first.crt"),
                    "--cert",
                    file("client.crt"),
                    "--key",
                    file("client.key"));
            Shell.Outcome _ = etcdctl(client, "put", "key", "value").succeeds();
            assertThat(etcdctl(List.of("--endpoints", where, "--cacert", file("first.crt")), "get", "key")
                            .output())
                    .contains("shows no client certificate");
            assertThat(etcdctl(
                                    List.of(
                                            "--endpoints",
                                            where,
                                            "--cacert",
                                            file("first.crt"),
                                            "--cert",
                                            file("stranger.crt"),
                                            "--key",
                                            file("stranger.key")),
                                    "get",
                                    "key")
                            .status())
                    .as("a certificate of an authority that is not trusted")
                    .isNotZero();
            List<String> administrator = List.of(
                    "--endpoints",
                    where,
                    "--cacert",
                    coppice.ready().path("etcdAuthority").asText(),
                    "--cert",
                    coppice.ready().path("clientCertificate").asText(),
                    "--key",
                    coppice.ready().path("clientKey").asText());
            Shell.Outcome _ = etcdctl(administrator, "get", "key").succeeds();
            Shell.Outcome _ = Shell.run(
                            LIMIT,
                            Shell.HOME.resolve("coppice").toString(),
                            "lock",
                            "--data",
                            folder.resolve("data").toString(),
                            "name",
                            "--",
                            "true")
                    .succeeds();

            replace("server.crt", "other.crt");
            replace("server.key", "other.key");
            List<String> moved = new ArrayList<>(client);
            moved.set(3, file("second.crt"));
            assertThat(etcdctl(moved, "get", "key", "--print-value-only")
                            .succeeds()
                            .output())
                    .isEqualTo("value\n");
        }
    }

    @Test
    void aCertificateMayBeRequired() throws Exception {
        Shell.need("etcdctl");
        try (RunningCoppice coppice = RunningCoppice.up(folder.resolve("data"), "--client-cert-auth")) {
            List<String> nobody = List.of(
                    "--endpoints",
                    "https://" + coppice.etcd(),
                    "--cacert",
                    coppice.ready().path("certificateAuthority").asText());
            assertThat(etcdctl(nobody, "get", "key").status()).isNotZero();
            List<String> administrator = new ArrayList<>(nobody);
            administrator.addAll(List.of(
                    "--cert",
                    coppice.ready().path("clientCertificate").asText(),
                    "--key",
                    coppice.ready().path("clientKey").asText()));
            Shell.Outcome _ = etcdctl(administrator, "get", "key").succeeds();
        }
    }
}
