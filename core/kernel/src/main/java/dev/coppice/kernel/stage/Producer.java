package dev.coppice.kernel.stage;

import java.util.List;

/** Where messages come from. A new one is made for every life of a worker; used by one thread. */
@FunctionalInterface
public interface Producer<T> {

    /**
     * Waits for messages and gives at least one, at most {@code demand}; an empty list says that there will never be more.
     * A drain interrupts it: one that throws InterruptedException must not have taken anything.
     */
    List<T> produce(int demand) throws Exception;
}
