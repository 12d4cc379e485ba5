package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.ControllerName;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListMap;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Required;
import java.util.List;

/** What became of a route, for each parent. */
@Description("What became of the route, for each parent.")
public record RouteStatus(
        @Required @ListType("atomic") @Length(max = 32) @Description("One entry for each parent and controller.")
        List<Parent> parents) {

    /** What became of a route at one parent. */
    @Description("What became of the route at one parent.")
    public record Parent(
            @Required @Description("The parent, as the route names it.")
            ParentReference parentRef,

            @Required @ControllerName @Description("Who says so.")
            String controllerName,

            @Required
            @ListMap("type")
            @Length(min = 1, max = 8)
            @Description("Accepted, ResolvedRefs, PartiallyInvalid.")
            List<Condition> conditions) {}
}
