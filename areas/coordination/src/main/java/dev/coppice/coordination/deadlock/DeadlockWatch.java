package dev.coppice.coordination.deadlock;

import dev.coppice.coordination.contention.Contention;
import dev.coppice.coordination.contention.ContentionTable;

/** The deadlocks that there are now, found anew when something changed. Safe for use by many threads. */
public final class DeadlockWatch {
    private final ContentionTable table;
    private Contention seen = Contention.EMPTY;
    private Deadlocks.Found found = Deadlocks.Found.NOTHING;

    public DeadlockWatch(ContentionTable table) {
        this.table = table;
    }

    /**
     * A picture, and the deadlocks in it.
     */
    public record View(Contention contention, Deadlocks.Found found) {
        /** Whether a name is in the cycle of one. */
        public boolean deadlocked(String name) {
            return found.deadlocks().stream().anyMatch(each -> each.names().contains(name));
        }
    }

    public synchronized View now() {
        Contention contention = table.now();
        if (contention != seen) {
            found = Deadlocks.in(contention);
            seen = contention;
        }
        return new View(contention, found);
    }
}
