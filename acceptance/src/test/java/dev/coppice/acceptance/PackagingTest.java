package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The tarball and the Debian package, installed in a bare Debian root that has no Java. */
final class PackagingTest {
    private static final Duration LIMIT = Duration.ofMinutes(8);

    /** In a root: start the quickstart as an unprivileged user, wait for ready, stop by SIGTERM. */
    private static final String RUN = """
            set -e
            command -v java && { echo "this root has a Java"; exit 3; }
            %s
            rm -f /tmp/lines /tmp/log; mkfifo /tmp/lines; chmod 666 /tmp/lines
            %s --json --api-port 0 --etcd-port 0 --peer-port 0 --public-port 0 >/tmp/lines 2>/tmp/log &
            node=$!
            exec 3</tmp/lines
            while read -r line <&3; do
              echo "$line"
              case $line in
                *'"event":"ready"'*) kill $node; wait $node || true; echo STOPPED; exit 0 ;;
                *'"event":"failed"'*) cat /tmp/log; exit 1 ;;
              esac
            done
            cat /tmp/log
            exit 1
            """;

    @TempDir
    private static Path folder;

    private static Path packages;
    private static Path bare;

    @BeforeAll
    static void makePackagesAndARoot() throws Exception {
        Shell.need("debootstrap", "dpkg-deb", "unshare");
        Shell.needRoot();
        packages = folder.resolve("packages");
        Shell.run(LIMIT, "./coppice", "package", "--output", packages.toString())
                .succeeds();
        bare = folder.resolve("root");
        Shell.run(LIMIT, "debootstrap", "--variant=minbase", "--include=bubblewrap", "bookworm", bare.toString())
                .succeeds();
    }

    @Test
    void theTarballRunsTheQuickstart() throws Exception {
        Shell.run(
                        LIMIT,
                        "tar",
                        "-C",
                        bare.resolve("opt").toString(),
                        "-xzf",
                        only(".tar.gz").toString())
                .succeeds();
        Shell.Outcome outcome = inRoot(
                RUN.formatted(
                        "useradd --create-home tester; mv /opt/coppice-* /opt/coppice; chown -R tester /opt/coppice; cd /home/tester",
                        "setpriv --reuid tester --regid tester --clear-groups env HOME=/home/tester /opt/coppice/coppice up /opt/coppice/examples/quickstart"));
        assertThat(outcome.output()).contains("\"event\":\"ready\"").contains("STOPPED");
    }

    @Test
    void theDebianPackageRunsTheQuickstartAsItsOwnUser() throws Exception {
        Files.copy(only(".deb"), bare.resolve("tmp/coppice.deb"));
        Shell.Outcome outcome = inRoot(
                RUN.formatted(
                        "dpkg -i /tmp/coppice.deb; test -f /usr/lib/systemd/system/coppice.service",
                        "setpriv --reuid coppice --regid coppice --clear-groups env HOME=/var/lib/coppice COPPICE_CACHE_DIR=/var/cache/coppice coppice up --data /var/lib/coppice /usr/lib/coppice/examples/quickstart"));
        assertThat(outcome.output()).contains("\"event\":\"ready\"").contains("STOPPED");
    }

    private static Path only(String ending) throws Exception {
        try (Stream<Path> files = Files.list(packages)) {
            return files.filter(file -> file.toString().endsWith(ending))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private static Shell.Outcome inRoot(String script) throws Exception {
        return Shell.run(
                        LIMIT,
                        Map.of(),
                        null,
                        List.of(
                                "unshare",
                                "--mount",
                                "--pid",
                                "--fork",
                                "--kill-child",
                                "bash",
                                "-c",
                                "mount -t proc proc \"$1/proc\" && mount --rbind /dev \"$1/dev\" && exec chroot \"$1\" /bin/bash -c \"$2\"",
                                "bash",
                                bare.toString(),
                                script))
                .succeeds();
    }
}
