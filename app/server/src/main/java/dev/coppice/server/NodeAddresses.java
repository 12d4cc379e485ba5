package dev.coppice.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.serving.HttpListener;
import dev.coppice.store.remote.EtcdOptions;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where clients reach a node, once it listens.
 *
 * @param external the etcd that keeps its resources; null when it does so itself
 */
record NodeAddresses(
        ServerOptions options,
        DataDirectory data,
        InetAddress address,
        @Nullable EtcdOptions external) {

    Endpoints endpoints(
            HttpListener api, HttpListener publicListener, Optional<InetSocketAddress> etcdListener, int peerPort) {
        Path pki = data.resolve("pki");
        EtcdOptions elsewhere = external;
        String host = elsewhere == null
                ? host(address)
                : elsewhere.endpoints().getFirst().host();
        int port = elsewhere == null
                ? port(etcdListener)
                : elsewhere.endpoints().getFirst().port();
        boolean plain = elsewhere == null ? options.insecureStore() : elsewhere.tls() == null;
        return new Endpoints(
                host(address),
                port(api.address()),
                port,
                peerPort,
                port(publicListener.address()),
                data.kubeconfig(),
                pki.resolve("ca.crt"),
                pki.resolve("admin.crt"),
                pki.resolve("admin.key"),
                plain,
                host,
                flags(host + ":" + port, plain, elsewhere == null ? pki : null, etcdAuthority(pki)),
                etcdAuthority(pki));
    }

    /** Whom a client trusts who trusts the etcd port: where its certificate is the user's, that itself. */
    private Path etcdAuthority(Path pki) {
        Path certificate = options.etcd().files().certificate();
        return certificate == null ? pki.resolve("ca.crt") : certificate.toAbsolutePath();
    }

    /** What etcdctl is given; which certificates an etcd of somebody else wants is not known here. */
    private static String flags(String where, boolean plain, @Nullable Path pki, Path authority) {
        if (plain) {
            return "--endpoints " + where;
        }
        return "--endpoints https://" + where
                + (pki == null
                        ? " (with your certificates)"
                        : " --cacert " + authority + " --cert " + pki.resolve("admin.crt") + " --key "
                                + pki.resolve("admin.key"));
    }

    /** How clients on this machine write the address. */
    static String host(InetAddress address) {
        if (address.isAnyLocalAddress()) {
            return "127.0.0.1";
        }
        String text = address.getHostAddress();
        return text.contains(":") ? "[" + text + "]" : text;
    }

    static int port(Optional<InetSocketAddress> address) {
        return address.orElseThrow(() -> new IllegalStateException("the listener has no address"))
                .getPort();
    }

    /** What the file {@code node.json} tells the other commands. */
    static ObjectNode describe(Endpoints where, String name, DataDirectory data, Instant now) {
        return where.toJson()
                .put("name", name)
                .put("version", Version.CURRENT)
                .put("tokenFile", data.tokenFile().toString())
                .put("pid", ProcessHandle.current().pid())
                .put("startedAt", now.toString());
    }
}
