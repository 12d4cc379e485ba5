package dev.coppice.coordination.kind;

import dev.coppice.schema.Description;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Who holds it and who waits for it, at this moment. */
@Description("Who holds it and who waits for it, at this moment.")
public record LockStatus(
        @Description("Who holds it, the first one by name.") @Nullable
        String holder,

        @Description("Since when the first of them holds it.") @Nullable
        Instant heldSince,

        @Description("The greatest fencing token of those who hold it.") @Nullable
        Long token,

        @Description("How many hold it.") int holding,
        @Description("How many wait for it.") int waiting,

        @Description("Since when the first of them waits.") @Nullable
        Instant waitingSince,

        @Description("Somebody who waits for it is part of a deadlock.")
        boolean deadlocked,

        @Description("Those who hold it. At most 1,000; in lists at most 10.")
        List<Party> holders,

        @Description("Those who wait for it, in their order. At most 1,000; in lists at most 10.")
        List<Party> waiters) {

    public LockStatus {
        holders = holders == null ? List.of() : List.copyOf(holders);
        waiters = waiters == null ? List.of() : List.copyOf(waiters);
    }
}
