package dev.coppice.server;

import dev.coppice.control.runtime.ExtensionHost;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.ExitReason;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.operator.ClusterAccess;
import dev.coppice.operator.ClusterConnection;
import dev.coppice.operator.InvalidKubeconfigException;
import dev.coppice.serving.ConsoleSite;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.HttpListener;
import dev.coppice.serving.Identity;
import dev.coppice.serving.ListenerOptions;
import dev.coppice.serving.MetricsHandler;
import dev.coppice.serving.Routes;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Areas as operators in a Kubernetes cluster: no store and no API of its own.
 *
 * <pre>
 *   /cluster     requests to the cluster
 *   /listeners   metrics and health; what areas serve without login
 *   /areas       for each: its election, and below that, while it leads, the area
 * </pre>
 *
 * Safe for use by many threads.
 */
public final class OperatorServer implements AutoCloseable {
    private static final Duration LOOK = Duration.ofMillis(200);
    private static final int MAX_CONNECTIONS = 1_000;
    private static final SupervisorOptions PATIENT =
            SupervisorOptions.DEFAULT.withIntensity(10, Duration.ofSeconds(60));

    private final OperatorOptions options;
    private final DataDirectory data;
    private final BiConsumer<String, String> news;
    private final Kernel kernel = Kernel.start();
    private final List<Runnable> closeActions = new ArrayList<>();
    private final List<OperatedArea> areas = new ArrayList<>();
    private final Map<String, String> told = new HashMap<>();
    private @Nullable ClusterConnection connection;
    private @Nullable HttpListener metrics;
    private @Nullable HttpListener open;
    private String identity = "";
    private boolean closed;

    private OperatorServer(OperatorOptions options, DataDirectory data, BiConsumer<String, String> news) {
        this.options = options;
        this.data = data;
        this.news = news;
    }

    /**
     * Checks what it needs in the cluster, and begins to contend for the Leases.
     *
     * @param progress told what happens, in words for people
     * @param news told an area and what has become of it
     * @throws StartupException with all that is missing; nothing is left running then
     */
    public static OperatorServer start(
            OperatorOptions options, Consumer<String> progress, BiConsumer<String, String> news)
            throws StartupException {
        ClusterAccess access;
        try {
            access = ClusterAccess.find(options.kubeconfig(), options.context(), System.getenv());
        } catch (InvalidKubeconfigException e) {
            throw new StartupException(e.problems(), e);
        }
        OperatorServer server = new OperatorServer(options, DataDirectory.open(options.data()), news);
        try {
            server.startParts(access, progress);
            return server;
        } catch (StartupException e) {
            server.close();
            throw e;
        } catch (StartException | IOException | RuntimeException e) {
            server.close();
            throw StartupException.of(e);
        }
    }

    private void startParts(ClusterAccess access, Consumer<String> progress)
            throws StartException, StartupException, IOException {
        progress.accept("Cluster " + access.server() + " (" + access.origin() + ")");
        List<String> names = options.areas().isEmpty() ? OperatedAreas.names() : options.areas();
        Supervisor cluster = kernel.root().startSupervisor("cluster", PATIENT);
        ClusterConnection connected = new ClusterConnection(kernel, cluster, access);
        connection = connected;
        String leases = options.leaseNamespace() == null ? access.namespace() : options.leaseNamespace();
        // All that is missing is told together, before anything is written.
        new ClusterCheck(connected, access, "coppice operator --print-role")
                .ask(OperatedAreas.permissions(names), options.namespaces(), leases)
                .orThrow();

        InetAddress address = address(options.listen());
        Supervisor listeners = kernel.root().startSupervisor("listeners", PATIENT);
        HttpListener inner = listener(kernel, listeners, "metrics", address, options.metricsPort(), "--metrics-port");
        HttpListener outer = listener(kernel, listeners, "public", address, options.publicPort(), "--public-port");
        metrics = inner;
        open = outer;
        identity = identity(kernel);
        Routes unserved = (prefix, handler) -> () -> {};
        ExtensionHost.Surroundings surroundings = new ExtensionHost.Surroundings(
                unserved,
                outer.routes(),
                new ConsoleSite(kernel, exchange -> Identity.ANONYMOUS, "Coppice", Version.CURRENT),
                data.resolve("areas"));
        Supervisor operated = kernel.root().startSupervisor("areas", PATIENT);
        OperatedArea.Lease lease = OperatedArea.Lease.of(leases, identity, options.leaseSeconds());
        for (String name : names) {
            areas.add(new OperatedArea(kernel, operated, name, connected, options, lease, surroundings));
        }
        serve(inner);
        Supervisor.Child _ = kernel.root().start(ChildSpec.periodic("news", LOOK, Duration.ZERO, this::look));
    }

    static HttpListener listener(
            Kernel kernel, Supervisor supervisor, String name, InetAddress address, int port, String option)
            throws StartException {
        HttpListener listener = new HttpListener(
                kernel,
                new ListenerOptions(name, new InetSocketAddress(address, port), null, 64 << 10, MAX_CONNECTIONS),
                null);
        Server.start(supervisor, ChildSpec.service(name, () -> listener), option, port);
        return listener;
    }

    static InetAddress address(String listen) throws IOException {
        try {
            return InetAddress.getByName(listen);
        } catch (UnknownHostException e) {
            throw new IOException(
                    "--listen: the host \"" + listen + "\" is unknown: expected an IP address of this machine", e);
        }
    }

    // Health and news.

    private void serve(HttpListener listener) {
        Routes routes = listener.routes();
        Routes.Mount _ = routes.mount("/metrics", new MetricsHandler(kernel.metrics()));
        Routes.Mount _ = routes.mount("/livez", exchange -> answer(exchange, true));
        Routes.Mount _ = routes.mount("/healthz", exchange -> answer(exchange, true));
        Routes.Mount _ = routes.mount(
                "/readyz", exchange -> answer(exchange, areas.stream().allMatch(OperatedArea::ready)));
    }

    private void answer(Exchange exchange, boolean well) throws IOException {
        String each = areas.stream()
                .map(area -> area.name() + " " + area.state().words() + "\n")
                .collect(Collectors.joining());
        exchange.status(well ? 200 : 503).send("text/plain; charset=utf-8", (well ? "ok\n" : "not ready\n") + each);
    }

    private void look() {
        for (OperatedArea area : areas) {
            String words = area.state().words();
            if (!words.equals(told.put(area.name(), words))) {
                news.accept(area.name(), words);
            }
        }
    }

    /** Where metrics and health are. */
    public String metricsUrl() {
        return url(metrics);
    }

    /** Where the areas serve what needs no login. */
    public String publicUrl() {
        return url(open);
    }

    private String url(@Nullable HttpListener listener) {
        if (listener == null) {
            throw new IllegalStateException("the operator has not started");
        }
        InetSocketAddress address = listener.address().orElseThrow();
        return "http://" + options.listen() + ":" + address.getPort();
    }

    /** A name in Leases that no other process has. */
    static String identity(Kernel kernel) {
        return System.getenv().getOrDefault("HOSTNAME", "coppice") + "_" + kernel.uuid();
    }

    /** Its name in Leases. */
    public String identity() {
        return identity;
    }

    /** Ends when the supervision tree does; abnormally when it gave up. */
    public CompletableFuture<ExitReason> terminated() {
        return kernel.terminated();
    }

    /** Runs after everything stopped. */
    public synchronized void onClosed(Runnable action) {
        closeActions.add(action);
    }

    /** Stops the areas, gives their Leases back, then stops the rest. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        kernel.close();
        if (connection != null) {
            connection.close();
        }
        data.close();
        closeActions.forEach(Runnable::run);
    }
}
