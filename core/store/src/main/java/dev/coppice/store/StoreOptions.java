package dev.coppice.store;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;

/**
 * How a store is opened.
 *
 * @param directory where it keeps everything; made when it is not there
 * @param name of this member, shown in the member list
 * @param peer where this member listens for other members; port 0 picks a free one
 * @param keyspaces what it holds; a name that was not there before makes an empty one
 */
public record StoreOptions(Path directory, String name, InetSocketAddress peer, List<KeyspaceOptions> keyspaces) {

    public StoreOptions {
        keyspaces = List.copyOf(keyspaces);
    }

    /**
     * How a keyspace is kept.
     *
     * @param name lower-case letters, digits and dashes
     * @param quotaBytes the most it may hold before writes are refused with the NOSPACE alarm
     */
    public record KeyspaceOptions(String name, long quotaBytes) {}

    /** One member on loopback with the keyspaces {@code control} and {@code etcd}, of 8 GiB each. */
    public static StoreOptions of(Path directory) {
        return new StoreOptions(
                directory,
                "default",
                new InetSocketAddress("127.0.0.1", 0),
                List.of(new KeyspaceOptions("control", 8L << 30), new KeyspaceOptions("etcd", 8L << 30)));
    }
}
