package dev.coppice.coordination.kind;

import dev.coppice.schema.Description;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Who leads and who would, at this moment. */
@Description("Who leads and who would, at this moment.")
public record ElectionStatus(
        @Description("What the leader proclaims.") @Nullable String leader,

        @Description("Since when it leads.") @Nullable Instant leadsSince,

        @Description("The fencing token of its leadership.") @Nullable
        Long token,

        @Description("How many wait to lead.") int waiting,

        @Description("A candidate is part of a deadlock.") boolean deadlocked,

        @Description("The leader, then those who wait to lead, in their order. At most 1,000; in lists at most 10.")
        List<Party> candidates) {

    public ElectionStatus {
        candidates = candidates == null ? List.of() : List.copyOf(candidates);
    }
}
