package dev.coppice.server;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How a node takes part in a cluster when it starts for the first time; later it knows by itself.
 *
 * @param members those who begin the cluster, {@code NAME=HOST:PORT,…}; null when it joins one or is alone
 * @param keysFile the keys that those who begin a cluster of several share, made by {@code coppice cluster keys}
 * @param join a node of the cluster to join, {@code HOST:PORT} of its peer port
 * @param joinToken made by {@code coppice cluster token}
 * @param learner whether a node that joins copies only, and gets no vote
 * @param advertise where others reach the peer port of a node that joins, {@code HOST} or {@code HOST:PORT}; by default the
 *     address that it listens on
 * @param discover how a node finds the others, instead of by the members of the store, see {@link
 *     dev.coppice.distribution.membership.Strategies}
 * @param peers how it speaks with the others, at this start and not only at the first
 */
public record ClusterOptions(
        @Nullable String members,
        @Nullable Path keysFile,
        @Nullable String join,
        @Nullable String joinToken,
        boolean learner,
        @Nullable String advertise,
        @Nullable String discover,
        PeerOptions peers) {

    public static final ClusterOptions NONE =
            new ClusterOptions(null, null, null, null, false, null, null, PeerOptions.DEFAULT);

    boolean asked() {
        return members != null || join != null;
    }

    void check(List<String> problems, String name) {
        peers.check(problems);
        if (members != null && join != null) {
            problems.add(
                    "--cluster and --join exclude each other: give --cluster to those who begin a cluster, --join to"
                            + " those who come later");
        }
        if (join != null && address(join).isEmpty()) {
            problems.add("--join: \"" + join + "\" is no address: expected HOST:PORT of the peer port of a node");
        }
        if (join != null && joinToken == null) {
            problems.add("--join-token: missing: make one with `coppice cluster token` on a node of the cluster");
        }
        if (join == null && joinToken != null) {
            problems.add("--join-token: goes with --join HOST:PORT, the node that made it");
        }
        if (discover != null) {
            try {
                var unused = dev.coppice.distribution.membership.Strategies.parse(
                        discover, dev.coppice.kernel.Clock.system(), name, InetSocketAddress.createUnresolved(name, 1));
            } catch (IllegalArgumentException e) {
                problems.add("--discover: " + e.getMessage());
            }
        }
        if (members != null) {
            List<String> wrong = new ArrayList<>();
            Map<String, InetSocketAddress> parsed = parse(members, wrong);
            problems.addAll(wrong);
            if (wrong.isEmpty() && !parsed.containsKey(name)) {
                problems.add("--cluster: \"" + members + "\" does not name this node, \"" + name
                        + "\": expected one entry for each node, and --name one of them");
            }
            if (wrong.isEmpty() && parsed.size() > 1 && keysFile == null) {
                problems.add(
                        "--cluster-keys: missing: nodes that begin a cluster together share keys; make them once with"
                                + " `coppice cluster keys FILE` and give each node a copy");
            }
        }
    }

    private static Map<String, InetSocketAddress> parse(String text, List<String> wrong) {
        Map<String, InetSocketAddress> found = new LinkedHashMap<>();
        for (String each : text.split(",")) {
            int equals = each.indexOf('=');
            Optional<InetSocketAddress> address = equals < 1
                    ? Optional.empty()
                    : address(each.substring(equals + 1).trim());
            if (address.isEmpty()) {
                wrong.add("--cluster: \"" + each.trim() + "\" is no member: expected NAME=HOST:PORT");
            } else if (found.putIfAbsent(each.substring(0, equals).trim(), address.get()) != null) {
                wrong.add("--cluster: the name \"" + each.substring(0, equals).trim() + "\" is given twice");
            }
        }
        if (found.values().stream().distinct().count() < found.size()) {
            wrong.add("--cluster: two members have the same address: \"" + text + "\"");
        }
        return found;
    }

    /** Those who begin the cluster, by name. */
    Map<String, InetSocketAddress> founders() {
        return members == null ? Map.of() : parse(members, new ArrayList<>());
    }

    /** {@code HOST:PORT}, the host unresolved; {@code [ADDRESS]:PORT} for IPv6. */
    static Optional<InetSocketAddress> address(String text) {
        int colon = text.lastIndexOf(':');
        if (colon < 1 || colon == text.length() - 1) {
            return Optional.empty();
        }
        String host = text.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        } else if (host.indexOf(':') >= 0 || !host.matches("[A-Za-z0-9._-]+")) {
            return Optional.empty();
        }
        try {
            int port = Integer.parseInt(text.substring(colon + 1));
            return port < 1 || port > 65535
                    ? Optional.empty()
                    : Optional.of(InetSocketAddress.createUnresolved(host, port));
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }
}
