package dev.coppice.store;

import dev.coppice.store.raft.ClusterSettings;
import dev.coppice.store.raft.Member;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a store is opened.
 *
 * @param directory where it keeps everything; made when it is not there
 * @param name of this member, shown in the member list
 * @param peer where this member listens for other members; port 0 picks a free one
 * @param keyspaces what it holds; a name that was not there before makes an empty one
 * @param cluster how it takes part in a cluster of several; null for a member that is alone
 * @param identity who it is, where the directory does not say so yet; null picks at random
 */
public record StoreOptions(
        Path directory,
        String name,
        InetSocketAddress peer,
        List<KeyspaceOptions> keyspaces,
        @Nullable ClusterSettings cluster,
        Member.@Nullable Identity identity) {

    public StoreOptions {
        keyspaces = List.copyOf(keyspaces);
    }

    /** Those of a member that is alone. */
    public StoreOptions(Path directory, String name, InetSocketAddress peer, List<KeyspaceOptions> keyspaces) {
        this(directory, name, peer, keyspaces, null, null);
    }

    /** The same, as part of a cluster. */
    public StoreOptions inCluster(ClusterSettings settings, Member.@Nullable Identity known) {
        return new StoreOptions(directory, name, peer, keyspaces, settings, known);
    }

    /**
     * How a keyspace is kept.
     *
     * @param name lower-case letters, digits and dashes
     * @param quotaBytes the most it may hold before writes are refused with the NOSPACE alarm
     * @param retention how much history is kept without being asked to forget it
     * @param limits of one request
     */
    public record KeyspaceOptions(String name, long quotaBytes, Retention retention, RequestLimits limits) {

        /** With etcd's limits of requests. */
        public KeyspaceOptions(String name, long quotaBytes, Retention retention) {
            this(name, quotaBytes, retention, RequestLimits.DEFAULT);
        }

        /** Keeps everything. */
        public KeyspaceOptions(String name, long quotaBytes) {
            this(name, quotaBytes, Retention.EVERYTHING);
        }
    }

    /** One member on loopback with the keyspaces {@code control} and {@code etcd}, of 8 GiB each. */
    public static StoreOptions of(Path directory) {
        return new StoreOptions(
                directory,
                "default",
                new InetSocketAddress("127.0.0.1", 0),
                List.of(new KeyspaceOptions("control", 8L << 30), new KeyspaceOptions("etcd", 8L << 30)));
    }
}
