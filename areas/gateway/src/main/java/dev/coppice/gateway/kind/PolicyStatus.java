package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.ControllerName;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListMap;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Required;
import java.util.List;

/** What became of a policy, for each Gateway that it matters for. */
@Description("What became of the policy, for each Gateway that it matters for.")
public record PolicyStatus(
        @Required @ListType("atomic") @Length(max = 16) @Description("One entry for each Gateway and controller.")
        List<Ancestor> ancestors) {

    /** What became of a policy at one Gateway. */
    @Description("What became of the policy at one Gateway.")
    public record Ancestor(
            @Required @Description("The Gateway.") ParentReference ancestorRef,

            @Required @ControllerName @Description("Who says so.")
            String controllerName,

            @Required @ListMap("type") @Length(min = 1, max = 8) @Description("Accepted, ResolvedRefs.")
            List<Condition> conditions) {}
}
