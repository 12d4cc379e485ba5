package dev.coppice.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.serving.GrpcConnection;
import dev.coppice.serving.GrpcConnection.ClientTls;
import dev.coppice.store.client.RemoteKeyspace;
import dev.coppice.store.coordination.Coordination;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that say which store a command means: that of a node on this machine, or any that speaks etcd's API. */
final class StoreAccess {
    private static final int MOST_MESSAGE_BYTES = 4 << 20;

    @Mixin
    private final DataOption data = new DataOption();

    @Option(
            names = "--endpoints",
            paramLabel = "HOST:PORT",
            split = ",",
            description = "The stores of a cluster to use instead of the node's of --data; https:// for TLS.")
    private List<String> endpoints = List.of();

    @Option(names = "--cacert", paramLabel = "FILE", description = "Who signed the server's certificate (PEM).")
    private @Nullable Path authority;

    @Option(names = "--cert", paramLabel = "FILE", description = "The client certificate to show (PEM).")
    private @Nullable Path certificate;

    @Option(names = "--key", paramLabel = "FILE", description = "Its key (PEM, PKCS #8).")
    private @Nullable Path key;

    @Option(
            names = "--user",
            paramLabel = "NAME[:PASSWORD]",
            description = "The user of the store to sign in as; the password may be in $COPPICE_STORE_PASSWORD.")
    private @Nullable String user;

    /** A connection; closing it ends its kernel. */
    record Open(Kernel kernel, List<GrpcConnection> connections, Coordination coordination, String where)
            implements AutoCloseable {
        @Override
        public void close() {
            StoreAccess.close(kernel, connections);
        }
    }

    Open open() throws IOException {
        List<String> targets = endpoints;
        ClientTls tls;
        if (targets.isEmpty()) {
            ObjectNode node = data.node();
            boolean insecure = node.path("insecureStore").asBoolean();
            targets = List.of(
                    (insecure ? "http://" : "https://") + node.path("etcd").asText());
            tls = insecure
                    ? null
                    : tls(
                            Path.of(node.path("etcdAuthority")
                                    .asText(node.path("certificateAuthority").asText())),
                            Path.of(node.path("clientCertificate").asText()),
                            Path.of(node.path("clientKey").asText()));
        } else {
            tls = targets.stream().anyMatch(each -> each.startsWith("https://"))
                    ? tls(authority, certificate, key)
                    : null;
        }
        List<GrpcConnection> connections = new ArrayList<>();
        for (String target : targets) {
            connections.add(connect(target, tls));
        }
        Kernel kernel = Kernel.start();
        try {
            Supervisor sessions = kernel.root().startSupervisor("sessions", SupervisorOptions.DEFAULT);
            RemoteKeyspace keyspace = new RemoteKeyspace(
                    connections.stream().map(GrpcConnection::channel).toList(),
                    kernel.root().executor("watches"));
            return new Open(
                    kernel,
                    connections,
                    new Coordination(kernel, sessions, signedIn(keyspace)),
                    String.join(",", targets));
        } catch (StartException e) {
            close(kernel, connections);
            throw new IOException(e.getMessage(), e);
        } catch (RuntimeException e) {
            close(kernel, connections);
            throw e;
        }
    }

    private static void close(Kernel kernel, List<GrpcConnection> connections) {
        kernel.close();
        connections.forEach(GrpcConnection::close);
    }

    private RemoteKeyspace signedIn(RemoteKeyspace keyspace) {
        if (user == null) {
            return keyspace;
        }
        int colon = user.indexOf(':');
        String password = colon >= 0 ? user.substring(colon + 1) : System.getenv("COPPICE_STORE_PASSWORD");
        if (password == null) {
            throw new IllegalArgumentException(
                    "--user " + user + ": give the password, as NAME:PASSWORD or in $COPPICE_STORE_PASSWORD");
        }
        return keyspace.as(colon >= 0 ? user.substring(0, colon) : user, password);
    }

    private static GrpcConnection connect(String target, @Nullable ClientTls tls) {
        String address = target.replaceFirst("^https?://", "");
        int colon = address.lastIndexOf(':');
        String port = address.substring(colon + 1);
        if (colon < 1 || !port.matches("[0-9]{1,5}") || Integer.parseInt(port) > 65_535) {
            throw new IllegalArgumentException(
                    "--endpoints " + target + ": expected HOST:PORT or https://HOST:PORT, such as 127.0.0.1:2379");
        }
        return GrpcConnection.client(
                target.startsWith("https://") ? tls : null,
                address.substring(0, colon).replaceAll("^\\[|\\]$", ""),
                Integer.parseInt(port),
                MOST_MESSAGE_BYTES);
    }

    private static ClientTls tls(@Nullable Path authority, @Nullable Path certificate, @Nullable Path key) {
        if (authority == null || (certificate == null) != (key == null)) {
            throw new IllegalArgumentException(
                    "an endpoint with https:// needs --cacert, and --cert only together with --key");
        }
        return new ClientTls(authority, certificate, key);
    }
}
