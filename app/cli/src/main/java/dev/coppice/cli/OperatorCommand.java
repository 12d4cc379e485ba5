package dev.coppice.cli;

import dev.coppice.server.OperatedAreas;
import dev.coppice.server.OperatorOptions;
import dev.coppice.server.OperatorServer;
import dev.coppice.server.ServerOptions;
import dev.coppice.server.StartupException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code coppice operator}: runs areas as operators in a Kubernetes cluster. */
@Command(
        name = "operator",
        description = "Run areas as operators in a Kubernetes cluster: their kinds are installed there, and reconciled"
                + " by whoever holds the area's Lease.",
        sortOptions = false,
        footer = {"", "Example: coppice operator --kubeconfig ~/.kube/config --areas health"})
final class OperatorCommand implements Callable<Integer> {
    @Option(
            names = "--kubeconfig",
            paramLabel = "FILE",
            description = "The cluster and the user (default: $KUBECONFIG, the Pod's service account, ~/.kube/config).")
    private @Nullable Path kubeconfig;

    @Option(names = "--context", paramLabel = "NAME", description = "Of the kubeconfig (default: the current one).")
    private @Nullable String context;

    @Option(
            names = "--areas",
            paramLabel = "AREA,…",
            split = ",",
            description = "What to run (default: all that can run in a cluster).")
    private List<String> areas = List.of();

    @Option(
            names = {"-n", "--namespace"},
            paramLabel = "NAME,…",
            split = ",",
            description = "Look after these namespaces only (default: all).")
    private List<String> namespaces = List.of();

    @Option(
            names = "--lease-namespace",
            paramLabel = "NAME",
            description = "Where the Leases are (default: the namespace of the context).")
    private @Nullable String leaseNamespace;

    @Option(
            names = "--lease-seconds",
            paramLabel = "SECONDS",
            description = "After how long without renewal another one takes over (default: ${DEFAULT-VALUE}).")
    private int leaseSeconds = OperatorOptions.DEFAULT_LEASE_SECONDS;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description = "Where the areas keep what is theirs (default: ~/.coppice-operator).")
    private Path data = Path.of(System.getProperty("user.home"), ".coppice-operator");

    @Option(names = "--listen", paramLabel = "ADDR", description = "Address of both ports (default: ${DEFAULT-VALUE}).")
    private String listen = ServerOptions.DEFAULT_LISTEN;

    @Option(
            names = "--metrics-port",
            paramLabel = "PORT",
            description = "/metrics, /healthz, /livez, /readyz (default: ${DEFAULT-VALUE}; 0 picks a free port).")
    private int metricsPort = OperatorOptions.DEFAULT_METRICS_PORT;

    @Option(
            names = "--public-port",
            paramLabel = "PORT",
            description = "Status pages and heartbeats, without login (default: ${DEFAULT-VALUE}).")
    private int publicPort = ServerOptions.DEFAULT_PUBLIC_PORT;

    @Option(
            names = "--print-role",
            description =
                    "Print the ClusterRole that it needs, as YAML, and end; with --namespace, two: one to bind for"
                            + " the cluster, one in each namespace.")
    private boolean printRole;

    @Mixin
    private final StatusLines status = new StatusLines();

    @Override
    public Integer call() throws Exception {
        OperatorOptions options = new OperatorOptions(
                data.toAbsolutePath().normalize(),
                kubeconfig,
                context,
                areas,
                namespaces,
                leaseNamespace,
                leaseSeconds,
                listen,
                metricsPort,
                publicPort);
        List<String> problems = options.problems();
        if (!problems.isEmpty()) {
            return status.failed(problems);
        }
        if (printRole) {
            System.out.print(OperatedAreas.role(areas, !namespaces.isEmpty()));
            return 0;
        }
        try (OperatorServer server = OperatorServer.start(options, status::progress, this::news)) {
            StopSignal stop = StopSignal.install(server);
            announce(server);
            return stop.await();
        } catch (StartupException e) {
            return status.failed(e.errors());
        }
    }

    private void news(String area, String words) {
        status.tell(
                StatusLines.event("area").put("area", area).put("state", words), "Area " + area + " " + words + ".");
    }

    private void announce(OperatorServer server) {
        status.tell(
                StatusLines.event("ready")
                        .put("identity", server.identity())
                        .put("metrics", server.metricsUrl())
                        .put("public", server.publicUrl()),
                "The operator runs as " + server.identity() + ".",
                "  Metrics      " + server.metricsUrl() + "/metrics",
                "  Health       " + server.metricsUrl() + "/readyz",
                "  Status pages " + server.publicUrl(),
                "Ctrl-C stops.");
    }
}
