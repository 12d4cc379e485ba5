package dev.coppice.server;

import dev.coppice.control.Permission;
import dev.coppice.control.runtime.Backoff;
import dev.coppice.control.runtime.ExtensionHost;
import dev.coppice.control.runtime.LeaderElection;
import dev.coppice.gateway.DataPlane;
import dev.coppice.gateway.GatewayExtension;
import dev.coppice.gateway.GatewayOptions;
import dev.coppice.gateway.Traffic;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.ExitReason;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.OldGeneration;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.operator.ClusterAccess;
import dev.coppice.operator.ClusterBackend;
import dev.coppice.operator.ClusterConnection;
import dev.coppice.operator.ClusterResourceClient;
import dev.coppice.operator.InvalidKubeconfigException;
import dev.coppice.operator.OperatorRole;
import dev.coppice.serving.ConsoleSite;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.HttpListener;
import dev.coppice.serving.Identity;
import dev.coppice.serving.MetricsHandler;
import dev.coppice.serving.Routes;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The gateway in a process of its own: it serves what it served last from its first moment, and follows the resources of an API elsewhere while
 * that answers. Of several such processes all serve; the one that holds the Lease writes the statuses.
 *
 * <pre>
 *   /traffic     the data plane
 *   /cluster     requests to the API
 *   /listeners   metrics and health
 *   /gateway     the election, and what follows the resources
 * </pre>
 *
 * Safe for use by many threads.
 */
public final class GatewayServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(GatewayServer.class.getName());
    private static final String LEASE = "coppice-gateway";
    private static final Duration LOOK = Duration.ofMillis(200);
    /** As long as requests that are under way may take at the end. */
    private static final Duration DRAIN = Duration.ofSeconds(10);

    private static final Duration STOP_LIMIT = Duration.ofSeconds(20);
    private static final SupervisorOptions PATIENT =
            SupervisorOptions.DEFAULT.withIntensity(10, Duration.ofSeconds(60));
    private static final SupervisorOptions TRAFFIC =
            SupervisorOptions.DEFAULT.withIntensity(1000, Duration.ofSeconds(10));

    private final GatewayServerOptions options;
    private final DataDirectory data;
    private final Consumer<String> news;
    private final Kernel kernel = Kernel.start();
    private final List<Runnable> closeActions = new ArrayList<>();
    private @Nullable Traffic traffic;
    private @Nullable ClusterConnection connection;
    private @Nullable LeaderElection election;
    private @Nullable HttpListener metrics;
    private volatile @Nullable GatewayExtension following;
    private volatile String state = "waits for the API";
    private String told = "";
    private boolean closed;

    private GatewayServer(GatewayServerOptions options, DataDirectory data, Consumer<String> news) {
        this.options = options;
        this.data = data;
        this.news = news;
    }

    /**
     * Serves what was served last, and begins to follow the resources. An API that does not answer is waited for, however long; one that
     * refuses this process is, too, if there is something to serve meanwhile.
     *
     * @param progress told what happens until it has started, in words for people
     * @param news told how it goes on
     * @throws StartupException with all that is wrong; nothing is left running then
     */
    public static GatewayServer start(GatewayServerOptions options, Consumer<String> progress, Consumer<String> news)
            throws StartupException {
        ClusterAccess access;
        try {
            access = ClusterAccess.find(options.kubeconfig(), options.context(), System.getenv());
        } catch (InvalidKubeconfigException e) {
            throw new StartupException(e.problems(), e);
        }
        GatewayServer server = new GatewayServer(options, DataDirectory.open(options.data()), news);
        try {
            server.startParts(access, progress);
            return server;
        } catch (StartupException e) {
            server.close();
            throw e;
        } catch (Exception e) {
            server.close();
            throw StartupException.of(e);
        }
    }

    /** The ClusterRole that it needs, as YAML. */
    public static String role() {
        List<Permission> all = permissions();
        all.addAll(OperatorRole.election());
        return OperatorRole.yaml(LEASE, all);
    }

    private static List<Permission> permissions() {
        List<Permission> all = new ArrayList<>(OperatorRole.common());
        all.addAll(new GatewayExtension(GatewayOptions.DEFAULT).permissions());
        return all;
    }

    private void startParts(ClusterAccess access, Consumer<String> progress) throws Exception {
        var _ = kernel.root()
                .start(ChildSpec.task("old-generation", new OldGeneration(kernel))
                        .withRestart(ChildSpec.Restart.TRANSIENT));
        Path directory = data.resolve("areas").resolve("gateway");
        Files.createDirectories(directory);
        Traffic opened = Traffic.open(
                kernel,
                kernel.root().startSupervisor("traffic", TRAFFIC),
                directory,
                options.traffic().gateway());
        traffic = opened;
        boolean serves = !opened.served().listeners().isEmpty();
        if (serves) {
            progress.accept("The gateway " + served() + ", as before");
        }
        progress.accept("API " + access.server() + " (" + access.origin() + ")");
        ClusterConnection connected =
                new ClusterConnection(kernel, kernel.root().startSupervisor("cluster", PATIENT), access);
        connection = connected;
        String leases = options.leaseNamespace() == null ? access.namespace() : options.leaseNamespace();
        ClusterCheck check = new ClusterCheck(connected, access, "coppice up --roles gateway --print-role");
        ClusterCheck.Outcome first = check.ask(permissions(), List.of(), leases);
        if (!serves && !first.away()) {
            first.orThrow();
        }

        InetAddress address = OperatorServer.address(options.listen());
        metrics = OperatorServer.listener(
                kernel,
                kernel.root().startSupervisor("listeners", PATIENT),
                "metrics",
                address,
                options.metricsPort(),
                "--metrics-port");
        Supervisor supervisor = kernel.root().startSupervisor("gateway", PATIENT);
        OperatedArea.Lease lease =
                OperatedArea.Lease.of(leases, OperatorServer.identity(kernel), OperatorOptions.DEFAULT_LEASE_SECONDS);
        LeaderElection elected = new LeaderElection(
                kernel,
                new ClusterResourceClient(
                        connected, LEASE, lease.timing().renewDeadline().dividedBy(2)),
                lease.namespace(),
                LEASE,
                lease.identity(),
                lease.timing(),
                supervisor,
                List.of(ChildSpec.task("statuses", this::tellAll)));
        election = elected;
        ExtensionHost host = new ExtensionHost(
                kernel, supervisor, new ClusterBackend(connected, List.of(), _ -> true, () -> true), surroundings());
        var _ = supervisor.start(ChildSpec.task("election", elected).withShutdown(STOP_LIMIT));
        var _ = supervisor.start(ChildSpec.task("following", () -> follow(check, leases, host, opened, elected))
                .withShutdown(STOP_LIMIT));
        serve(metrics.routes());
        var _ = kernel.root().start(ChildSpec.periodic("news", LOOK, Duration.ZERO, this::look));
    }

    private ExtensionHost.Surroundings surroundings() {
        Routes unserved = (_, _) -> () -> {};
        return new ExtensionHost.Surroundings(
                unserved,
                unserved,
                new ConsoleSite(kernel, _ -> Identity.ANONYMOUS, "Coppice", Version.CURRENT),
                data.resolve("areas"));
    }

    /** Runs for ever. What fails is tried again, with back-off; the traffic goes on meanwhile. */
    private void follow(ClusterCheck check, String leases, ExtensionHost host, Traffic served, LeaderElection elected)
            throws InterruptedException {
        int failures = 0;
        try {
            while (true) {
                String problem = String.join(
                        "; ", check.ask(permissions(), List.of(), leases).problems());
                if (problem.isEmpty()) {
                    try {
                        GatewayExtension area =
                                new GatewayExtension(options.traffic().gateway(), served, elected::holds);
                        host.start(area);
                        following = area;
                        state = "follows the API";
                        area.tellAll();
                        new CountDownLatch(1).await();
                    } catch (StartException e) {
                        problem = e.getMessage() == null ? e.toString() : e.getMessage();
                    }
                }
                failures++;
                state = "waits for the API: " + problem;
                LOG.log(
                        Level.WARNING,
                        "the gateway serves on as before, and tries again to follow the API: " + problem);
                kernel.timers().sleep(Backoff.WATCHES.after(failures, kernel.random()));
            }
        } finally {
            following = null;
            state = "waits for the API";
            host.stop("gateway");
        }
    }

    /** Runs while this process holds the Lease. */
    private void tellAll() throws InterruptedException {
        GatewayExtension area = following;
        if (area != null) {
            area.tellAll();
        }
        new CountDownLatch(1).await();
    }

    private void serve(Routes routes) {
        Routes.Mount _ = routes.mount("/metrics", new MetricsHandler(kernel.metrics()));
        Routes.Mount _ = routes.mount("/livez", exchange -> answer(exchange, true));
        Routes.Mount _ = routes.mount("/healthz", exchange -> answer(exchange, true));
        Routes.Mount _ = routes.mount("/readyz", exchange -> answer(exchange, following != null || listeners() > 0));
    }

    private void answer(Exchange exchange, boolean well) throws IOException {
        exchange.status(well ? 200 : 503)
                .send("text/plain; charset=utf-8", (well ? "ok\n" : "not ready\n") + words() + "\n");
    }

    /** Those whose address could be bound. */
    private int listeners() {
        Traffic opened = traffic;
        if (opened == null) {
            return 0;
        }
        Set<DataPlane.Binding> unbound = opened.unbound();
        return (int) opened.served().listeners().stream()
                .filter(each -> !unbound.contains(DataPlane.Binding.of(each)))
                .count();
    }

    private String served() {
        int count = listeners();
        return "serves " + count + (count == 1 ? " listener" : " listeners");
    }

    private String words() {
        LeaderElection elected = election;
        String statuses = elected == null || following == null
                ? ""
                : elected.leading()
                        ? "; writes statuses"
                        : "; statuses are written by " + (elected.holder().isEmpty() ? "nobody yet" : elected.holder());
        String away = elected == null || following == null || elected.inTouch() ? "" : ", which does not answer";
        return served() + "; " + state + away + statuses;
    }

    private void look() {
        String now = words();
        if (!now.equals(told)) {
            told = now;
            news.accept(now);
        }
    }

    /** Where metrics and health are. */
    public String metricsUrl() {
        HttpListener listener = metrics;
        if (listener == null) {
            throw new IllegalStateException("the gateway has not started");
        }
        InetSocketAddress address = listener.address().orElseThrow();
        return "http://" + options.listen() + ":" + address.getPort();
    }

    /** Ends when the supervision tree does; abnormally when it gave up. */
    public CompletableFuture<ExitReason> terminated() {
        return kernel.terminated();
    }

    /** Runs after everything stopped. */
    public synchronized void onClosed(Runnable action) {
        closeActions.add(action);
    }

    /** Gives the Lease back, lets requests that are under way end, and stops the rest. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        boolean _ = kernel.root().stop("gateway");
        try {
            if (traffic != null) {
                traffic.drain(DRAIN);
            }
        } catch (InterruptedException e) {
            // Whoever waits for the end has waited long enough.
            Thread.currentThread().interrupt();
        }
        kernel.close();
        if (traffic != null) {
            traffic.close();
        }
        if (connection != null) {
            connection.close();
        }
        data.close();
        closeActions.forEach(Runnable::run);
    }
}
