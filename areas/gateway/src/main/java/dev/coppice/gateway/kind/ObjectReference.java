package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GroupName;
import dev.coppice.gateway.kind.Names.KindName;
import dev.coppice.gateway.kind.Names.NamespaceName;
import dev.coppice.gateway.kind.Names.ObjectName;
import dev.coppice.schema.Description;
import dev.coppice.schema.Required;
import org.jspecify.annotations.Nullable;

/** A reference to an object that may be in another namespace. */
@Description("A reference to an object; into another namespace it needs a ReferenceGrant there.")
public record ObjectReference(
        @Required @GroupName @Description("Its API group; empty for the core.")
        String group,

        @Required @KindName @Description("Its kind.") String kind,
        @Required @ObjectName @Description("Its name.") String name,

        @NamespaceName @Description("Its namespace; by default that of the object that refers to it.") @Nullable
        String namespace) {}
