package dev.coppice.acceptance.fault;

import dev.coppice.acceptance.Shell;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Network namespaces, one for each node, joined by a bridge. This process reaches every node; between nodes, packets can be
 * dropped one way or both, lost at random, or sent through a {@link DelayProxy}. Rules touch the namespaces only.
 */
final class Network implements AutoCloseable {
    static final int CLIENT_PORT = 2379;
    static final int PEER_PORT = 2380;

    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final String CHAIN = "FAULT";

    private final String name;
    private final String subnet;
    private final int nodes;

    private Network(String name, String subnet, int nodes) {
        this.name = name;
        this.subnet = subnet;
        this.nodes = nodes;
    }

    /** Makes the namespaces; the calling test is skipped, loudly, where that is not permitted. */
    static Network create(int nodes) throws IOException, InterruptedException {
        Shell.need("ip", "iptables");
        Shell.needRoot();
        long pid = ProcessHandle.current().pid();
        // Another test run beside this one has another process, so other names and most likely another subnet.
        Network made = new Network("cf" + pid, "10." + (100 + pid % 100) + "." + (pid / 100 % 250), nodes);
        made.close();
        try {
            made.build();
        } catch (AssertionError e) {
            made.close();
            Shell.skip("network namespaces cannot be made here: " + e.getMessage());
        }
        return made;
    }

    private void build() throws IOException, InterruptedException {
        run("ip", "link", "add", name, "type", "bridge");
        run("ip", "addr", "add", gateway() + "/24", "dev", name);
        run("ip", "link", "set", name, "up");
        for (int node = 0; node < nodes; node++) {
            run("ip", "netns", "add", namespace(node));
            run("ip", "link", "add", link(node), "type", "veth", "peer", "name", "eth0", "netns", namespace(node));
            run("ip", "link", "set", link(node), "master", name, "up");
            inside(node, "ip", "addr", "add", address(node) + "/24", "dev", "eth0");
            inside(node, "ip", "link", "set", "eth0", "up");
            inside(node, "ip", "link", "set", "lo", "up");
            inside(node, "iptables", "-N", CHAIN);
            inside(node, "iptables", "-A", "INPUT", "-j", CHAIN);
        }
    }

    private static void run(String... command) throws IOException, InterruptedException {
        var unused = Shell.run(LIMIT, command).succeeds();
    }

    private void inside(int node, String... command) throws IOException, InterruptedException {
        run(inNamespace(node, List.of(command)).toArray(String[]::new));
    }

    private String namespace(int node) {
        return name + "-" + node;
    }

    private String link(int node) {
        return name + "v" + node;
    }

    List<String> inNamespace(int node, List<String> command) {
        List<String> all = new ArrayList<>(List.of("ip", "netns", "exec", namespace(node)));
        all.addAll(command);
        return all;
    }

    int nodes() {
        return nodes;
    }

    String address(int node) {
        return subnet + "." + (node + 1);
    }

    /** Where nodes reach this process. */
    String gateway() {
        return subnet + ".254";
    }

    /** From now on nothing that one node sends reaches the other. */
    void cut(int from, int to) throws IOException, InterruptedException {
        inside(to, "iptables", "-A", CHAIN, "-s", address(from), "-j", "DROP");
    }

    /** From now on a node loses a part of what the others send it. */
    void lose(int node, double probability) throws IOException, InterruptedException {
        inside(
                node,
                "iptables",
                "-A",
                CHAIN,
                "!",
                "-s",
                gateway(),
                "-m",
                "statistic",
                "--mode",
                "random",
                "--probability",
                Double.toString(probability),
                "-j",
                "DROP");
    }

    /** From now on a node reaches another one's peer port through a port of this process only. */
    void redirect(int from, int to, int port) throws IOException, InterruptedException {
        String target = address(to);
        String peerPort = Integer.toString(PEER_PORT);
        inside(
                from,
                "iptables",
                "-t",
                "nat",
                "-A",
                "OUTPUT",
                "-p",
                "tcp",
                "-d",
                target,
                "--dport",
                peerPort,
                "-j",
                "DNAT",
                "--to-destination",
                gateway() + ":" + port);
        // Connections from before are not redirected: they end, and are made anew.
        inside(
                from,
                "iptables",
                "-I",
                "OUTPUT",
                "-p",
                "tcp",
                "-d",
                target,
                "--dport",
                peerPort,
                "-j",
                "REJECT",
                "--reject-with",
                "tcp-reset");
    }

    /** Takes back all faults. */
    void heal() throws IOException, InterruptedException {
        for (int node = 0; node < nodes; node++) {
            inside(node, "iptables", "-F", CHAIN);
            inside(node, "iptables", "-F", "OUTPUT");
            inside(node, "iptables", "-t", "nat", "-F", "OUTPUT");
        }
    }

    @Override
    public void close() throws IOException, InterruptedException {
        for (int node = 0; node < nodes; node++) {
            var unused = Shell.run(LIMIT, "ip", "netns", "del", namespace(node));
            unused = Shell.run(LIMIT, "ip", "link", "del", link(node));
        }
        var unused = Shell.run(LIMIT, "ip", "link", "del", name);
    }
}
