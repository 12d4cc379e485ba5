package dev.coppice.store.etcd;

import static dev.coppice.store.etcd.EtcdProcess.ask;
import static dev.coppice.store.etcd.EtcdProcess.client;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.coppice.store.Restoration;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Snapshots go from this store to a real etcd, and from a real etcd to this store. */
class EtcdExchangeTest {

    @TempDir
    Path directory;

    @BeforeAll
    static void needsEtcd() {
        assumeTrue(EtcdProcess.installed(), "etcd-server and etcd-client are not installed");
    }

    private static void work(String endpoint) throws IOException {
        for (int i = 0; i < 10; i++) {
            ask(endpoint, "put", "k" + i % 4, "v" + i);
        }
        ask(endpoint, "lease", "grant", "5000");
        String lease = ask(endpoint, "lease", "list").lines().toList().getLast();
        ask(endpoint, "put", "leased", "value", "--lease", lease);
        ask(endpoint, "del", "k2");
        ask(endpoint, "put", "large", "x".repeat(50_000));
        ask(endpoint, "compaction", "6");
        ask(endpoint, "put", "k2", "again");
        ask(endpoint, "put", "k1", "again");
        ask(endpoint, "del", "k0");
        ask(endpoint, "user", "add", "root:secret");
        ask(endpoint, "role", "add", "reader");
        ask(endpoint, "role", "grant-permission", "reader", "read", "k", "l");
        ask(endpoint, "user", "add", "eve:password");
        ask(endpoint, "user", "grant-role", "eve", "reader");
        ask(endpoint, "auth", "enable");
    }

    /** Everything that etcdctl tells, but who tells it. */
    private static List<String> everything(String endpoint) throws IOException {
        List<String> told = new ArrayList<>();
        for (int revision = 7; revision <= 17; revision++) {
            told.add(root(endpoint, "get", "", "--prefix", "-w", "fields", "--rev", "" + revision));
        }
        told.add(client(endpoint, "--user", "root:secret", "get", "k", "--rev", "5")
                        .status() + "");
        told.add(client(endpoint, "--user", "eve:password", "put", "k", "v").status() + "");
        told.add(ask(endpoint, "--user", "eve:password", "get", "k1"));
        told.add(root(endpoint, "user", "list"));
        told.add(root(endpoint, "role", "get", "reader"));
        String lease = root(endpoint, "lease", "list");
        told.add(lease);
        String time =
                root(endpoint, "lease", "timetolive", lease.lines().toList().getLast(), "--keys");
        told.add(time.replaceAll("remaining\\(\\d+s\\)", ""));
        told.add(hash(endpoint, 0));
        told.add(hash(endpoint, 9));
        return told;
    }

    private static String root(String endpoint, String... arguments) throws IOException {
        List<String> all = new ArrayList<>(List.of("--user", "root:secret"));
        all.addAll(List.of(arguments));
        return ask(endpoint, all.toArray(String[]::new)).replaceAll("\"(ClusterID|MemberID|RaftTerm)\" : \\d+\n", "");
    }

    private static String hash(String endpoint, long revision) throws IOException {
        return root(endpoint, "endpoint", "hashkv", "--rev", "" + revision).replaceAll(".*, ", "");
    }

    @Test
    void thisStoreGoesToEtcd() throws Exception {
        Path file = directory.resolve("snapshot.db");
        List<String> here;
        try (EtcdServed served = new EtcdServed(directory.resolve("store"))) {
            work(served.endpoint);
            here = everything(served.endpoint);
            root(served.endpoint, "snapshot", "save", file.toString());
        }
        Matcher status = Pattern.compile("\"hash\":(\\d+),\"revision\":(\\d+),\"totalKey\":(\\d+),\"totalSize\":(\\d+)")
                .matcher(ask("x", "snapshot", "status", file.toString(), "-w", "json"));
        assertThat(status.find()).isTrue();
        assertThat(status.group(2)).isEqualTo("17");
        assertThat(Long.parseLong(status.group(4)) + 32).isEqualTo(file.toFile().length());
        ask(
                "x",
                "snapshot",
                "restore",
                file.toString(),
                "--data-dir",
                directory.resolve("etcd").toString());
        try (EtcdProcess etcd = new EtcdProcess(directory.resolve("etcd"))) {
            assertThat(everything(etcd.endpoint)).isEqualTo(here);
            root(etcd.endpoint, "put", "k1", "goes on");
            assertThat(root(etcd.endpoint, "get", "k1", "--print-value-only")).isEqualTo("goes on\n");
        }
    }

    @Test
    void etcdComesToThisStore() throws Exception {
        Path file = directory.resolve("snapshot.db");
        List<String> there;
        try (EtcdProcess etcd = new EtcdProcess(directory.resolve("etcd"))) {
            work(etcd.endpoint);
            there = everything(etcd.endpoint);
            root(etcd.endpoint, "snapshot", "save", file.toString());
        }
        var loaded = new Restoration(file, false, new SecureRandom(), (step, bytes, of) -> {})
                .run(directory.resolve("store"));
        assertThat(loaded).hasSize(1);
        assertThat(loaded.getFirst().revision()).isEqualTo(17);
        try (EtcdServed served = new EtcdServed(directory.resolve("store"))) {
            assertThat(everything(served.endpoint)).isEqualTo(there);
            root(served.endpoint, "put", "k1", "goes on");
            assertThat(root(served.endpoint, "get", "k1", "--print-value-only")).isEqualTo("goes on\n");
        }
    }
}
