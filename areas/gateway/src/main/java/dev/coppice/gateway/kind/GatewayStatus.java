package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.AddressType;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListMap;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What became of a Gateway. */
@Default(GatewayStatus.WAITING)
@Description("What became of the Gateway.")
public record GatewayStatus(
        @ListType("atomic") @Length(max = 16) @Description("Where it listens.")
        List<Address> addresses,

        @ListMap("type")
        @Length(max = 8)
        @Default(GatewayStatus.CONDITIONS)
        @Description("Accepted, Programmed, ResolvedRefs.")
        List<Condition> conditions,

        @ListMap("name") @Length(max = 64) @Description("What became of its listeners.")
        List<ListenerStatus> listeners,

        @Description("How many ListenerSets are attached.") @Nullable
        Integer attachedListenerSets) {
    static final String CONDITIONS = """
            [{"type":"Accepted","status":"Unknown","reason":"Pending","message":"Waiting for controller",\
            "lastTransitionTime":"1970-01-01T00:00:00Z"},\
            {"type":"Programmed","status":"Unknown","reason":"Pending","message":"Waiting for controller",\
            "lastTransitionTime":"1970-01-01T00:00:00Z"}]""";
    static final String WAITING = "{\"conditions\":" + CONDITIONS + "}";

    /** An address that a Gateway has. */
    @Rule(
            value =
                    "self.type == 'Hostname' ? self.value.matches('^(\\\\*\\\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'): true",
            message =
                    "Hostname value must only contain valid characters (matching ^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$)")
    @Description("An address that the Gateway has.")
    public record Address(
            @AddressType @Default("\"IPAddress\"") @Description("What it is.") @Nullable
            String type,

            @Required @Length(min = 1, max = 253) @Description("The address.")
            String value) {}
}
