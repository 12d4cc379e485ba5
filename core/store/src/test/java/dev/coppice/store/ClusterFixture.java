package dev.coppice.store;

import static dev.coppice.store.StoreFixture.bytes;

import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.FreePorts;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.CertificateAuthority;
import dev.coppice.serving.GrpcListener;
import dev.coppice.serving.ListenerOptions;
import dev.coppice.serving.TlsSource;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.raft.ClusterSettings;
import dev.coppice.store.raft.Faults;
import dev.coppice.store.raft.GrpcPeerTransport;
import dev.coppice.store.raft.Leaders;
import dev.coppice.store.raft.Member;
import dev.coppice.store.raft.PeerServices;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** A cluster in this process: every member with a kernel, a directory and a peer listener of its own, on loopback with TLS. */
final class ClusterFixture implements AutoCloseable {

    /** Long enough for a machine that is busy with other things. */
    static final Duration ELECTION = Duration.ofMillis(500);

    private static final long CLUSTER = 0x4000_0000_0000_0001L;

    /** One member, which can be stopped, killed and started again. */
    final class Node {
        final long id;
        final int port;
        final Path directory;
        final Map<Long, String> founders;

        @Nullable
        Kernel kernel;

        @Nullable
        Store store;

        Node(long id, int port, Map<Long, String> founders) {
            this.id = id;
            this.port = port;
            this.directory = root.resolve(Long.toHexString(id));
            this.founders = founders;
        }

        String url() {
            return "https://127.0.0.1:" + port;
        }

        void start() throws Exception {
            Kernel made = Kernel.start();
            kernel = made;
            TlsSource tls = CertificateAuthority.open(made, root.resolve("pki")).peer(List.of("127.0.0.1"));
            PeerServices services = new PeerServices();
            GrpcListener listener = new GrpcListener(
                    made,
                    new ListenerOptions("peer", new InetSocketAddress("127.0.0.1", port), tls, 4 << 20, 100),
                    services.services(tls),
                    List.of(),
                    PeerServices.DIRECT);
            var unused = made.root().start(ChildSpec.service("peer", () -> listener));
            GrpcPeerTransport.Metrics metrics = new GrpcPeerTransport.Metrics(made);
            ClusterSettings settings = new ClusterSettings(
                    services,
                    addresses -> faults.around(made, id, new GrpcPeerTransport(made, metrics, tls, addresses)),
                    founders,
                    url(),
                    election);
            StoreOptions options = new StoreOptions(
                            directory,
                            "n" + id,
                            new InetSocketAddress("127.0.0.1", port),
                            List.of(
                                    new StoreOptions.KeyspaceOptions("control", 1L << 30),
                                    new StoreOptions.KeyspaceOptions("etcd", 1L << 30)))
                    .inCluster(settings, new Member.Identity(CLUSTER, id));
            store = Store.start(made, made.root(), options);
        }

        Store store() {
            Store current = store;
            if (current == null) {
                throw new IllegalStateException("the member is down");
            }
            return current;
        }

        boolean up() {
            return store != null;
        }

        Keyspace keyspace() {
            return store().keyspace("etcd");
        }

        void stop() {
            Kernel running = kernel;
            store = null;
            kernel = null;
            if (running != null) {
                running.close();
            }
        }

        long put(String key, String value) {
            return keyspace()
                    .put(PutRequest.newBuilder()
                            .setKey(bytes(key))
                            .setValue(bytes(value))
                            .build())
                    .getHeader()
                    .getRevision();
        }

        @Nullable
        String get(String key, boolean serializable) {
            List<KeyValue> found = keyspace()
                    .range(RangeRequest.newBuilder()
                            .setKey(bytes(key))
                            .setSerializable(serializable)
                            .build())
                    .getKvsList();
            return found.isEmpty() ? null : found.getFirst().getValue().toStringUtf8();
        }

        boolean leads() {
            try {
                return up() && store().log().leading();
            } catch (StoreException e) {
                return false;
            }
        }
    }

    final Path root;
    final Duration election;
    final Faults faults = new Faults();
    final Map<Long, Node> nodes = new LinkedHashMap<>();

    ClusterFixture(Path root, int size) throws Exception {
        this(root, size, ELECTION);
    }

    ClusterFixture(Path root, int size, Duration election) throws Exception {
        this.root = root;
        this.election = election;
        Map<Long, String> founders = new LinkedHashMap<>();
        Map<Long, Integer> ports = new LinkedHashMap<>();
        for (long id = 1; id <= size; id++) {
            ports.put(id, FreePorts.next());
            founders.put(id, "https://127.0.0.1:" + ports.get(id));
        }
        for (Map.Entry<Long, Integer> each : ports.entrySet()) {
            nodes.put(each.getKey(), new Node(each.getKey(), each.getValue(), founders));
        }
        for (Node node : nodes.values()) {
            node.start();
        }
        for (Node node : nodes.values()) {
            await(() -> node.store().serving());
        }
        await(() -> leader().isPresent()
                && leader().get().store().machine().roster().members().stream()
                                .filter(member -> !member.getName().isEmpty())
                                .count()
                        == size);
    }

    Node node(long id) {
        Node found = nodes.get(id);
        if (found == null) {
            throw new IllegalArgumentException("no member " + id);
        }
        return found;
    }

    Optional<Node> leader() {
        return nodes.values().stream().filter(Node::leads).findFirst();
    }

    Node awaitLeader() {
        await(() -> leader().isPresent());
        return leader().orElseThrow();
    }

    /** Waits until a member leads that a majority follows, and it is not this one. */
    Node awaitLeaderBut(Node other) {
        await(() -> leader().filter(node -> node != other).isPresent());
        return leader().filter(node -> node != other).orElseThrow();
    }

    Node follower() {
        Node leader = awaitLeader();
        return nodes.values().stream()
                .filter(node -> node != leader && node.up())
                .findFirst()
                .orElseThrow();
    }

    List<Node> running() {
        return new ArrayList<>(nodes.values().stream().filter(Node::up).toList());
    }

    static Leaders.@Nullable Leader seen(Node node) {
        return node.store().log().leaders().current();
    }

    static void await(BooleanSupplier condition) {
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("it did not come true within 30 s");
            }
            java.util.concurrent.locks.LockSupport.parkNanos(5_000_000);
        }
    }

    @Override
    public void close() {
        faults.heal();
        nodes.values().forEach(Node::stop);
    }
}
