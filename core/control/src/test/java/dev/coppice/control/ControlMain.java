package dev.coppice.control;

import dev.coppice.control.access.BearerTokens;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.CertificateAuthority;
import dev.coppice.serving.HttpListener;
import dev.coppice.serving.ListenerOptions;
import dev.coppice.store.Store;
import dev.coppice.store.StoreOptions;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;

/** Runs kernel, store, serving and control alone, for kubectl and the recorded scenarios: {@code ControlMain DIRECTORY PORT}. */
public final class ControlMain {
    private ControlMain() {}

    public static void main(String[] args) throws Exception {
        Path directory = Path.of(args[0]);
        int port = Integer.parseInt(args[1]);
        Kernel kernel = Kernel.start();
        Store store = Store.start(kernel, kernel.root(), StoreOptions.of(directory.resolve("store")));
        ApiServer server = new ApiServer(kernel, store.keyspace("control"), directory.resolve("control"));
        String token = BearerTokens.fromFile(kernel, directory.resolve("token"));
        server.addToken("admin", token, BearerTokens.ADMIN);
        var tls = port % 2 == 1
                ? CertificateAuthority.open(kernel, directory.resolve("ca"))
                        .server(List.of("localhost", "127.0.0.1"), CertificateAuthority.ClientCertificates.OPTIONAL)
                : null;
        HttpListener listener = new HttpListener(
                kernel,
                new ListenerOptions("api", new InetSocketAddress("127.0.0.1", port), tls, 16 << 20, 10_000),
                server.authenticator());
        server.start(kernel.root().startSupervisor("control", dev.coppice.kernel.SupervisorOptions.DEFAULT));
        server.mount(listener.routes());
        kernel.root().start(ChildSpec.service("api", () -> listener));
        System.out.println("ready " + listener.address().orElseThrow() + " " + token);
        Thread.currentThread().join();
    }
}
