package dev.coppice.server;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How the gateway runs in a process of its own.
 *
 * @param data where it keeps what it serves
 * @param kubeconfig whose API has the resources; null for that of the environment
 * @param context null for the current one
 * @param leaseNamespace where its Lease is; null for the namespace of the context
 * @param listen address of metrics and health
 * @param metricsPort metrics and health; 0 for a free one
 * @param traffic what is chosen for its traffic
 */
public record GatewayServerOptions(
        Path data,
        @Nullable Path kubeconfig,
        @Nullable String context,
        @Nullable String leaseNamespace,
        String listen,
        int metricsPort,
        TrafficOptions traffic) {
    public static final int DEFAULT_METRICS_PORT = 7482;

    /** All that is wrong with them, in words for people. */
    public List<String> problems() {
        List<String> problems = new ArrayList<>(traffic.problems());
        if (leaseNamespace != null && !leaseNamespace.matches(OperatorOptions.NAME)) {
            problems.add("--lease-namespace: \"" + leaseNamespace + "\" is not the name of a namespace");
        }
        OperatorOptions.port(problems, "--metrics-port", metricsPort);
        if (listen.isBlank()) {
            problems.add("--listen: expected an IP address or host name, such as " + ServerOptions.DEFAULT_LISTEN);
        }
        return problems;
    }
}
