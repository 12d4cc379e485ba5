package dev.coppice.store.coordination;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Supervisor;
import dev.coppice.store.Keyspace;

/**
 * Locks, read-write locks, semaphores, barriers and elections, held by {@linkplain Session sessions}. In this process or
 * over the network: whatever the keyspace is. Safe for use by many threads.
 *
 * <pre>{@code
 * try (Session session = coordination.open(SessionOptions.DEFAULT);
 *         Grant grant = session.lock("jobs/nightly").acquire()) {
 *     run(grant.token());
 * }
 * }</pre>
 */
public final class Coordination {
    private final Kernel kernel;
    private final Supervisor supervisor;
    private final Keyspace keyspace;

    /**
     * @param supervisor what sessions run under
     * @param keyspace where their keys lie
     */
    public Coordination(Kernel kernel, Supervisor supervisor, Keyspace keyspace) {
        this.kernel = kernel;
        this.supervisor = supervisor;
        this.keyspace = keyspace;
    }

    /**
     * Begins a session: a lease that is renewed until it is closed.
     *
     * @throws dev.coppice.store.StoreException when the store does not grant a lease
     */
    public Session open(SessionOptions options) {
        return Session.open(kernel, supervisor, keyspace, options);
    }
}
