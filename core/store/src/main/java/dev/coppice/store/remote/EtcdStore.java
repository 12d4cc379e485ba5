package dev.coppice.store.remote;

import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Service;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.store.Keyspace;
import dev.coppice.store.StoreException;

/**
 * A store that is a real etcd cluster: nothing is kept in this process. Runs below a supervisor of its own with its watches,
 * and with its candidacy where several nodes share the etcd. Safe for use by many threads.
 */
public final class EtcdStore {

    private final Kernel kernel;
    private final Supervisor tree;
    private final EtcdKeyspace keyspace;

    private EtcdStore(Kernel kernel, Supervisor tree, EtcdKeyspace keyspace) {
        this.kernel = kernel;
        this.tree = tree;
        this.keyspace = keyspace;
    }

    /**
     * Starts it below a supervisor as a child called {@code store}, once a member has answered.
     *
     * @param name of its keyspace
     * @throws StartException when no member answers, or refuses this client
     */
    public static EtcdStore start(Kernel kernel, Supervisor parent, EtcdOptions options, String name)
            throws StartException {
        EtcdStore store = connect(kernel, parent, options, name);
        try {
            long revision = store.keyspace.revision();
            System.getLogger(EtcdStore.class.getName())
                    .log(System.Logger.Level.DEBUG, "the etcd is at revision {0}", revision);
        } catch (StoreException e) {
            boolean _ = parent.stop("store");
            throw new StartException(String.valueOf(e.getMessage()), e);
        }
        return store;
    }

    /**
     * The same, but asks nobody yet: that no member answers is seen by the first who uses the keyspace. This is for users who
     * may not read below the prefix.
     *
     * @throws StartException when a file of the certificates cannot be used
     */
    public static EtcdStore connect(Kernel kernel, Supervisor parent, EtcdOptions options, String name)
            throws StartException {
        EtcdMeters meters = new EtcdMeters(kernel);
        EtcdConnection connection;
        try {
            connection = new EtcdConnection(kernel, options, meters);
        } catch (IllegalStateException e) {
            throw new StartException(String.valueOf(e.getMessage()), e);
        }
        Supervisor tree = parent.startSupervisor("store", SupervisorOptions.DEFAULT);
        var unused = tree.start(ChildSpec.service("connection", () -> new Closing(connection)));
        Supervisor watchers = tree.startSupervisor("watches", SupervisorOptions.DEFAULT);
        EtcdKeyspace keyspace =
                new EtcdKeyspace(name, kernel, connection, new KeyPrefix(options.prefix()), meters, watchers);
        return new EtcdStore(kernel, tree, keyspace);
    }

    /** Last to stop: whoever is above may still ask. */
    private record Closing(EtcdConnection connection) implements Service {
        @Override
        public void start(Failure failure) {}

        @Override
        public void stop() {
            connection.close();
        }
    }

    public Keyspace keyspace() {
        return keyspace;
    }

    /** Makes this node one of those of which one leads, as long as the store runs. */
    public EtcdCandidacy stand(String nodeName) throws StartException {
        EtcdCandidacy candidacy = new EtcdCandidacy(kernel, keyspace, nodeName);
        try {
            candidacy.look();
        } catch (StoreException e) {
            throw new StartException(String.valueOf(e.getMessage()), e);
        }
        var unused = tree.start(ChildSpec.task("candidacy", candidacy::run));
        return candidacy;
    }
}
