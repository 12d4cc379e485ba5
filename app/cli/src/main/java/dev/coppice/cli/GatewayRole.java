package dev.coppice.cli;

import dev.coppice.server.GatewayServer;
import dev.coppice.server.GatewayServerOptions;
import dev.coppice.server.StartupException;
import dev.coppice.server.TrafficOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** {@code coppice up --roles gateway}: the gateway in a process of its own. */
final class GatewayRole {
    private static final String ROLES = "--roles";
    private static final Set<String> OWN =
            Set.of("--kubeconfig", "--context", "--lease-namespace", "--metrics-port", "--print-role");
    private static final Set<String> SHARED = Set.of(
            ROLES,
            "--data",
            "--listen",
            "--gateway-addresses",
            "--gateway-zone",
            "--gateway-geography",
            "--gateway-files",
            "--gateway-cache-bytes",
            "--service-cluster-ip-range",
            "--quiet",
            "--json",
            "--help");

    @Option(
            names = ROLES,
            paramLabel = "ROLE",
            description = "gateway: this process is the gateway alone, for the resources of the API that --kubeconfig"
                    + " names (default: a whole node).")
    private @Nullable String roles;

    @Option(
            names = "--kubeconfig",
            paramLabel = "FILE",
            description = "With --roles gateway: the API and the user (default: $KUBECONFIG, the Pod's service account,"
                    + " ~/.kube/config).")
    private @Nullable Path kubeconfig;

    @Option(
            names = "--context",
            paramLabel = "NAME",
            description = "With --roles gateway: of the kubeconfig (default: the current one).")
    private @Nullable String context;

    @Option(
            names = "--lease-namespace",
            paramLabel = "NAME",
            description = "With --roles gateway: where its Lease is (default: the namespace of the context).")
    private @Nullable String leaseNamespace;

    @Option(
            names = "--metrics-port",
            paramLabel = "PORT",
            description =
                    "With --roles gateway: /metrics, /healthz, /livez, /readyz (default: ${DEFAULT-VALUE}; 0 picks"
                            + " a free port).")
    private int metricsPort = GatewayServerOptions.DEFAULT_METRICS_PORT;

    @Option(
            names = "--print-role",
            description = "With --roles gateway: print the ClusterRole that it needs, as YAML, and end.")
    private boolean printRole;

    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec command;

    boolean asked() {
        return roles != null;
    }

    /** What was given beside it and does not go with it, or goes with nothing else. */
    List<String> problems() {
        List<String> problems = new ArrayList<>();
        CommandSpec parsed = Objects.requireNonNull(command, "set by picocli before anything runs");
        ParseResult given = parsed.commandLine().getParseResult();
        if (asked() && !"gateway".equals(roles)) {
            problems.add("--roles: \"" + roles
                    + "\": expected gateway, or no --roles for a whole node (--areas says what" + " runs on that)");
        }
        for (OptionSpec each : given.matchedOptions()) {
            String name = each.longestName();
            if (!asked() && OWN.contains(name)) {
                problems.add(name + " goes with --roles gateway: leave it out, or give that, too");
            } else if (asked() && !OWN.contains(name) && !SHARED.contains(name)) {
                problems.add(name + " is for a whole node: leave it out with --roles gateway");
            }
        }
        if (asked() && !given.matchedPositionals().isEmpty()) {
            problems.add("FOLDER: a gateway applies no manifests: apply them to the API (kubectl apply -f)");
        }
        return problems;
    }

    int run(DataOption data, String listen, TrafficOptions traffic, StatusLines status) {
        GatewayServerOptions options = new GatewayServerOptions(
                data.path(".coppice-gateway"), kubeconfig, context, leaseNamespace, listen, metricsPort, traffic);
        List<String> problems = options.problems();
        if (!problems.isEmpty()) {
            return status.failed(problems);
        }
        if (printRole) {
            System.out.print(GatewayServer.role());
            return 0;
        }
        try (GatewayServer server = GatewayServer.start(
                options,
                status::progress,
                words -> status.tell(StatusLines.event("gateway").put("state", words), "The gateway " + words + "."))) {
            StopSignal stop = StopSignal.install(server);
            announce(server, status);
            return stop.await();
        } catch (StartupException e) {
            return status.failed(e.errors());
        }
    }

    private static void announce(GatewayServer server, StatusLines status) {
        status.tell(
                StatusLines.event("ready").put("metrics", server.metricsUrl()),
                "  Metrics  " + server.metricsUrl() + "/metrics",
                "  Health   " + server.metricsUrl() + "/readyz",
                "Ctrl-C stops.");
    }
}
