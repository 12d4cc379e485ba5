package dev.coppice.distribution;

import dev.coppice.kernel.ProcessRef;
import java.util.List;

/** What nodes tell each other about groups: each node speaks of its own processes only. */
sealed interface GroupMessage {
    record Membership(String group, ProcessRef<?> process) {}

    record Joined(Membership member) implements GroupMessage {}

    record Left(Membership member) implements GroupMessage {}

    /** All of the sender's members; the first that a newly connected node hears. */
    record Members(List<Membership> members) implements GroupMessage {}
}
