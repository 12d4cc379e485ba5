package dev.coppice.bench.store;

import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.serving.CertificateAuthority;
import dev.coppice.serving.GrpcListener;
import dev.coppice.serving.ListenerOptions;
import dev.coppice.serving.TlsSource;
import dev.coppice.store.Store;
import dev.coppice.store.StoreOptions;
import dev.coppice.store.etcd.EtcdPolicy;
import dev.coppice.store.etcd.EtcdServices;
import dev.coppice.store.raft.ClusterSettings;
import dev.coppice.store.raft.GrpcPeerTransport;
import dev.coppice.store.raft.Member;
import dev.coppice.store.raft.PeerServices;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A process with a member of a store, served as etcd in plain text on a port of loopback; members talk to each other with TLS
 * from both sides, as always. It prints {@code ready} once it serves, with the milliseconds that took, and stops when its
 * standard input ends.
 *
 * <p>Arguments: directory, client port, and for a cluster the number of this member from 1 on, the peer ports of all and the
 * directory of their certificate authority.
 */
public final class StoreServer {

    private static final long CLUSTER = 0x4000_0000_0000_0001L;
    private static final Duration PAUSE = Duration.ofMillis(20);

    private final Kernel kernel = Kernel.start();

    private StoreServer() {}

    public static void main(String[] arguments) throws Exception {
        StoreServer server = new StoreServer();
        int port = Integer.parseInt(arguments[1]);
        StoreOptions options = new StoreOptions(
                Path.of(arguments[0]),
                "default",
                new InetSocketAddress("127.0.0.1", 0),
                List.of(new StoreOptions.KeyspaceOptions("etcd", 64L << 30)));
        server.serve(
                arguments.length < 5
                        ? options
                        : server.inCluster(options, Long.parseLong(arguments[2]), arguments[3], Path.of(arguments[4])),
                port);
        // RocksDB crashes a process that exits while it works.
        Runtime.getRuntime().addShutdownHook(new Thread(server.kernel::close));
        while (System.in.read() >= 0) {}
        System.exit(0);
    }

    private StoreOptions inCluster(StoreOptions options, long id, String ports, Path authority) throws Exception {
        Map<Long, String> founders = new LinkedHashMap<>();
        for (String port : ports.split(",", -1)) {
            founders.put(founders.size() + 1L, "https://127.0.0.1:" + port);
        }
        String url = String.valueOf(founders.get(id));
        InetSocketAddress address =
                new InetSocketAddress("127.0.0.1", Integer.parseInt(url.substring(url.lastIndexOf(':') + 1)));
        TlsSource tls = CertificateAuthority.open(kernel, authority).peer(List.of("127.0.0.1"));
        PeerServices services = new PeerServices();
        listen(new GrpcListener(
                kernel, new ListenerOptions("peer", address, tls, 4 << 20, 100), services.services(tls), List.of()));
        GrpcPeerTransport.Metrics metrics = new GrpcPeerTransport.Metrics(kernel);
        return options.inCluster(
                new ClusterSettings(
                        services,
                        addresses -> new GrpcPeerTransport(kernel, metrics, tls, addresses),
                        founders,
                        url,
                        ClusterSettings.DEFAULT_ELECTION),
                new Member.Identity(CLUSTER, id));
    }

    private void listen(GrpcListener listener) throws StartException {
        var unused =
                kernel.root().start(ChildSpec.service("listener-" + System.identityHashCode(listener), () -> listener));
    }

    private void serve(StoreOptions options, int port) throws Exception {
        long begin = kernel.clock().nanoTime();
        Store store = Store.start(kernel, kernel.root(), options);
        EtcdServices services = new EtcdServices(store, "etcd", EtcdPolicy.open("http://127.0.0.1:" + port));
        GrpcListener listener = new GrpcListener(
                kernel,
                new ListenerOptions("etcd", new InetSocketAddress("127.0.0.1", port), null, 2 << 20, 10_000),
                services.services(),
                services.interceptors(),
                services.direct());
        services.mount(listener.routes());
        listen(listener);
        while (!store.serving()) {
            kernel.timers().sleep(PAUSE);
        }
        System.out.println("ready " + (kernel.clock().nanoTime() - begin) / 1_000_000);
    }
}
