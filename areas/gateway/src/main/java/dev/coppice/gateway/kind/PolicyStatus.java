package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.ControllerName;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListMap;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Required;
import java.util.List;

/** What became of a policy, for each Gateway or Service that it matters for. */
@Description(
        "What became of the policy, for each Gateway, or Service that is the parent of routes, that it matters for.")
public record PolicyStatus(
        @Required @ListType("atomic") @Length(max = 16) @Description("One entry for each of them and each controller.")
        List<Ancestor> ancestors) {

    /** What became of a policy at one of them. */
    @Description("What became of the policy at one Gateway or Service.")
    public record Ancestor(
            @Required @Description("The Gateway or Service.")
            ParentReference ancestorRef,

            @Required @ControllerName @Description("Who says so.")
            String controllerName,

            @Required @ListMap("type") @Length(min = 1, max = 8) @Description("Accepted, ResolvedRefs.")
            List<Condition> conditions) {}
}
