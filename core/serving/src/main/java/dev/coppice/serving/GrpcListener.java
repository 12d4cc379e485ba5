package dev.coppice.serving;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Service;
import io.grpc.ServerInterceptor;
import io.grpc.ServerServiceDefinition;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;

/**
 * A gRPC listener, by grpc-java on Netty; calls run on virtual threads. HTTP/1.1 requests on the same port (a JSON
 * gateway, health, metrics) go to its routes, as etcd's port does. A {@link Service} for the supervision tree. Safe for
 * use by many threads.
 */
public final class GrpcListener implements Service {

    public GrpcListener(
            Kernel kernel,
            ListenerOptions options,
            List<ServerServiceDefinition> services,
            List<ServerInterceptor> interceptors) {
        throw new UnsupportedOperationException();
    }

    /** Where HTTP/1.1 requests on this port go. */
    public Routes routes() {
        throw new UnsupportedOperationException();
    }

    /** The bound address, once started; it stays the same over restarts even when port 0 was asked for. */
    public Optional<InetSocketAddress> address() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void start(Failure failure) throws Exception {
        throw new UnsupportedOperationException();
    }

    @Override
    public void stop() throws Exception {
        throw new UnsupportedOperationException();
    }
}
