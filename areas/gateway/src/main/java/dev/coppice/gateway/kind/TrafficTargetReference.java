package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.ObjectName;
import dev.coppice.gateway.kind.Names.SectionName;
import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import dev.coppice.schema.Required;
import org.jspecify.annotations.Nullable;

/** Whose requests a policy of the same namespace is for (GEP-2648: a direct policy attachment). */
@Description("Whose requests the policy is for.")
public record TrafficTargetReference(
        @Required @Enumeration(GatewayKinds.GROUP) @Description("Its API group.")
        String group,

        @Required @Enumeration({"Gateway", "HTTPRoute", "GRPCRoute"}) @Description("Gateway, HTTPRoute or GRPCRoute.")
        String kind,

        @Required @ObjectName @Description("Its name, in the namespace of the policy.")
        String name,

        @SectionName @Description("Only this listener of a Gateway, or this rule of a route.") @Nullable
        String sectionName) {

    /** The section; empty for all. */
    public String sectionOrAll() {
        return sectionName == null ? "" : sectionName;
    }
}
