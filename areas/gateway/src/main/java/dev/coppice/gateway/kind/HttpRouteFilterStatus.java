package dev.coppice.gateway.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListMap;
import java.util.List;

/** What became of a filter. */
@Description("What became of the filter.")
public record HttpRouteFilterStatus(
        @ListMap("type") @Length(max = 8) @Description("Accepted, ResolvedRefs.")
        List<Condition> conditions) {}
