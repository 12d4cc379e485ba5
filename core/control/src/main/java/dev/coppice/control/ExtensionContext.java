package dev.coppice.control;

import dev.coppice.distribution.Distribution;
import dev.coppice.distribution.consensus.Consensus;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Supervisor;
import dev.coppice.serving.Console;
import dev.coppice.serving.Routes;
import dev.coppice.store.coordination.Coordination;
import java.nio.file.Path;

/** What an extension gets to work with. Safe for use by many threads. */
public interface ExtensionContext {

    Kernel kernel();

    /** Everything the extension runs is a child of this. */
    Supervisor supervisor();

    /** The resource API, acting as the user {@code system:coppice:NAME}. */
    ResourceClient resources();

    /** Makes a kind known: its CustomResourceDefinition is written and served when this returns. */
    void register(Kind<?, ?> kind);

    /**
     * Serves a read-only kind whose objects are made when somebody asks, until the extension ends.
     *
     * @throws IllegalArgumentException when a kind of that name is served already
     */
    void serve(Kind<?, ?> kind, ComputedSource source);

    /** Starts a controller below the extension's supervisor. */
    void start(Controller<?, ?> controller);

    /** A shared, synced local copy of all objects of a kind, for pages and engines. */
    <S extends Record, T extends Record> Informer<S, T> informer(Kind<S, T> kind);

    /** Whether a user may do something; for pages and sub-resources of its own. */
    Authorizer authorizer();

    /** Routes on the API's listener; requests there are authenticated. */
    Routes routes();

    /** Routes on the public listener; requests there are anonymous. */
    Routes publicRoutes();

    Console console();

    /** What lives on several nodes: names, groups, singletons, shards; this node is alone outside of a cluster. */
    Distribution distribution();

    /** State machines of the extension's own, replicated over the cluster. */
    Consensus consensus();

    /** Locks, semaphores, barriers and elections among the users' keys, where etcd's clients contend for the same. */
    Coordination coordination();

    /** {@code DATA/areas/NAME}, made if it is missing. */
    Path dataDirectory();
}
