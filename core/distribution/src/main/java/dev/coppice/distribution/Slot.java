package dev.coppice.distribution;

import dev.coppice.kernel.ProcessRef;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A share of the identifiers of a sharded type, as one node sees it. Guarded by {@link Shards}. */
final class Slot {
    /** Where it is in the taking and giving. */
    enum Phase {
        /** Another node's; what is kept here waits for that one to ask. */
        FOREIGN,
        /** This node's, once all others have said that they have nothing of it. */
        ACQUIRING,
        ACTIVE,
        /** Another node's, once nothing that this one has asked for is on its way any more. */
        WITHDRAWING,
        /** Another node's, once the processes here have handed over. */
        RELEASING
    }

    /** A message that waits for the slot to be somebody's. */
    record Held(String id, Object message, int hops) {}

    Phase phase = Phase.FOREIGN;

    /** Those who have not answered yet, and in which round each was asked last. */
    final Map<NodeId, Long> awaited = new HashMap<>();

    /** Those who asked and have not been answered yet. */
    final Map<NodeId, Long> asking = new HashMap<>();

    /** Of this node's asking; answers to an earlier one may still be on their way. */
    long round;

    /** To whom this node gave what it had, last, and how often it gave. */
    @Nullable
    NodeId heir;

    long gifts;

    /** The last gift of each node that was followed. */
    final Map<NodeId, Long> followed = new HashMap<>();

    final Map<String, ProcessRef<Object>> entities = new HashMap<>();

    /** What processes that do not live here now begin with. */
    final Map<String, byte[]> states = new HashMap<>();

    final ArrayDeque<Held> held = new ArrayDeque<>();
}
