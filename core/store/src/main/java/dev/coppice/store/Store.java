package dev.coppice.store;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Service;

/**
 * One member of a replicated store: a directory with named {@linkplain Keyspace keyspaces}, kept equal on all members by
 * Raft. A {@link Service} for the supervision tree. Safe for use by many threads.
 */
public final class Store implements Service {

    public Store(Kernel kernel, StoreOptions options) {
        throw new UnsupportedOperationException();
    }

    /**
     * The keyspace of that name. It stays valid over restarts of the store; while the store is down its calls fail with code
     * {@code UNAVAILABLE}.
     *
     * @throws IllegalArgumentException when the options name no such keyspace
     */
    public Keyspace keyspace(String name) {
        throw new UnsupportedOperationException(name);
    }

    @Override
    public void start(Failure failure) throws Exception {
        throw new UnsupportedOperationException();
    }

    @Override
    public void stop() throws Exception {
        throw new UnsupportedOperationException();
    }
}
