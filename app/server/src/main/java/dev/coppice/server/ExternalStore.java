package dev.coppice.server;

import dev.coppice.store.remote.EtcdOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * That an etcd cluster keeps the resources, instead of this node's own store; as written on the command line.
 *
 * @param url see {@link EtcdOptions#parse}; null for the node's own store
 */
public record ExternalStore(
        @Nullable String url,
        @Nullable Path authority,
        @Nullable Path certificate,
        @Nullable Path key,
        @Nullable String user,
        @Nullable Path passwordFile) {

    public static final ExternalStore NONE = new ExternalStore(null, null, null, null, null, null);

    boolean used() {
        return url != null;
    }

    Optional<EtcdOptions> options(List<String> problems) {
        String given = url;
        if (given == null) {
            boolean more = authority != null || certificate != null || key != null || user != null;
            if (more || passwordFile != null) {
                problems.add("--store-ca, --store-cert, --store-key, --store-user and --store-password-file go with"
                        + " --store etcds://HOST:PORT: give it, too");
            }
            return Optional.empty();
        }
        return EtcdOptions.parse(given, authority, certificate, key, user, passwordFile, problems);
    }
}
