package dev.coppice.store.etcd;

import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.GrpcListener;
import dev.coppice.serving.ListenerOptions;
import dev.coppice.store.Store;
import dev.coppice.store.StoreOptions;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/** Serves the keyspace {@code etcd} of a store in plain text, for scenarios and side-by-side runs: DIRECTORY PORT. */
public final class EtcdServerMain {
    private EtcdServerMain() {}

    public static void main(String[] arguments) throws Exception {
        Path directory = Path.of(arguments[0]);
        int port = Integer.parseInt(arguments[1]);
        long begin = System.nanoTime();
        Kernel kernel = Kernel.start();
        Store store = Store.start(kernel, kernel.root(), StoreOptions.of(directory));
        long opened = System.nanoTime();
        EtcdServices services = new EtcdServices(store, "etcd", EtcdPolicy.open("http://127.0.0.1:" + port));
        GrpcListener listener = new GrpcListener(
                kernel,
                new ListenerOptions("etcd", new InetSocketAddress("127.0.0.1", port), null, 2 << 20, 10_000),
                services.services(),
                services.interceptors(),
                services.direct());
        services.mount(listener.routes());
        kernel.root().start(ChildSpec.service("etcd-listener", () -> listener));
        System.out.printf(
                "serving on %s; store opened in %d ms, listening after %d ms%n",
                listener.address().orElseThrow(),
                (opened - begin) / 1_000_000,
                (System.nanoTime() - begin) / 1_000_000);
        Runtime.getRuntime().addShutdownHook(new Thread(kernel::close));
        new CountDownLatch(1).await();
    }
}
