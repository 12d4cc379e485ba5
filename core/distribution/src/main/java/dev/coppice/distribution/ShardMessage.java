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
     * @param heirs to whom the sender gave what it had of the slot before; at most one
     * @param gifts how often it has given of it: the same number tells nothing new
     */
    record Released(String type, int slot, long round, List<State> states, boolean last, List<NodeId> heirs, long gifts)
            implements ShardMessage {}

    /** The sender is not the owner any more: nothing of these slots is to be sent for these rounds. */
    record Withdraw(String type, List<Ask> slots) implements ShardMessage {}

    /** Nothing will be sent for these rounds; what was is before this. */
    record Withdrawn(String type, List<Ask> slots) implements ShardMessage {}

    /** The sender has something of these slots, which the receiver owns: it may ask for it again. */
    record Parked(String type, List<Integer> slots) implements ShardMessage {}

    /** A message for a sharded process, to whoever owns its slot. */
    record Route(String type, String id, int hops, byte[] message) implements ShardMessage {}
}
