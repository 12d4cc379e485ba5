package dev.coppice.control.member;

import dev.coppice.schema.Description;
import org.jspecify.annotations.Nullable;

/** A node. */
@Description("A node of the cluster. Which ones there are is found out by the nodes, and cannot be changed here.")
public record MemberSpec(
        @Description("The node's name; without it no node was found at the address yet.") @Nullable
        String node,

        @Description("Where the asked node calls it; without it that one calls.") @Nullable
        String address) {}
