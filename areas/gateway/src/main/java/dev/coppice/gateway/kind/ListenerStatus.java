package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.SectionName;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListMap;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Required;
import java.util.List;

/** What became of a listener. */
@Description("What became of a listener.")
public record ListenerStatus(
        @Required @SectionName @Description("Its name.") String name,

        @ListType("atomic") @Length(max = 8) @Description("Kinds of routes that may attach.")
        List<AllowedRoutes.RouteKind> supportedKinds,

        @Required @Description("How many routes are attached.")
        Integer attachedRoutes,

        @Required @ListMap("type") @Length(max = 8) @Description("Accepted, Programmed, ResolvedRefs, Conflicted.")
        List<Condition> conditions) {}
