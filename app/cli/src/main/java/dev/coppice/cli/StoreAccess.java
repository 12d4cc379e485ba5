package dev.coppice.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.serving.GrpcConnection.ClientTls;
import dev.coppice.store.coordination.Coordination;
import dev.coppice.store.remote.EtcdOptions;
import dev.coppice.store.remote.EtcdStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that say which store a command means: that of a node on this machine, or any that speaks etcd's API. */
final class StoreAccess {
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
    record Open(Kernel kernel, Coordination coordination, String where) implements AutoCloseable {
        @Override
        public void close() {
            kernel.close();
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
            tls = secure(targets) ? tls(authority, certificate, key) : null;
        }
        EtcdOptions options =
                new EtcdOptions(targets.stream().map(StoreAccess::endpoint).toList(), tls, login(), ByteString.EMPTY);
        Kernel kernel = Kernel.start();
        try {
            // Above what it uses: a session that ends gives its lease back.
            EtcdStore store = EtcdStore.connect(kernel, kernel.root(), options, "etcd");
            Supervisor sessions = kernel.root().startSupervisor("sessions", SupervisorOptions.DEFAULT);
            return new Open(kernel, new Coordination(kernel, sessions, store.keyspace()), String.join(",", targets));
        } catch (StartException e) {
            kernel.close();
            throw new IOException(e.getMessage(), e);
        } catch (RuntimeException e) {
            kernel.close();
            throw e;
        }
    }

    private static boolean secure(List<String> targets) {
        long secure =
                targets.stream().filter(each -> each.startsWith("https://")).count();
        if (secure > 0 && secure < targets.size()) {
            throw new IllegalArgumentException("--endpoints " + String.join(",", targets)
                    + ": members of one cluster all speak TLS or none: write https:// before each, or before none");
        }
        return secure > 0;
    }

    private EtcdOptions.@Nullable Login login() {
        if (user == null) {
            return null;
        }
        int colon = user.indexOf(':');
        String password = colon >= 0 ? user.substring(colon + 1) : System.getenv("COPPICE_STORE_PASSWORD");
        if (password == null) {
            throw new IllegalArgumentException(
                    "--user " + user + ": give the password, as NAME:PASSWORD or in $COPPICE_STORE_PASSWORD");
        }
        return new EtcdOptions.Login(colon >= 0 ? user.substring(0, colon) : user, password);
    }

    private static EtcdOptions.Endpoint endpoint(String target) {
        String address = target.replaceFirst("^https?://", "");
        int colon = address.lastIndexOf(':');
        String port = address.substring(colon + 1);
        if (colon < 1 || !port.matches("[0-9]{1,5}") || Integer.parseInt(port) > 65_535) {
            throw new IllegalArgumentException(
                    "--endpoints " + target + ": expected HOST:PORT or https://HOST:PORT, such as 127.0.0.1:2379");
        }
        return new EtcdOptions.Endpoint(
                address.substring(0, colon).replaceAll("^\\[|\\]$", ""), Integer.parseInt(port));
    }

    private static ClientTls tls(@Nullable Path authority, @Nullable Path certificate, @Nullable Path key) {
        if (authority == null || (certificate == null) != (key == null)) {
            throw new IllegalArgumentException(
                    "an endpoint with https:// needs --cacert, and --cert only together with --key");
        }
        return new ClientTls(authority, certificate, key);
    }
}
