package dev.coppice.server;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How areas run as operators in a Kubernetes cluster.
 *
 * @param data where the areas keep what is theirs
 * @param kubeconfig null for that of the environment
 * @param context null for the current one
 * @param areas by name; empty for all that can
 * @param namespaces whose objects are looked after; empty for all
 * @param leaseNamespace null for that of the context
 * @param leaseSeconds how long others wait before they take over from one that is gone
 * @param listen address of both ports
 * @param metricsPort metrics and health; 0 for a free one
 * @param publicPort what the areas serve without login; 0 for a free one
 */
public record OperatorOptions(
        Path data,
        @Nullable Path kubeconfig,
        @Nullable String context,
        List<String> areas,
        List<String> namespaces,
        @Nullable String leaseNamespace,
        int leaseSeconds,
        String listen,
        int metricsPort,
        int publicPort) {
    public static final int DEFAULT_METRICS_PORT = 7481;
    public static final int DEFAULT_LEASE_SECONDS = 15;
    static final String NAME = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";
    private static final int MOST_NAMESPACES = 100;

    public OperatorOptions {
        areas = List.copyOf(areas);
        namespaces = List.copyOf(namespaces);
    }

    /** All that is wrong with them, in words for people. */
    public List<String> problems() {
        List<String> problems = new ArrayList<>();
        for (String area : areas) {
            if (!OperatedAreas.names().contains(area)) {
                problems.add("--areas: \"" + area + "\" cannot run as an operator: expected some of "
                        + String.join(", ", OperatedAreas.names()) + " (other areas live in a node: coppice up)");
            }
        }
        namespaces.stream()
                .filter(each -> !each.matches(NAME))
                .forEach(
                        each -> problems.add("--namespace: \"" + each + "\" is not the name of a namespace: expected up"
                                + " to 63 lower case letters, digits and '-'"));
        if (new HashSet<>(namespaces).size() != namespaces.size()) {
            problems.add("--namespace: one is named twice in " + String.join(", ", namespaces));
        }
        if (namespaces.size() > MOST_NAMESPACES) {
            problems.add("--namespace: " + namespaces.size() + " namespaces: expected at most " + MOST_NAMESPACES
                    + "; without --namespace all are looked after");
        }
        if (leaseNamespace != null && !leaseNamespace.matches(NAME)) {
            problems.add("--lease-namespace: \"" + leaseNamespace + "\" is not the name of a namespace");
        }
        if (leaseSeconds < 3 || leaseSeconds > 3_600) {
            problems.add("--lease-seconds: " + leaseSeconds + ": expected 3 to 3600");
        }
        port(problems, "--metrics-port", metricsPort);
        port(problems, "--public-port", publicPort);
        if (metricsPort == publicPort && metricsPort != 0) {
            problems.add("--metrics-port and --public-port are both " + metricsPort + ": give each a port of its own");
        }
        if (listen.isBlank()) {
            problems.add("--listen: expected an IP address or host name, such as " + ServerOptions.DEFAULT_LISTEN);
        }
        return problems;
    }

    static void port(List<String> problems, String option, int port) {
        if (port < 0 || port > 65_535) {
            problems.add(option + ": " + port + " is not a port: expected 1 to 65535, or 0 for a free one");
        }
    }
}
