package dev.coppice.control.process;

import dev.coppice.schema.Description;
import org.jspecify.annotations.Nullable;

/** What runs, and how its supervisor treats it. */
@Description("What runs, and how its supervisor treats it. It is decided by the program, and cannot be changed here.")
public record ProcessSpec(
        @Description("Its path in the supervision tree, such as /control/watch-feed.")
        String path,

        @Description("The path of its supervisor; / is the top one.")
        String parent,

        @Description("process, task, service, periodic or supervisor.")
        String sort,

        @Description("When it is started again: permanent (always), transient (when it failed) or temporary (never).")
        String restart,

        @Description("How long it may take to stop before it is killed, such as 5s; without it there is no limit.")
        @Nullable
        String shutdown,

        @Description("Processes: onDemand (a thread only while there is mail) or dedicated (a thread of its own).")
        @Nullable
        String mode,

        @Description("Processes: messages that may wait.") @Nullable
        Integer mailboxLimit,

        @Description("Processes: what becomes of a message to a full mailbox: block, drop or reject.") @Nullable
        String overflow,

        @Description("Periodic actions: the time between two runs.") @Nullable
        String interval,

        @Description("Supervisors: which siblings are restarted with a child that died.") @Nullable
        String strategy,

        @Description("Supervisors: restarts allowed within the period; one more stops the supervisor.") @Nullable
        Integer maxRestarts,

        @Description("Supervisors: the sliding window of maxRestarts.") @Nullable
        String period,

        @Description("Supervisors: the most children it may hold.") @Nullable
        Integer maxChildren) {}
