package dev.coppice.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.console.ConsoleExtension;
import dev.coppice.console.NodeInfo;
import dev.coppice.control.ApiServer;
import dev.coppice.control.Extension;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.access.BearerTokens;
import dev.coppice.control.member.MemberSource;
import dev.coppice.control.runtime.ExtensionHost;
import dev.coppice.coordination.CoordinationExtension;
import dev.coppice.distribution.Distribution;
import dev.coppice.distribution.consensus.Consensus;
import dev.coppice.gateway.CertificateExtension;
import dev.coppice.gateway.GatewayExtension;
import dev.coppice.gateway.GatewayOptions;
import dev.coppice.gateway.config.TlsConfig;
import dev.coppice.gateway.limit.KeySecret;
import dev.coppice.gateway.proxy.WarmUp;
import dev.coppice.health.HealthExtension;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.ExitReason;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.OldGeneration;
import dev.coppice.kernel.ShiftedClock;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.serving.CertificateAuthority;
import dev.coppice.serving.CertificateAuthority.ClientCertificates;
import dev.coppice.serving.ConsoleSite;
import dev.coppice.serving.GrpcListener;
import dev.coppice.serving.HttpListener;
import dev.coppice.serving.ListenerOptions;
import dev.coppice.serving.MetricsHandler;
import dev.coppice.serving.TlsSource;
import dev.coppice.store.Keyspace;
import dev.coppice.store.Store;
import dev.coppice.store.StoreException;
import dev.coppice.store.StoreOptions;
import dev.coppice.store.raft.Member;
import dev.coppice.store.raft.StateMachineGroups;
import dev.coppice.store.remote.EtcdCandidacy;
import dev.coppice.store.remote.EtcdOptions;
import dev.coppice.store.remote.EtcdStore;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A node: its supervision tree, from the store up to the areas. The only place where areas are wired together.
 *
 * <pre>
 *   /peers        the listener for other nodes, in a cluster only
 *   /store        the keyspaces
 *   /distribution connections with other nodes, and what lives on several
 *   /control      the resource API
 *   /listeners    api (TLS), etcd (TLS unless insecure), public
 *   /extensions   one supervisor for each area
 * </pre>
 *
 * Safe for use by many threads.
 */
public final class Server implements AutoCloseable {
    /** Of each start of a training run. */
    private static final Duration GATEWAY_WARM_UP = Duration.ofSeconds(3);

    private static final long KEYSPACE_QUOTA_BYTES = 8L << 30;
    private static final long MAX_BODY_BYTES = 16L << 20;
    private static final int MAX_CONNECTIONS = 20_000;
    private static final String CLOCK_OFFSET_FILE = "coppice.test.clock-offset-file";
    private static final String CLUSTER_PREFIX = "/coppice/cluster";
    private static final Duration MAJORITY_PAUSE = Duration.ofMillis(50);
    private static final int MAJORITY_ROUNDS = 200;
    private static final Duration MEMBERSHIP_BEAT = Duration.ofMillis(500);
    private static final String REMOVED =
            "this node was removed from its cluster and ends. What it has stays in %s; to let"
                    + " this machine join again, give it a new --data directory and a new join token";
    private static final SupervisorOptions PATIENT =
            SupervisorOptions.DEFAULT.withIntensity(10, Duration.ofSeconds(60));

    private final ServerOptions options;
    private final DataDirectory data;
    private final Kernel kernel = Kernel.start(clock());
    private final long startedNanos = kernel.clock().nanoTime();
    private final List<Runnable> closeActions = new ArrayList<>();
    private @Nullable Endpoints endpoints;
    private @Nullable CertificateAuthority authority;
    private @Nullable String token;
    private @Nullable ResourceClient resources;
    private @Nullable ExtensionHost extensions;
    private @Nullable NodeCluster cluster;
    private Duration startupTime = Duration.ZERO;
    private final CompletableFuture<String> removed = new CompletableFuture<>();
    private boolean closed;

    private Server(ServerOptions options, DataDirectory data) {
        this.options = options;
        this.data = data;
    }

    /**
     * Starts a node and waits until it serves.
     *
     * @param progress told what happens, in words for people
     * @throws StartupException when anything fails to start; nothing is left running then
     */
    public static Server start(ServerOptions options, Consumer<String> progress) throws StartupException {
        DataDirectory data = DataDirectory.open(options.data());
        Server server = new Server(options, data);
        try {
            server.startParts(progress);
            return server;
        } catch (StartException | IOException | RuntimeException e) {
            server.close();
            throw StartupException.of(e);
        }
    }

    /** A fault test may let the clock of a node jump; nobody else sets this property. */
    private static Clock clock() {
        String file = System.getProperty(CLOCK_OFFSET_FILE);
        return file == null ? Clock.system() : new ShiftedClock(Path.of(file));
    }

    private void startParts(Consumer<String> progress) throws StartException, IOException {
        progress.accept("Starting on " + data.root());
        // With another collector than the serial one it has nothing to do, and ends.
        var _ = kernel.root()
                .start(ChildSpec.task("old-generation", new OldGeneration(kernel))
                        .withRestart(ChildSpec.Restart.TRANSIENT));
        InetAddress address = address();
        ClusterStart start = new ClusterStart(kernel, options, data.root(), address, progress);
        if (options.external().used()) {
            start.shareKeys();
        }
        ClusterStart.Part part = options.external().used() ? null : start.find().orElse(null);
        CertificateAuthority authority = CertificateAuthority.open(kernel, data.resolve("pki"));
        this.authority = authority;
        NodeCluster nodes = part == null
                ? null
                : new NodeCluster(
                        kernel,
                        data.root(),
                        part.file(),
                        authority,
                        address,
                        options.name(),
                        options.cluster().peers());
        cluster = nodes;
        List<String> names = serverNames(address);
        EtcdPort etcdPort =
                new EtcdPort(kernel, options, address, authority, names, nodes == null ? null : nodes.host());
        Supervisor listeners = null;
        GrpcListener etcdListener = null;
        Kept kept = options.external().used()
                ? external()
                : own(startStore(address, nodes, part == null ? null : part.identity()), nodes);
        Store store = kept.own();
        if (nodes != null && store != null) {
            // While there is no majority, etcd's clients can still read what this node has.
            listeners = kernel.root().startSupervisor("listeners", PATIENT);
            etcdListener = etcdPort.start(listeners, store);
            awaitMajority(store, nodes, progress);
        }
        Distribution distributed = NodeDistribution.start(kernel, options, nodes);
        StateMachineGroups consensus =
                store == null ? null : StateMachineGroups.start(kernel, kernel.root(), store, "control");
        token = BearerTokens.fromFile(kernel, data.tokenFile());
        ApiServer apiServer = new ApiServer(kernel, kept.control(), data.resolve("pki"), options.api());
        apiServer.addToken("admin", token, BearerTokens.ADMIN);
        apiServer.serve(MemberSource.KIND, new MemberSource(distributed));
        Supervisor control = kernel.root().startSupervisor("control", PATIENT);
        apiServer.serve(control);
        if (kept.leads() == null) {
            apiServer.lead();
        }
        resources = apiServer.client(control, BearerTokens.ADMIN, "coppice");

        if (listeners == null) {
            listeners = kernel.root().startSupervisor("listeners", PATIENT);
        }
        HttpListener apiListener = new HttpListener(
                kernel,
                listener(
                        "api",
                        address,
                        options.apiPort(),
                        authority.server(names, ClientCertificates.OPTIONAL),
                        MAX_BODY_BYTES),
                apiServer.authenticator());
        HttpListener publicListener =
                new HttpListener(kernel, listener("public", address, options.publicPort(), null, 64 << 10), null);
        apiServer.mount(apiListener.routes());
        apiListener.routes().mount("/metrics", apiServer.guarded(new MetricsHandler(kernel.metrics())));
        if (store != null) {
            apiListener.routes().mount(BackupHandler.PATH, apiServer.guarded(new BackupHandler(store)));
        }
        if (nodes != null) {
            apiListener.routes().mount(CLUSTER_PREFIX, apiServer.guarded(nodes::handle));
        }
        if (etcdListener == null && store != null) {
            etcdListener = etcdPort.start(listeners, store);
        }
        start(listeners, ChildSpec.service("api", () -> apiListener), "--api-port", options.apiPort());
        start(listeners, ChildSpec.service("public", () -> publicListener), "--public-port", options.publicPort());

        NodeAddresses addresses = new NodeAddresses(options, data, address, etcd().orElse(null));
        endpoints = addresses.endpoints(
                apiListener,
                publicListener,
                etcdListener == null ? Optional.empty() : etcdListener.address(),
                nodes == null ? options.peerPort() : nodes.port());
        Credentials.write(
                authority, endpoints, options.name(), token, kernel.clock().now());
        ConsoleSite site =
                new ConsoleSite(kernel, apiServer.authenticator(), "Coppice", options.name() + " " + Version.CURRENT);
        closeActions.addFirst(site.mountOn(apiListener.routes())::close);
        ExtensionHost host = extensionHost(store, apiServer, apiListener, publicListener, site, distributed, consensus);
        extensions = host;
        progress.accept("Starting console");
        host.start(console(endpoints, apiServer));
        List<Supplier<Extension>> areas = new ArrayList<>();
        if (store != null && options.areas().contains("coordination")) {
            progress.accept("Starting coordination");
            CoordinationExtension coordination = new CoordinationExtension(store.keyspace("etcd"));
            host.start(coordination);
            areas.add(coordination::deadlocks);
        }
        host.startFound(progress);
        boolean health = options.areas().contains("health");
        if (health) {
            areas.add(HealthExtension::new);
        }
        if (options.areas().contains("certificates")) {
            areas.add(CertificateExtension::new);
        }
        // Nodes that share an etcd are not connected with each other.
        GatewayOptions gateway = options.traffic()
                .gateway()
                .withLimitSecret(
                        options.external().used() ? null : KeySecret.of(authority.derive("gateway rate limits")));
        boolean everywhere =
                options.areas().contains("gateway") && options.traffic().everyNode();
        if (options.areas().contains("gateway") && !(everywhere && kept.leads() != null)) {
            areas.add(() -> new GatewayExtension(gateway));
        }
        BooleanSupplier leads = kept.leads();
        if (leads == null) {
            progress.accept("Starting areas");
            for (Supplier<Extension> area : areas) {
                host.start(area.get());
            }
        } else {
            List<Standby> standbys = new ArrayList<>();
            List<String> ofLeader = new ArrayList<>(options.areas());
            if (everywhere) {
                GatewayExtension here = new GatewayExtension(gateway, leads);
                progress.accept("Starting the gateway");
                host.start(here);
                standbys.add(new StatusDuty(here));
                ofLeader.remove("gateway");
            }
            standbys.add(new LeaderSigns(ofLeader, site, apiListener.routes(), apiServer::guarded, kept.leader()));
            List<String> prefixes = health ? new HealthExtension().publicPrefixes() : List.of();
            standbys.add(
                    nodes == null
                            ? new PublicSigns(publicListener.routes(), prefixes)
                            : new PublicRelay(nodes, publicListener, prefixes));
            LeaderDuties duties = new LeaderDuties(kernel, leads, apiServer, host, areas, standbys);
            duties.startFirst();
            var _ = kernel.root().start(ChildSpec.task("leadership", duties));
        }
        data.writeNode(NodeAddresses.describe(
                endpoints, options.name(), data, kernel.clock().now()));
        startupTime = Duration.ofNanos(kernel.clock().nanoTime() - startedNanos);
    }

    /**
     * Where resources are kept.
     *
     * @param own this node's own store; null when an etcd keeps them
     * @param leads whether this node does now what one of several does; null for one that is alone
     * @param leader the name of the node that does; empty when that is not known
     */
    private record Kept(
            Keyspace control, @Nullable Store own, @Nullable BooleanSupplier leads, Supplier<String> leader) {}

    private Kept own(Store store, @Nullable NodeCluster nodes) {
        Keyspace control = store.keyspace("control");
        return nodes == null
                ? new Kept(control, store, null, () -> "")
                : new Kept(control, store, () -> leads(store), nodes::leader);
    }

    private Kept external() throws StartException {
        EtcdOptions where = etcd().orElseThrow(() -> new StartException("--store: cannot be read", null));
        try {
            EtcdStore store = EtcdStore.start(kernel, kernel.root(), where, "control");
            EtcdCandidacy candidacy = store.stand(options.name());
            return new Kept(store.keyspace(), null, candidacy::leading, candidacy::leader);
        } catch (StartException e) {
            throw new StartException("--store: " + e.getMessage(), e);
        }
    }

    private Optional<EtcdOptions> etcd() {
        return options.external().options(new ArrayList<>());
    }

    private static boolean leads(Store store) {
        try {
            return store.log().leading();
        } catch (StoreException e) {
            return false;
        }
    }

    /** The listener for other nodes comes before the store, which asks them. */
    private Store startStore(InetAddress address, @Nullable NodeCluster nodes, Member.@Nullable Identity identity)
            throws StartException {
        StoreOptions alone = new StoreOptions(
                data.resolve("store"),
                options.name(),
                new InetSocketAddress(address, options.peerPort()),
                List.of(
                        new StoreOptions.KeyspaceOptions("control", KEYSPACE_QUOTA_BYTES),
                        new StoreOptions.KeyspaceOptions(
                                "etcd",
                                options.etcd().quotaBytes(),
                                options.etcd().retention(),
                                options.etcd().limits())));
        if (nodes == null) {
            return Store.start(kernel, kernel.root(), alone);
        }
        Supervisor peers = kernel.root().startSupervisor("peers", PATIENT);
        start(peers, nodes.listener(), "--peer-port", nodes.port());
        Store store = Store.start(kernel, kernel.root(), alone.inCluster(nodes.settings(), identity));
        nodes.use(store);
        var _ = kernel.root().start(ChildSpec.periodic("membership", MEMBERSHIP_BEAT, Duration.ZERO, () -> {
            if (nodes.removed()) {
                removed.complete(REMOVED.formatted(data.root()));
            }
        }));
        return store;
    }

    /** As long as it takes: whoever starts a node alone of three has to start another one. */
    private void awaitMajority(Store store, NodeCluster nodes, Consumer<String> progress) throws StartException {
        try {
            for (int round = 0; !store.serving(); round++) {
                if (round % MAJORITY_ROUNDS == 0) {
                    progress.accept("Waiting for a majority of the cluster");
                }
                if (nodes.removed()) {
                    throw new StartException(REMOVED.formatted(data.root()), null);
                }
                kernel.timers().sleep(MAJORITY_PAUSE);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartException("interrupted while waiting for a majority of the cluster", e);
        }
    }

    private ExtensionHost extensionHost(
            @Nullable Store store,
            ApiServer apiServer,
            HttpListener apiListener,
            HttpListener publicListener,
            ConsoleSite console,
            Distribution distributed,
            @Nullable Consensus consensus)
            throws StartException {
        return new ExtensionHost(
                kernel,
                kernel.root(),
                apiServer,
                new ExtensionHost.Surroundings(
                        apiServer.impersonating(apiListener.routes()),
                        publicListener.routes(),
                        console,
                        data.resolve("areas"),
                        distributed,
                        consensus,
                        store == null ? null : store.keyspace("etcd")));
    }

    private Extension console(Endpoints where, ApiServer apiServer) {
        Map<String, String> addresses = new LinkedHashMap<>();
        addresses.put("API", where.api());
        addresses.put("Store", where.etcd());
        addresses.put("Status pages", where.publicUrl());
        NodeCluster nodes = cluster;
        return new ConsoleExtension(
                new NodeInfo(options.name(), Version.CURRENT, addresses),
                nodes == null ? null : nodes::status,
                apiServer.history()::ask,
                apiServer::answer);
    }

    /** Starts a listener; a failure names the option that it comes from. */
    static void start(Supervisor listeners, ChildSpec spec, String option, int port) throws StartException {
        try {
            var unused = listeners.start(spec);
        } catch (StartException e) {
            throw new StartException(option + " " + port + ": " + StartupException.explain(e), e);
        }
    }

    static ListenerOptions listener(
            String name, InetAddress address, int port, @Nullable TlsSource tls, long maxBodyBytes) {
        return new ListenerOptions(name, new InetSocketAddress(address, port), tls, maxBodyBytes, MAX_CONNECTIONS);
    }

    private InetAddress address() throws IOException {
        try {
            return InetAddress.getByName(options.listen());
        } catch (UnknownHostException e) {
            throw new IOException(
                    "--listen: the host \"" + options.listen()
                            + "\" is unknown: expected an IP address of this machine",
                    e);
        }
    }

    private List<String> serverNames(InetAddress address) {
        List<String> names = new ArrayList<>(List.of("localhost", "127.0.0.1", "::1", options.name()));
        if (!address.isLoopbackAddress() && !address.isAnyLocalAddress()) {
            names.add(address.getHostAddress());
        }
        if (!options.listen().equals(address.getHostAddress()) && !names.contains(options.listen())) {
            names.add(options.listen());
        }
        NodeCluster nodes = cluster;
        if (nodes != null && !names.contains(nodes.host())) {
            names.add(nodes.host());
        }
        return List.copyOf(names);
    }

    /** Uses what a first user uses, so that a training run sees it. */
    public void warmUp() throws StartException, InterruptedException {
        for (ResourceClient.ServedType type : resources().types()) {
            if (type.verbs().contains("list")) {
                ObjectNode unused = resources().table(type.type(), ResourceClient.Query.ALL);
            }
        }
        CertificateAuthority.KeyPairPem shown = started(authority).client("warm-up", List.of(), Duration.ofHours(1));
        long _ = WarmUp.run(
                kernel,
                kernel.root(),
                new TlsConfig(List.of(new TlsConfig.Certificate(shown.certificatePem(), shown.keyPem())), null),
                GATEWAY_WARM_UP);
    }

    public Kernel kernel() {
        return kernel;
    }

    public Endpoints endpoints() {
        return started(endpoints);
    }

    /** The administrator's bearer token. */
    public String token() {
        return started(token);
    }

    /** The resource API, as the administrator. */
    public ResourceClient resources() {
        return started(resources);
    }

    /** From the first step to serving. */
    public Duration startupTime() {
        return startupTime;
    }

    /** Ends when the supervision tree does; abnormally when it gave up. */
    public CompletableFuture<ExitReason> terminated() {
        return kernel.terminated();
    }

    /** Completed with what to tell the user when this node was removed from its cluster, and has nothing to do any more. */
    public CompletableFuture<String> removed() {
        return removed;
    }

    private static <T> T started(@Nullable T part) {
        if (part == null) {
            throw new IllegalStateException("the server has not started");
        }
        return part;
    }

    /** Runs after everything stopped. */
    public synchronized void onClosed(Runnable action) {
        closeActions.add(action);
    }

    /** Stops the tree in reverse start order. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (extensions != null) {
            extensions.stop();
        }
        kernel.close();
        data.close();
        closeActions.forEach(Runnable::run);
    }
}
