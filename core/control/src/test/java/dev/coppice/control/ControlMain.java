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
        long start = System.nanoTime();
        Kernel kernel = Kernel.start();
        Store store = Store.start(kernel, kernel.root(), StoreOptions.of(directory.resolve("store")));
        long stored = System.nanoTime();
        ApiServer server = new ApiServer(kernel, store.keyspace("control"), directory.resolve("control"));
        String token = BearerTokens.fromFile(kernel, directory.resolve("token"));
        server.addToken("admin", token, BearerTokens.ADMIN);
        var tls = port % 2 == 1
                ? CertificateAuthority.open(kernel, directory.resolve("ca"))
                        .server(List.of("localhost", "127.0.0.1"), CertificateAuthority.ClientCertificates.OPTIONAL)
                : null;
        long made = System.nanoTime();
        HttpListener listener = new HttpListener(
                kernel,
                new ListenerOptions("api", new InetSocketAddress("127.0.0.1", port), tls, 16 << 20, 10_000),
                server.authenticator());
        server.start(kernel.root().startSupervisor("control", dev.coppice.kernel.SupervisorOptions.DEFAULT));
        long started = System.nanoTime();
        server.mount(listener.routes());
        kernel.root().start(ChildSpec.service("api", () -> listener));
        System.err.printf(
                "store %d ms, api made %d ms, api started %d ms, listener %d ms%n",
                (stored - start) / 1_000_000,
                (made - stored) / 1_000_000,
                (started - made) / 1_000_000,
                (System.nanoTime() - started) / 1_000_000);
        System.out.println("ready " + listener.address().orElseThrow() + " " + token);
        Thread.currentThread().join();
    }
}
