package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GroupName;
import dev.coppice.gateway.kind.Names.KindName;
import dev.coppice.gateway.kind.Names.ObjectName;
import dev.coppice.schema.Description;
import dev.coppice.schema.Required;

/** A reference to an object of the same namespace. */
@Description("A reference to an object of the same namespace.")
public record LocalReference(
        @GroupName @Required @Description("Its API group; empty for the core.")
        String group,

        @Required @KindName @Description("Its kind.") String kind,
        @Required @ObjectName @Description("Its name.") String name) {}
