package dev.coppice.control.process;

import dev.coppice.schema.Description;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How it is at this moment. */
@Description("How it is at this moment.")
public record ProcessStatus(
        @Description("starting, running, restarting or stopped.")
        String state,

        @Description("When it was last started.") Instant startedAt,

        @Description("How often it was restarted.") long restarts,

        @Description("Messages waiting in its mailbox.") int mailbox,

        @Description("Messages handled, or runs of a periodic action, since its last start.")
        long handled,

        @Description("Messages handled, or runs, per second over the rateWindow.")
        double messagesPerSecond,

        @Description(
                "An estimate of the share of one processor over the rateWindow: busyPercent without the part in which looks at its"
                        + " thread found it waiting.")
        double cpuPercent,

        @Description("The share of the rateWindow that it spent in handlers, waiting included.")
        double busyPercent,

        @Description("The same since its last start.") double busyPercentSinceStart,

        @Description("Time spent in handlers since its last start.")
        String busy,

        @Description(
                "The time that messagesPerSecond and the shares are means of: since the last look, or since the last start when"
                        + " nobody has looked within a minute.")
        String rateWindow,

        @Description(
                "An estimate of the memory that it alone holds: its own objects, its mail without what the messages hold, and its"
                        + " state as far as it lies in collections, records and its own package.")
        String memory,

        @Description("The same in bytes.") long memoryBytes,

        @Description("The estimate was cut short by its bound: it is more.") @Nullable
        Boolean memoryCut,

        @Description("Supervisors: how many children it has.") @Nullable
        Integer children,

        @Description("Supervisors: how many of them lists leave out. Each can be read by its name.") @Nullable
        Integer omittedChildren,

        @Description("Processes it lives and dies with. Only where one is read by its name.") @Nullable
        Integer links,

        @Description("Others that are told when it ends. Only where one is read by its name.") @Nullable
        Integer monitors,

        @Description("The last crash in words.") @Nullable String lastCrash,

        @Description("The last crashes that are remembered, newest first. Only where one is read by its name.")
        List<Crash> crashes,

        @Description("What its thread does at this moment. Only where one is read by its name.")
        List<String> stack,

        @Description("What it tells of its state. Only where one is read by its name.") @Nullable
        String summary,

        @Description("Whether it is traced; see processes/NAME/trace. Only where one is read by its name.") @Nullable
        Boolean traced) {

    public ProcessStatus {
        crashes = crashes == null ? List.of() : List.copyOf(crashes);
        stack = stack == null ? List.of() : List.copyOf(stack);
    }

    /** A crash. */
    @Description("A crash.")
    public record Crash(
            @Description("When it happened.") Instant at,

            @Description("What was thrown, or why it was killed.")
            String reason,

            @Description("Where it was thrown, causes included.")
            List<String> stack) {

        public Crash {
            stack = stack == null ? List.of() : List.copyOf(stack);
        }
    }
}
