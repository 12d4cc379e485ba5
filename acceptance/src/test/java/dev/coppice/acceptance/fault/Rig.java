package dev.coppice.acceptance.fault;

import dev.coppice.acceptance.Shell;
import dev.coppice.store.api.HashKVResponse;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A cluster of real nodes whose processes, network, disks and clocks can be broken, and be mended again. */
final class Rig implements AutoCloseable {
    private static final int ATTEMPTS = 30;
    private static final Duration START = Duration.ofSeconds(120);

    private final Network network;
    private final List<RigNode> nodes = new ArrayList<>();
    private final List<EtcdClient> clients = new ArrayList<>();
    private final List<DelayProxy> proxies = new ArrayList<>();

    private final Thread lastResort = Thread.ofPlatform().unstarted(this::abandon);

    private Rig(Network network) {
        this.network = network;
        // A test run that is ended by a signal leaves no nodes behind.
        Runtime.getRuntime().addShutdownHook(lastResort);
    }

    private void abandon() {
        try {
            tearDown();
        } catch (IOException | InterruptedException e) {
            System.err.println("the fault rig could not be cleared away: " + e);
        }
    }

    /** Starts a new cluster and waits until all nodes serve. The calling test is skipped, loudly, where that cannot be. */
    static Rig start(int nodes, Path folder) throws IOException, InterruptedException {
        return start(nodes, folder, Map.of());
    }

    /** Starts one whose nodes get more environment variables. */
    static Rig start(int nodes, Path folder, Map<String, String> environment) throws IOException, InterruptedException {
        Shell.need("mount", "umount", "dd");
        Rig rig = new Rig(Network.create(nodes));
        try {
            Path library = BrokenDisk.compile(folder);
            List<String> options = rig.options(folder);
            for (int i = 0; i < nodes; i++) {
                Path own = Files.createDirectories(folder.resolve(RigNode.name(i)));
                RigNode node = new RigNode(rig.network, i, BrokenDisk.mount(own, library), own, environment, options);
                rig.nodes.add(node);
                node.start();
                if (i == 0) {
                    node.awaitBegun();
                }
                rig.clients.add(new EtcdClient(node.address()));
            }
            for (RigNode node : rig.nodes) {
                node.awaitServing(START);
            }
            return rig;
        } catch (IOException | InterruptedException | RuntimeException | Error e) {
            rig.close();
            throw e;
        }
    }

    /** Those of a node that is alone are none. */
    private List<String> options(Path folder) throws IOException, InterruptedException {
        if (network.nodes() == 1) {
            return List.of();
        }
        Path keys = folder.resolve("cluster-keys.json");
        var unused = Shell.run(START, Shell.HOME.resolve("coppice").toString(), "cluster", "keys", keys.toString())
                .succeeds();
        String members = IntStream.range(0, network.nodes())
                .mapToObj(each -> RigNode.name(each) + "=" + network.address(each) + ":" + Network.PEER_PORT)
                .collect(Collectors.joining(","));
        return List.of("--cluster", members, "--cluster-keys", keys.toString());
    }

    Network network() {
        return network;
    }

    List<RigNode> nodes() {
        return nodes;
    }

    RigNode node(int number) {
        return nodes.get(number);
    }

    EtcdClient client(int number) {
        return clients.get(number);
    }

    List<EtcdClient> clients() {
        return clients;
    }

    /** From now on all messages between nodes take a while. */
    void delay(int leastMillis, int mostMillis, long seed) throws IOException, InterruptedException {
        for (RigNode to : nodes) {
            DelayProxy proxy = new DelayProxy(
                    network.gateway(),
                    new InetSocketAddress(to.address(), Network.PEER_PORT),
                    leastMillis,
                    mostMillis,
                    seed + to.number());
            proxies.add(proxy);
            for (RigNode from : nodes) {
                if (from != to) {
                    network.redirect(from.number(), to.number(), proxy.port());
                }
            }
        }
    }

    /** Mends the network. */
    void reconnect() throws IOException, InterruptedException {
        network.heal();
        for (DelayProxy each : proxies) {
            each.close();
        }
        proxies.clear();
    }

    /** Mends everything, and starts what does not run. */
    void heal() throws IOException, InterruptedException {
        reconnect();
        for (RigNode each : nodes) {
            each.disk().heal();
            each.shiftClock(Duration.ZERO);
            each.signal("CONT");
            each.restart();
        }
    }

    /** Waits until every node answers a linearizable read; says which does not. */
    void awaitServing(Duration limit) throws IOException, InterruptedException {
        long end = System.nanoTime() + limit.toNanos();
        for (RigNode each : nodes) {
            while (true) {
                try {
                    var unused = client(each.number()).revision();
                    break;
                } catch (StatusRuntimeException e) {
                    if (System.nanoTime() > end) {
                        throw new AssertionError(
                                each.name() + " does not serve " + limit + " after everything was mended: "
                                        + e.getStatus() + (each.running() ? "" : " (it does not run)") + "\n"
                                        + each.tail());
                    }
                    each.restart();
                    Load.pause(100);
                }
            }
        }
    }

    /** How often nodes ended without having been told to. */
    int endedByThemselves() {
        return nodes.stream().mapToInt(RigNode::endedByItself).sum();
    }

    private static <T> T again(Supplier<T> call) {
        for (int attempt = 1; ; attempt++) {
            try {
                return call.get();
            } catch (StatusRuntimeException e) {
                if (attempt >= ATTEMPTS) {
                    throw e;
                }
                Load.pause(200);
            }
        }
    }

    /** Of the store; asks again for a while when it does not answer. */
    long revision() {
        return again(client(0)::revision);
    }

    /** Puts a key, more than once if need be; gives the revision. */
    long mark(String key) {
        return again(() -> client(0).put(key, "mark"));
    }

    /** Whether all nodes hold the same, up to a revision. */
    List<String> compareHashes(long revision) {
        List<String> hashes = new ArrayList<>();
        List<Integer> values = new ArrayList<>();
        for (RigNode each : nodes) {
            // A linearizable read makes sure that it has applied what the others have.
            HashKVResponse hash = again(() -> {
                var unused = client(each.number()).revision();
                return client(each.number()).hash(revision);
            });
            hashes.add(each.name() + ": " + hash.getHash() + " (compacted at " + hash.getCompactRevision() + ")");
            values.add(hash.getHash());
        }
        return values.stream().distinct().count() == 1
                ? List.of()
                : List.of("the nodes hold different things at revision " + revision + ": " + hashes);
    }

    @Override
    public void close() throws IOException, InterruptedException {
        var unused = Runtime.getRuntime().removeShutdownHook(lastResort);
        tearDown();
    }

    private void tearDown() throws IOException, InterruptedException {
        clients.forEach(EtcdClient::close);
        for (DelayProxy each : proxies) {
            each.close();
        }
        for (RigNode each : nodes) {
            each.close();
        }
        network.close();
    }
}
