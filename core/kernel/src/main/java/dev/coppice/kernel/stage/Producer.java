package dev.coppice.kernel.stage;

import java.util.List;

/** Where messages come from. A new one is made for every life of a worker, and used by that one thread. */
@FunctionalInterface
public interface Producer<T> {

    /**
     * Waits for messages and gives at least one, at most {@code demand}; an empty list says that there will never be more.
     * A drain interrupts it: one that throws InterruptedException must not have taken anything.
     */
    List<T> produce(int demand) throws Exception;

    /**
     * A drain begins; called by another thread.
     *
     * @return true when it gives what it still holds and then an empty list, by itself; else it is interrupted
     */
    default boolean drain() {
        return false;
    }

    /** This life is over. */
    default void close() throws Exception {}
}
