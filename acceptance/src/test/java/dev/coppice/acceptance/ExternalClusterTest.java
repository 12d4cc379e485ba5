package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.FreePorts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Docs/store.md, "An etcd cluster instead": two nodes share three members of Debian's etcd, which ask for client certificates and
 * passwords; a node goes, the majority of etcd goes, and all go on when it is back.
 */
class ExternalClusterTest {

    private static final String SECRET = "swordfish";

    @TempDir
    Path directory;

    private final Map<Integer, Process> members = new HashMap<>();
    private final Map<String, RunningCoppice> nodes = new HashMap<>();
    private final List<Integer> clients = new ArrayList<>();
    private final List<Integer> peers = new ArrayList<>();

    @AfterEach
    void stop() throws InterruptedException {
        for (RunningCoppice each : nodes.values()) {
            each.kill();
        }
        for (Process each : members.values()) {
            each.destroyForcibly();
            each.waitFor();
        }
    }

    private String file(String name) {
        return directory.resolve(name).toString();
    }

    private void member(int number) throws IOException {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < peers.size(); i++) {
            all.add("m" + i + "=http://127.0.0.1:" + peers.get(i));
        }
        String client = "https://127.0.0.1:" + clients.get(number);
        String peer = "http://127.0.0.1:" + peers.get(number);
        List<String> command = List.of(
                "etcd",
                "--name=m" + number,
                "--data-dir=" + file("etcd" + number),
                "--listen-client-urls=" + client,
                "--advertise-client-urls=" + client,
                "--listen-peer-urls=" + peer,
                "--initial-advertise-peer-urls=" + peer,
                "--initial-cluster=" + String.join(",", all),
                "--cert-file=" + file("server.crt"),
                "--key-file=" + file("server.key"),
                "--trusted-ca-file=" + file("ca.crt"),
                "--client-cert-auth");
        members.put(
                number,
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.appendTo(
                                directory.resolve("etcd.log").toFile()))
                        .start());
    }

    private Shell.Outcome etcdctl(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                "etcdctl",
                "--endpoints=https://127.0.0.1:" + clients.getFirst(),
                "--cacert=" + file("ca.crt"),
                "--cert=" + file("anybody.crt"),
                "--key=" + file("anybody.key")));
        command.addAll(List.of(arguments));
        return Shell.run(Duration.ofSeconds(30), Map.of("ETCDCTL_API", "3"), null, command);
    }

    private void up(String name) throws IOException {
        List<String> endpoints =
                clients.stream().map(port -> "127.0.0.1:" + port).toList();
        nodes.put(
                name,
                RunningCoppice.up(
                        directory.resolve(name),
                        "--name",
                        name,
                        "--store",
                        "etcds://" + String.join(",", endpoints),
                        "--store-ca",
                        file("ca.crt"),
                        "--store-cert",
                        file("anybody.crt"),
                        "--store-key",
                        file("anybody.key"),
                        "--store-user",
                        "coppice",
                        "--store-password-file",
                        file("password"),
                        "--cluster-keys",
                        file("keys.json")));
    }

    private void anEtcdThatAsks() throws Exception {
        OpenSsl openssl = new OpenSsl(directory);
        openssl.authority("ca");
        openssl.signed("ca", "server", "IP:127.0.0.1,DNS:localhost");
        openssl.signed("ca", "anybody", "DNS:anybody");
        for (int i = 0; i < 3; i++) {
            clients.add(FreePorts.next());
            peers.add(FreePorts.next());
        }
        for (int i = 0; i < 3; i++) {
            member(i);
        }
        await(() -> etcdctl("put", "first", "1").status() == 0);
        etcdctl("user", "add", "root:" + SECRET).succeeds();
        etcdctl("user", "grant-role", "root", "root").succeeds();
        etcdctl("role", "add", "coppice").succeeds();
        etcdctl("role", "grant-permission", "coppice", "--prefix=true", "readwrite", "/coppice")
                .succeeds();
        etcdctl("user", "add", "coppice:" + SECRET).succeeds();
        etcdctl("user", "grant-role", "coppice", "coppice").succeeds();
        etcdctl("auth", "enable").succeeds();
        Files.writeString(directory.resolve("password"), SECRET + "\n");
        Shell.run(
                        Duration.ofSeconds(60),
                        Shell.HOME.resolve("coppice").toString(),
                        "cluster",
                        "keys",
                        file("keys.json"))
                .succeeds();
    }

    private boolean leads(String name) throws Exception {
        return nodes.get(name).get("/console/health").output().endsWith("200");
    }

    @Test
    void twoNodesShareAnEtcdThatLosesItsMajority() throws Exception {
        Shell.need("etcd", "etcdctl", "kubectl", "openssl");
        anEtcdThatAsks();
        up("x");
        up("y");
        await(() -> leads("x"));
        assertThat(nodes.get("y").get("/console/health").output())
                .contains("Checks run on the node that leads, <strong>x</strong>")
                .endsWith("503");
        assertThat(Shell.run(
                                Duration.ofSeconds(30),
                                "curl",
                                "-sS",
                                "-w",
                                "%{http_code}",
                                nodes.get("y").ready().path("public").asText() + "/status/none")
                        .output())
                .endsWith("503");
        nodes.get("x").kubectl("create", "configmap", "by-x").succeeds();
        nodes.get("y").kubectl("get", "configmap", "by-x").succeeds();
        nodes.get("y").kubectl("create", "namespace", "gone").succeeds();

        nodes.get("x").kill();
        await(() -> leads("y"));
        assertThat(nodes.get("y")
                        .kubectl("delete", "namespace", "gone", "--timeout=30s")
                        .succeeds()
                        .output())
                .as("a controller finishes it")
                .contains("deleted");

        losesItsMajority();

        up("x");
        assertThat(nodes.get("x").kubectl("get", "configmaps").succeeds().output())
                .contains("by-x", "after");
        assertThat(leads("x")).isFalse();
        nodes.get("y").close();
        await(() -> leads("x"));
    }

    private void losesItsMajority() throws Exception {
        RunningCoppice node = nodes.get("y");
        for (int i = 1; i < 3; i++) {
            members.get(i).destroyForcibly().waitFor();
        }
        Shell.Outcome refused = node.kubectl("create", "configmap", "lost");
        assertThat(refused.status()).isNotZero();
        assertThat(refused.output()).contains("the resource store does not answer");
        assertThat(node.get("/readyz").output()).endsWith("500");
        assertThat(node.get("/livez").output()).endsWith("200");
        member(1);
        member(2);
        await(() -> node.get("/readyz").output().endsWith("200"));
        await(() -> node.kubectl("create", "configmap", "after").status() == 0);
        await(() -> leads("y"));
        for (Process each : members.values()) {
            each.destroyForcibly().waitFor();
        }
        for (int i = 0; i < 3; i++) {
            member(i);
        }
        await(() -> node.kubectl("create", "configmap", "later").status() == 0);
        await(() -> leads("y"));
    }

    private interface Condition {
        boolean holds() throws Exception;
    }

    private static void await(Condition condition) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!condition.holds()) {
            assertThat(System.nanoTime()).as("within a minute").isLessThan(end);
            LockSupport.parkNanos(100_000_000);
        }
    }
}
