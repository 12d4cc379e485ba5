package dev.coppice.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.kernel.DurableFile;
import dev.coppice.server.ClusterOptions;
import dev.coppice.server.Endpoints;
import dev.coppice.server.ExternalStore;
import dev.coppice.server.Server;
import dev.coppice.server.ServerOptions;
import dev.coppice.server.StartupException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code coppice up}: starts a node, applies a folder of manifests, waits until they are Ready, stays. */
@Command(
        name = "up",
        description = "Start a node; apply the manifests of a folder and wait until they are Ready.",
        sortOptions = false,
        footer = {"", "Example: coppice up examples/quickstart"})
final class UpCommand implements Callable<Integer> {
    @Parameters(index = "0", arity = "0..1", paramLabel = "FOLDER", description = "Manifests (YAML or JSON) to apply.")
    private @Nullable Path folder;

    @Mixin
    private final DataOption data = new DataOption();

    @Option(names = "--listen", paramLabel = "ADDR", description = "Address to listen on (default: ${DEFAULT-VALUE}).")
    private String listen = ServerOptions.DEFAULT_LISTEN;

    @Option(
            names = "--api-port",
            paramLabel = "PORT",
            description = "Resource API and console, TLS (default: ${DEFAULT-VALUE}; 0 picks a free port).")
    private int apiPort = ServerOptions.DEFAULT_API_PORT;

    @Option(names = "--etcd-port", paramLabel = "PORT", description = "Store, etcd's API (default: ${DEFAULT-VALUE}).")
    private int etcdPort = ServerOptions.DEFAULT_ETCD_PORT;

    @Option(names = "--peer-port", paramLabel = "PORT", description = "Raft between nodes (default: ${DEFAULT-VALUE}).")
    private int peerPort = ServerOptions.DEFAULT_PEER_PORT;

    @Option(
            names = "--public-port",
            paramLabel = "PORT",
            description = "Status pages, without login (default: ${DEFAULT-VALUE}).")
    private int publicPort = ServerOptions.DEFAULT_PUBLIC_PORT;

    @Option(names = "--name", paramLabel = "NAME", description = "The node's name (default: ${DEFAULT-VALUE}).")
    private String name = "coppice";

    @Option(
            names = "--cluster",
            paramLabel = "NAME=HOST:PORT,…",
            description = "Begin a cluster of these nodes, this one among them.")
    private @Nullable String cluster;

    @Option(
            names = "--cluster-keys",
            paramLabel = "FILE",
            description = "The keys that nodes of --cluster share (coppice cluster keys).")
    private @Nullable Path clusterKeys;

    @Option(
            names = "--join",
            paramLabel = "HOST:PORT",
            description = "Join the cluster of the node with this peer port.")
    private @Nullable String join;

    @Option(names = "--join-token", paramLabel = "TOKEN", description = "Goes with --join (coppice cluster token).")
    private @Nullable String joinToken;

    @Option(names = "--learner", description = "Join without a vote: only copy.")
    private boolean learner;

    @Option(
            names = "--advertise",
            paramLabel = "HOST[:PORT]",
            description = "Where others reach the peer port of a node that joins (default: the address of --listen).")
    private @Nullable String advertise;

    @Option(
            names = "--discover",
            paramLabel = "HOW",
            description =
                    "How processes find other nodes, by default by the members of the store: static:HOST:PORT,…,"
                            + " dns:NAME:PORT, kubernetes:NAMESPACE/SERVICE:PORT, directory:PATH, s3:BUCKET/PREFIX or gossip:HOST:PORT,….")
    private @Nullable String discover;

    @Mixin
    private final PeerPortOptions peers = new PeerPortOptions();

    @Option(
            names = "--store",
            paramLabel = "URL",
            description =
                    "Keep resources in an etcd cluster: etcd://HOST:PORT[,HOST:PORT…][/PREFIX], or etcds:// for TLS.")
    private @Nullable String store;

    @Option(names = "--store-ca", paramLabel = "FILE", description = "Who signed the certificates of that etcd (PEM).")
    private @Nullable Path storeAuthority;

    @Option(names = "--store-cert", paramLabel = "FILE", description = "Client certificate for that etcd (PEM).")
    private @Nullable Path storeCertificate;

    @Option(names = "--store-key", paramLabel = "FILE", description = "Its key (PEM, PKCS #8).")
    private @Nullable Path storeKey;

    @Option(names = "--store-user", paramLabel = "NAME", description = "User of that etcd.")
    private @Nullable String storeUser;

    @Option(names = "--store-password-file", paramLabel = "FILE", description = "Holds that user's password.")
    private @Nullable Path storePassword;

    @Option(
            names = "--insecure-store",
            description = "Serve the etcd port in plain text, without authentication. For a laptop only.")
    private boolean insecureStore;

    @Mixin
    private final EtcdPortOptions etcd = new EtcdPortOptions();

    @Mixin
    private final ApiServerOptions api = new ApiServerOptions();

    @Option(
            names = "--areas",
            paramLabel = "AREA,…",
            split = ",",
            description = "Areas that run on this node, or none; others may run as operators (default: all).")
    private List<String> areas = ServerOptions.AREAS;

    @Mixin
    private final GatewayTrafficOptions traffic = new GatewayTrafficOptions();

    @Mixin
    private final GatewayRole gateway = new GatewayRole();

    @Option(names = "--token-file", paramLabel = "FILE", description = "Also write the token there (mode 0600).")
    private @Nullable Path tokenFile;

    @Option(
            names = "--wait",
            paramLabel = "SECONDS",
            description = "How long the manifests may take to be Ready (default: ${DEFAULT-VALUE}).")
    private int waitSeconds = 120;

    @Mixin
    private final StatusLines status = new StatusLines();

    @Override
    public Integer call() throws Exception {
        List<String> problems = new ArrayList<>(gateway.problems());
        if (gateway.asked()) {
            return problems.isEmpty() ? gateway.run(data, listen, traffic.options(), status) : status.failed(problems);
        }
        ServerOptions options = new ServerOptions(
                data.path(),
                listen,
                apiPort,
                etcdPort,
                peerPort,
                publicPort,
                name,
                insecureStore,
                new ClusterOptions(
                        cluster, clusterKeys, join, joinToken, learner, advertise, discover, peers.options()),
                etcd.options(),
                new ExternalStore(store, storeAuthority, storeCertificate, storeKey, storeUser, storePassword),
                api.options(problems),
                areas.equals(List.of("none")) ? List.of() : areas,
                traffic.options());
        problems.addAll(options.problems());
        if (waitSeconds < 1) {
            problems.add("--wait: " + waitSeconds + " is not a time to wait: expected at least 1 second");
        }
        Manifests manifests = Manifests.NONE;
        if (folder != null) {
            try {
                manifests = Manifests.read(folder);
            } catch (Manifests.InvalidException e) {
                problems.addAll(e.errors());
            }
        }
        if (!problems.isEmpty()) {
            return status.failed(problems);
        }
        try (Server server = Server.start(options, status::progress)) {
            StopSignal stop = StopSignal.install(server);
            List<String> errors = bringUp(server, manifests);
            if (!errors.isEmpty()) {
                return status.failed(errors);
            }
            return stop.await();
        } catch (StartupException e) {
            return status.failed(e.errors());
        }
    }

    private List<String> bringUp(Server server, Manifests manifests) throws IOException, InterruptedException {
        if (tokenFile != null) {
            DurableFile.write(tokenFile, server.token() + "\n");
        }
        Endpoints endpoints = server.endpoints();
        List<Manifests.Applied> applied = new ArrayList<>();
        List<String> errors = manifests.apply(server, variables(endpoints), applied);
        if (errors.isEmpty() && !applied.isEmpty()) {
            ReadyView view = new ReadyView(
                    System.err, !status.quiet() && !status.json() && System.console() != null, !status.quiet());
            errors = view.await(server, applied, Duration.ofSeconds(waitSeconds));
        }
        if (errors.isEmpty()) {
            announce(server, endpoints, applied.size());
        }
        return errors;
    }

    /** What a manifest may name as ${NAME}. */
    private static Map<String, String> variables(Endpoints endpoints) {
        return Map.of(
                "API_ADDRESS",
                endpoints.host(),
                "API_PORT",
                Integer.toString(endpoints.apiPort()),
                "ETCD_ADDRESS",
                endpoints.etcdHost(),
                "ETCD_PORT",
                Integer.toString(endpoints.etcdPort()),
                "PUBLIC_ADDRESS",
                endpoints.host(),
                "PUBLIC_PORT",
                Integer.toString(endpoints.publicPort()));
    }

    private void announce(Server server, Endpoints endpoints, int resources) {
        ObjectNode ready = StatusLines.event("ready");
        ready.setAll(endpoints.toJson());
        ready.put("token", server.token()).put("resources", resources);
        ready.put("startupMillis", server.startupTime().toMillis());
        String kubeconfig = endpoints.kubeconfig().toString();
        status.tell(
                ready,
                "",
                "Coppice is ready (" + server.startupTime().toMillis() + " ms).",
                "  API          " + endpoints.api(),
                "  Console      " + endpoints.console(),
                "  Store        " + endpoints.etcd() + "   etcdctl " + endpoints.etcdctlFlags(),
                "  Status pages " + endpoints.publicUrl(),
                "  Kubeconfig   " + kubeconfig,
                "  Token        " + server.token(),
                "",
                "Try: kubectl --kubeconfig " + kubeconfig + " get healthchecks -A",
                "Ctrl-C stops.");
    }
}
