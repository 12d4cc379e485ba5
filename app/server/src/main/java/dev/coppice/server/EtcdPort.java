package dev.coppice.server;

import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.serving.CertificateAuthority;
import dev.coppice.serving.CertificateAuthority.ClientCertificates;
import dev.coppice.serving.GrpcListener;
import dev.coppice.serving.TlsSource;
import dev.coppice.store.Store;
import dev.coppice.store.etcd.EtcdPolicy;
import dev.coppice.store.etcd.EtcdServices;
import java.io.IOException;
import java.net.InetAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The port where etcd's clients reach the store, as the options say.
 *
 * @param names that its certificate holds, where it is one of the node's own authority
 * @param advertised the host by which other nodes reach this one; null for a node that is alone
 */
record EtcdPort(
        Kernel kernel,
        ServerOptions options,
        InetAddress address,
        CertificateAuthority authority,
        List<String> names,
        @Nullable String advertised) {

    private static final long MESSAGE_OVERHEAD_BYTES = 512 << 10;

    /** Starts its listener, and lets the store tell others where it is. */
    GrpcListener start(Supervisor listeners, Store store) throws StartException {
        String scheme = options.insecureStore() ? "http://" : "https://";
        String url = scheme + NodeAddresses.host(address) + ":" + options.etcdPort();
        EtcdPolicy policy = options.insecureStore() ? EtcdPolicy.open(url) : EtcdPolicy.authenticated(url);
        if (options.etcd().files().clientAuthority() != null) {
            policy = policy.withCertificatesSufficing();
        }
        EtcdServices etcd =
                new EtcdServices(store, "etcd", policy.withTokens(options.etcd().tokens()));
        TlsSource tls = options.insecureStore() ? null : certificates();
        GrpcListener listener = new GrpcListener(
                kernel,
                Server.listener(
                        "etcd",
                        address,
                        options.etcdPort(),
                        tls,
                        options.etcd().requestBytes() + MESSAGE_OVERHEAD_BYTES),
                etcd.services(),
                etcd.interceptors(),
                etcd.direct());
        etcd.mount(listener.routes());
        Server.start(listeners, ChildSpec.service("etcd", () -> listener), "--etcd-port", options.etcdPort());
        List<String> clientUrls = List.of(scheme + clientHost() + ":" + NodeAddresses.port(listener.address()));
        etcd.announce(clientUrls);
        store.announce(clientUrls);
        return listener;
    }

    private TlsSource certificates() throws StartException {
        try {
            return options.etcd().files().over(authority.server(names, ClientCertificates.OPTIONAL));
        } catch (IOException e) {
            throw new StartException("--cert-file, --key-file, --trusted-ca-file: " + e.getMessage(), e);
        }
    }

    /** How clients on any machine write the address, as far as that is known. */
    private String clientHost() {
        String host = advertised;
        if (host == null || !address.isAnyLocalAddress()) {
            return NodeAddresses.host(address);
        }
        return host.contains(":") ? "[" + host + "]" : host;
    }
}
