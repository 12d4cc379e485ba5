package dev.coppice.store.remote;

import com.google.protobuf.ByteString;
import dev.coppice.serving.GrpcConnection.ClientTls;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where an etcd cluster is, and how to be let in.
 *
 * @param endpoints {@code host:port} of its members, hosts unresolved; at least one
 * @param tls null for plain text
 * @param login signs in with a password; null for nobody, or when a client certificate says who it is
 * @param prefix what all keys begin with, such as {@code /coppice}; empty for nothing
 */
public record EtcdOptions(
        List<Endpoint> endpoints,
        @Nullable ClientTls tls,
        @Nullable Login login,
        ByteString prefix) {

    public static final String DEFAULT_PREFIX = "/coppice";

    private static final int DEFAULT_PORT = 2379;

    /** A member of the etcd cluster. */
    public record Endpoint(String host, int port) {
        @Override
        public String toString() {
            return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
        }
    }

    /** A user of the etcd, and where the password is asked for whenever it signs in. */
    public record Login(String user, Password password) {

        public Login(String user, String password) {
            this(user, () -> password);
        }
    }

    /** Gives a password. */
    public interface Password {
        /** @throws IOException that says where the password should be, and why it cannot be read */
        String read() throws IOException;
    }

    private static String passwordIn(Path file) throws IOException {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new IOException("--store-password-file: " + file + " cannot be read: " + e.getMessage(), e);
        }
    }

    public EtcdOptions {
        endpoints = List.copyOf(endpoints);
    }

    /**
     * As it is written on the command line.
     *
     * @param url {@code etcd://HOST[:PORT][,HOST[:PORT]…][/PREFIX]}, or {@code etcds://} for TLS
     * @param authority PEM of who signed the members' certificates; null trusts those that Java trusts
     * @param certificate PEM of a client certificate, leaf first
     * @param key its key, PEM (PKCS #8)
     * @param problems takes what is wrong, in words
     * @return empty when something is wrong
     */
    public static Optional<EtcdOptions> parse(
            String url,
            @Nullable Path authority,
            @Nullable Path certificate,
            @Nullable Path key,
            @Nullable String user,
            @Nullable Path passwordFile,
            List<String> problems) {
        int before = problems.size();
        boolean secure = url.startsWith("etcds://");
        if (!secure && !url.startsWith("etcd://")) {
            problems.add(
                    "--store: \"" + url + "\": expected etcd://HOST:PORT[,HOST:PORT…][/PREFIX], or etcds:// for TLS");
            return Optional.empty();
        }
        String rest = url.substring(url.indexOf("://") + 3);
        int slash = rest.indexOf('/');
        String hosts = slash < 0 ? rest : rest.substring(0, slash);
        String path = slash < 0 ? DEFAULT_PREFIX : rest.substring(slash);
        List<Endpoint> endpoints = new ArrayList<>();
        for (String each : hosts.split(",", -1)) {
            endpoint(each)
                    .ifPresentOrElse(
                            endpoints::add,
                            () -> problems.add("--store: \"" + each
                                    + "\" is no address of a member of etcd: expected HOST or" + " HOST:PORT"));
        }
        checkFiles(secure, authority, certificate, key, problems);
        if ((user == null) != (passwordFile == null)) {
            problems.add("--store-user and --store-password-file go together: give both, or none");
        }
        if (problems.size() > before) {
            return Optional.empty();
        }
        String prefix = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
        return Optional.of(new EtcdOptions(
                endpoints,
                secure ? new ClientTls(authority, certificate, key) : null,
                user == null || passwordFile == null ? null : new Login(user, () -> passwordIn(passwordFile)),
                ByteString.copyFromUtf8(prefix)));
    }

    private static void checkFiles(
            boolean secure,
            @Nullable Path authority,
            @Nullable Path certificate,
            @Nullable Path key,
            List<String> problems) {
        if (!secure && (authority != null || certificate != null || key != null)) {
            problems.add("--store-ca, --store-cert and --store-key go with TLS: write etcds:// instead of etcd://");
        }
        if ((certificate == null) != (key == null)) {
            problems.add("--store-cert and --store-key go together: give both, or none");
        }
    }

    private static Optional<Endpoint> endpoint(String text) {
        try {
            URI uri = new URI("etcd://" + text);
            String host = uri.getHost();
            boolean more = uri.getUserInfo() != null || uri.getQuery() != null || uri.getFragment() != null;
            if (host == null || more) {
                return Optional.empty();
            }
            int port = uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort();
            String bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
            return port < 1 || port > 65535 ? Optional.empty() : Optional.of(new Endpoint(bare, port));
        } catch (URISyntaxException e) {
            return Optional.empty();
        }
    }
}
