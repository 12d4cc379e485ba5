package dev.coppice.store.etcd;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;

/**
 * Ends the streams of clients who asked for that (metadata {@code hasleader}) when there has been no leader for three looks, a
 * second each, as etcd does: they go to another member then, instead of waiting on one that is cut off. Safe for use by many
 * threads.
 */
final class LeaderlessStreams {

    private static final int PATIENCE = 3;

    private final BooleanSupplier led;
    private final Set<Runnable> ends = ConcurrentHashMap.newKeySet();
    private int looksWithoutLeader;

    /** @param led whether there is a leader */
    LeaderlessStreams(BooleanSupplier led) {
        this.led = led;
    }

    /**
     * Takes a stream up.
     *
     * @param end ends it
     * @return forgets it
     */
    Runnable add(Runnable end) {
        Runnable entry = end::run;
        ends.add(entry);
        return () -> ends.remove(entry);
    }

    /** Looks whether there is a leader; by one thread. */
    void check() {
        looksWithoutLeader = led.getAsBoolean() ? 0 : looksWithoutLeader + 1;
        if (looksWithoutLeader >= PATIENCE) {
            for (Runnable each : ends) {
                ends.remove(each);
                each.run();
            }
        }
    }
}
