package dev.coppice.gateway.kind;

import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListMap;
import java.util.List;

/** What became of a ListenerSet. */
@Default(GatewayStatus.WAITING)
@Description("What became of the ListenerSet.")
public record ListenerSetStatus(
        @ListMap("type") @Length(max = 8) @Default(GatewayStatus.CONDITIONS) @Description("Accepted, Programmed.")
        List<Condition> conditions,

        @ListMap("name") @Length(max = 64) @Description("What became of its listeners.")
        List<ListenerStatus> listeners) {}
