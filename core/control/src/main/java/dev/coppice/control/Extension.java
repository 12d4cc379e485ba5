package dev.coppice.control;

import java.util.List;

/**
 * A part that is added to Coppice: its kinds, controllers, routes and pages, registered through the context. Bundled areas
 * and users' own are alike. A fresh instance is made for every start.
 */
public interface Extension {

    /** Lower case, such as {@code health}; names its supervisor and its data directory. */
    String name();

    /**
     * What it mounts on the public listener. In a cluster, where it runs on the leader's node only, the other nodes pass
     * requests for these on.
     */
    default List<String> publicPrefixes() {
        return List.of();
    }

    /**
     * What its controllers do in the resource API, for those who have to grant it: in a Kubernetes cluster they run under
     * RBAC. Empty for an extension that works in a node only.
     */
    default List<Permission> permissions() {
        return List.of();
    }

    /** Registers everything and starts what runs, below {@link ExtensionContext#supervisor}. Returns once it works. */
    void start(ExtensionContext context) throws Exception;

    /** Runs before its supervisor is stopped. */
    default void stop() throws Exception {}
}
