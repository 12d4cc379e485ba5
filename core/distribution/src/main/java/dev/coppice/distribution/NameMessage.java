package dev.coppice.distribution;

import dev.coppice.kernel.ProcessRef;
import java.util.List;

/** What nodes tell each other about names. */
sealed interface NameMessage {

    /**
     * Who has a name.
     *
     * @param claim number of the registration, unique on its node
     * @param atMillis when it was registered, by its node's clock
     */
    record Entry(String name, NodeId home, long claim, long atMillis, ProcessRef<?> process) {
        boolean same(Entry other) {
            return claim == other.claim && home.equals(other.home);
        }

        /** Whether it stays when both have the name: who was earlier. All nodes decide alike. */
        boolean beats(Entry other) {
            if (atMillis != other.atMillis) {
                return atMillis < other.atMillis;
            }
            int byHome = home.compareTo(other.home);
            return byHome != 0 ? byHome < 0 : claim < other.claim;
        }
    }

    /** May I have the name? */
    record Claim(String name, long claim) implements NameMessage {}

    record Granted(long claim) implements NameMessage {}

    /** @param taken somebody has it; else somebody is about to get it */
    record Refused(long claim, boolean taken) implements NameMessage {}

    record Release(String name, long claim) implements NameMessage {}

    record Commit(Entry entry) implements NameMessage {}

    /** It is given up. */
    record Drop(String name, long claim) implements NameMessage {}

    /** To the node of the one that has to go. */
    record Lost(Entry loser, Entry winner) implements NameMessage {}

    /** Everything that the sender's own processes have; the first that a newly connected node hears. */
    record Sync(List<Entry> entries) implements NameMessage {}
}
