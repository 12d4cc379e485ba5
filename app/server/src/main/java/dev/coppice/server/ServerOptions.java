package dev.coppice.server;

import dev.coppice.control.ApiOptions;
import dev.coppice.store.RequestLimits;
import dev.coppice.store.Retention;
import dev.coppice.store.etcd.TokenOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * What a node is started with.
 *
 * @param data the data directory; made if it is missing; held by one process at a time
 * @param listen the address that all listeners bind
 * @param apiPort the resource API and the console, TLS
 * @param etcdPort users' keys, etcd's v3 API
 * @param peerPort Raft between nodes; open only in a cluster
 * @param publicPort status pages, without login
 * @param name the node's name
 * @param cluster how it takes part in a cluster
 * @param insecureStore serve the etcd port in plain text, without authentication
 * @param etcd what else is chosen for users' keys
 * @param external the etcd that keeps the resources instead of the node itself
 * @param api what is chosen for the resource API
 * @param areas which areas run on it
 * @param traffic what is chosen for the gateway's traffic
 */
public record ServerOptions(
        Path data,
        String listen,
        int apiPort,
        int etcdPort,
        int peerPort,
        int publicPort,
        String name,
        boolean insecureStore,
        ClusterOptions cluster,
        Etcd etcd,
        ExternalStore external,
        ApiOptions api,
        List<String> areas,
        TrafficOptions traffic) {
    /** All areas. */
    public static final List<String> AREAS = List.of("health", "coordination", "gateway", "certificates");

    public ServerOptions {
        areas = List.copyOf(areas);
    }

    /** Those of a node that is alone. */
    public ServerOptions(
            Path data,
            String listen,
            int apiPort,
            int etcdPort,
            int peerPort,
            int publicPort,
            String name,
            boolean insecureStore) {
        this(
                data,
                listen,
                apiPort,
                etcdPort,
                peerPort,
                publicPort,
                name,
                insecureStore,
                ClusterOptions.NONE,
                Etcd.DEFAULT,
                ExternalStore.NONE,
                ApiOptions.DEFAULT,
                AREAS,
                TrafficOptions.DEFAULT);
    }

    /**
     * Options by etcd's names, as they are written.
     *
     * @param authToken the tokens of users who sign in, see {@link TokenOptions#parse}
     * @param compactionMode see {@link Retention#parse}
     * @param compactionRetention see {@link Retention#parse}
     * @param quotaBytes how much keys and values, with their history, may take
     * @param requestBytes the most bytes of a write
     * @param txnOperations the most operations of a transaction
     */
    public record Etcd(
            String authToken,
            String compactionMode,
            String compactionRetention,
            long quotaBytes,
            int requestBytes,
            int txnOperations,
            EtcdFiles files) {

        public static final Etcd DEFAULT = new Etcd(
                "simple",
                "periodic",
                "0",
                8L << 30,
                RequestLimits.DEFAULT.bytes(),
                RequestLimits.DEFAULT.operations(),
                EtcdFiles.NONE);

        RequestLimits limits() {
            return new RequestLimits(requestBytes, txnOperations);
        }

        TokenOptions tokens() {
            return TokenOptions.parse(authToken);
        }

        Retention retention() {
            return Retention.parse(compactionMode, compactionRetention);
        }

        private void check(List<String> problems) {
            if (quotaBytes < 1) {
                problems.add("--quota-backend-bytes: " + quotaBytes + " is no size: expected at least 1, such as "
                        + DEFAULT.quotaBytes + " for 8 GiB");
            }
            if (requestBytes < 1 || requestBytes > RequestLimits.MOST_BYTES) {
                problems.add("--max-request-bytes: " + requestBytes + " is not possible: expected 1 to "
                        + RequestLimits.MOST_BYTES + ", such as " + DEFAULT.requestBytes + " for 1.5 MiB");
            }
            if (txnOperations < 1) {
                problems.add("--max-txn-ops: " + txnOperations
                        + " is no number of operations: expected at least 1, such" + " as " + DEFAULT.txnOperations);
            }
            for (Supplier<Object> each : List.<Supplier<Object>>of(this::tokens, this::retention)) {
                try {
                    var unused = each.get();
                } catch (IllegalArgumentException e) {
                    problems.add(String.valueOf(e.getMessage()));
                }
            }
        }
    }

    public static final String DEFAULT_LISTEN = "127.0.0.1";
    public static final int DEFAULT_API_PORT = 7443;
    public static final int DEFAULT_ETCD_PORT = 2379;
    public static final int DEFAULT_PEER_PORT = 2380;
    public static final int DEFAULT_PUBLIC_PORT = 7480;

    /** Everything that is wrong with these options, in words; empty when nothing is. */
    public List<String> problems() {
        List<String> problems = new ArrayList<>();
        areas.stream()
                .filter(area -> !AREAS.contains(area))
                .forEach(area -> problems.add("--areas: there is no area \"" + area + "\": expected some of "
                        + String.join(", ", AREAS) + ", or none"));
        problems.addAll(traffic.problems());
        etcd.check(problems);
        api.check(problems);
        etcd.files().check(insecureStore, problems);
        port(problems, "--api-port", apiPort);
        port(problems, "--etcd-port", etcdPort);
        port(problems, "--peer-port", peerPort);
        port(problems, "--public-port", publicPort);
        List<Integer> fixed = List.of(apiPort, etcdPort, peerPort, publicPort).stream()
                .filter(port -> port != 0)
                .toList();
        if (fixed.stream().distinct().count() < fixed.size()) {
            problems.add("two of --api-port " + apiPort + ", --etcd-port " + etcdPort + ", --peer-port " + peerPort
                    + " and --public-port " + publicPort
                    + " are the same: give each a port of its own, or 0 for a free one");
        }
        if (!name.matches("[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?")) {
            problems.add("--name: \"" + name
                    + "\" is not a node name: expected up to 63 lower case letters, digits, '-' and '.', with"
                    + " a letter or digit at both ends");
        }
        cluster.check(problems, name);
        var unused = external.options(problems);
        if (external.used() && cluster.asked()) {
            problems.add(
                    "--store and --cluster or --join exclude each other: nodes that share an etcd need no cluster of"
                            + " their own; give each the same --store, and --cluster-keys");
        }
        if (cluster.join() != null && peerPort == 0) {
            problems.add("--peer-port: 0 is no port that other nodes can be told: give one");
        }
        if (listen.isBlank()) {
            problems.add("--listen: expected an IP address or host name, such as " + DEFAULT_LISTEN);
        }
        return problems;
    }

    private static void port(List<String> problems, String option, int port) {
        if (port < 0 || port > 65535) {
            problems.add(option + ": " + port + " is not a port: expected 1 to 65535, or 0 for a free one");
        }
    }
}
