package dev.coppice.coordination.kind;

import dev.coppice.control.runtime.Condition;
import dev.coppice.schema.Description;
import dev.coppice.schema.ListMap;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a policy met with. */
@Description("What the policy met with.")
public record DeadlockPolicyStatus(
        @Description("Deadlocks that it decided on.") long deadlocks,

        @Description("How many of them were resolved.") long aborted,

        @Description("When the last of them was found.") @Nullable
        Instant lastDeadlock,

        @Description("The generation of the spec that was read.") @Nullable
        Long observedGeneration,

        @ListMap("type") @Description("Conditions.") List<Condition> conditions) {

    public DeadlockPolicyStatus {
        conditions = conditions == null ? List.of() : List.copyOf(conditions);
    }
}
