package dev.coppice.coordination.kind;

import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is done about deadlocks among some locks. */
@Description(
        "What is done about deadlocks among some locks. A deadlock is resolved only when that is said of every lock in it;"
                + " of several policies that name a lock, the one with the longest prefix counts. Without a policy, deadlocks are"
                + " reported.")
public record DeadlockPolicySpec(
        @Length(max = 100) @Description("What the names of the locks and elections begin with. Without any: all.")
        List<String> prefixes,

        @Default("\"Report\"")
        @Description(
                "Report: an Event tells of it. AbortYoungest: besides, the leases of the one that began last are revoked,"
                        + " so that what it holds is free and what it waits for fails.")
        @Nullable
        Action action) {

    public DeadlockPolicySpec {
        prefixes = prefixes == null ? List.of() : List.copyOf(prefixes);
    }

    /** What is done. */
    public enum Action {
        Report,
        AbortYoungest
    }

    /** The action, also where it is left out. */
    public Action chosen() {
        return action == null ? Action.Report : action;
    }
}
