package dev.coppice.control.member;

import dev.coppice.schema.Description;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** How a node is, as another one sees it. */
@Description("How the node is, as the asked node sees it.")
public record MemberStatus(
        @Description("self, up, down (it was connected before) or unknown (no node was found at the address).")
        String state,

        @Description("Differs from that of every other life of the node.") @Nullable
        String incarnation,

        @Description("Since when it is up, or down.") @Nullable
        Instant since,

        @Description("Why it is not connected.") @Nullable String problem) {}
