package dev.coppice.operator;

import dev.coppice.control.ApiServer;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.access.BearerTokens;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.serving.CertificateAuthority;
import dev.coppice.serving.CertificateAuthority.ClientCertificates;
import dev.coppice.serving.HttpListener;
import dev.coppice.serving.Identity;
import dev.coppice.serving.ListenerOptions;
import dev.coppice.store.Keyspace;
import dev.coppice.store.Store;
import dev.coppice.store.StoreOptions;
import dev.coppice.store.api.CompactionRequest;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;

/** A Kubernetes API server reached over TLS: Coppice's own, on a kernel apart. */
final class ServedCluster implements AutoCloseable {
    private final Kernel kernel = Kernel.start();
    private final Path directory;
    private final ApiServer server;
    private final Keyspace keyspace;
    private final CertificateAuthority authority;
    private final int port;
    private final ResourceClient local;

    ServedCluster(Path directory) throws Exception {
        this.directory = directory;
        Store store = Store.start(kernel, kernel.root(), StoreOptions.of(directory.resolve("store")));
        keyspace = store.keyspace("control");
        authority = CertificateAuthority.open(kernel, directory.resolve("pki"));
        server = new ApiServer(kernel, keyspace, directory.resolve("pki"));
        server.addToken("admin", "admin-token", BearerTokens.ADMIN);
        HttpListener listener = new HttpListener(
                kernel,
                new ListenerOptions(
                        "api",
                        new InetSocketAddress("127.0.0.1", 0),
                        authority.server(List.of("localhost", "127.0.0.1"), ClientCertificates.OPTIONAL),
                        16 << 20,
                        1_000),
                server.authenticator());
        server.start(kernel.root().startSupervisor("control", SupervisorOptions.DEFAULT));
        server.mount(listener.routes());
        kernel.root().start(ChildSpec.service("api", () -> listener));
        port = listener.address().orElseThrow().getPort();
        local = server.client(
                kernel.root().startSupervisor("watches", SupervisorOptions.DEFAULT), BearerTokens.ADMIN, "admin");
    }

    /** The API without a network, as the administrator. */
    ResourceClient local() {
        return local;
    }

    /** Makes a user with a token of the same name and no rights. */
    void user(String name) {
        server.addToken(name, name, new Identity(name, "", List.of("system:authenticated"), Map.of()));
    }

    /** Lets the store forget everything but what is there now. */
    void compact() {
        var unused = keyspace.compact(
                CompactionRequest.newBuilder().setRevision(keyspace.revision()).build());
    }

    /** How a bearer of a token reaches it. */
    ClusterAccess access(String token) throws Exception {
        Path kubeconfig = directory.resolve("kubeconfig-" + token);
        Files.writeString(kubeconfig, kubeconfig("https://127.0.0.1:" + port, authority.rootPem(), token));
        return ClusterAccess.find(kubeconfig, null, Map.of());
    }

    static String kubeconfig(String server, String rootPem, String token) {
        String root = Base64.getEncoder().encodeToString(rootPem.getBytes(StandardCharsets.US_ASCII));
        return """
                apiVersion: v1
                kind: Config
                clusters:
                - {name: here, cluster: {server: "%s", certificate-authority-data: "%s"}}
                users:
                - {name: someone, user: {token: "%s"}}
                contexts:
                - {name: here, context: {cluster: here, user: someone, namespace: team}}
                - {name: broken, context: {cluster: gone, user: nobody}}
                current-context: here
                """.formatted(server, root, token);
    }

    static void eventually(Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (!condition.call()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("did not happen within 20 s");
            }
            LockSupport.parkNanos(2_000_000);
        }
    }

    @Override
    public void close() {
        kernel.close();
    }
}
