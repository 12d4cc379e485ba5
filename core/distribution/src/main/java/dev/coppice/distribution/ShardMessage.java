package dev.coppice.distribution;

import java.util.List;
import java.util.Set;

/** What nodes tell each other about sharded processes. */
sealed interface ShardMessage {

    /** For which types the sender has processes; everything it has said before is void. */
    record Hosting(Set<String> types) implements ShardMessage {}

    /** @param round of asking for the slot: an answer to an earlier one says nothing about now */
    record Ask(int slot, long round) {}

    /** The sender is the owner of these slots: whoever has something of them is to hand it over. */
    record Acquire(String type, List<Ask> slots) implements ShardMessage {}

    /** What a process leaves to its next life, as bytes of a message. */
    record State(String id, byte[] bytes) {}

    /**
     * The sender has nothing of a slot any more.
     *
     * @param last else more states follow
     */
    record Released(String type, int slot, long round, List<State> states, boolean last) implements ShardMessage {}

    /** A message for a sharded process, to whoever owns its slot. */
    record Route(String type, String id, int hops, byte[] message) implements ShardMessage {}
}
