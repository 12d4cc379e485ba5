package dev.coppice.gateway.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.util.List;

/** Routes TCP connections or UDP datagrams to Services. */
@Required
@Description("Routes connections or datagrams to Services.")
public record StreamRouteSpec(
        @ListType("atomic")
        @Length(max = 32)
        @Rule(value = ParentReference.NO_MIX_RULE, message = ParentReference.NO_MIX)
        @Rule(value = ParentReference.UNIQUE_RULE, message = ParentReference.UNIQUE)
        @Description("What it wants to attach to: Gateways, ListenerSets or listeners of them.")
        List<ParentReference> parentRefs,

        @Required @ListType("atomic") @Length(min = 1, max = 16) @Description("What becomes of them.")
        List<StreamRule> rules) {}
