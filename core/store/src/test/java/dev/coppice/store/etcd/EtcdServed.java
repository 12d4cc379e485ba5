package dev.coppice.store.etcd;

import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.serving.GrpcListener;
import dev.coppice.serving.ListenerOptions;
import dev.coppice.store.Store;
import dev.coppice.store.StoreOptions;
import java.net.InetSocketAddress;
import java.nio.file.Path;

/** A store in this process, served as etcd in plain text. */
final class EtcdServed implements AutoCloseable {

    final Kernel kernel = Kernel.start();
    final Store store;
    final String endpoint;

    EtcdServed(Path directory) throws StartException {
        store = Store.start(kernel, kernel.root(), StoreOptions.of(directory));
        EtcdServices services = new EtcdServices(store, "etcd", EtcdPolicy.open("http://127.0.0.1"));
        GrpcListener listener = new GrpcListener(
                kernel,
                new ListenerOptions("etcd", new InetSocketAddress("127.0.0.1", 0), null, 2 << 20, 1000),
                services.services(),
                services.interceptors(),
                services.direct());
        services.mount(listener.routes());
        var unused = kernel.root().start(ChildSpec.service("etcd", () -> listener));
        endpoint = "127.0.0.1:" + listener.address().orElseThrow().getPort();
    }

    int port() {
        return Integer.parseInt(endpoint.substring(endpoint.lastIndexOf(':') + 1));
    }

    @Override
    public void close() {
        kernel.close();
    }
}
