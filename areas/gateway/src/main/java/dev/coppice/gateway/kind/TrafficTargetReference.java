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

        @Required
        @Enumeration({"Gateway", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"})
        @Description("Gateway, HTTPRoute or GRPCRoute; TLSRoute, TCPRoute or UDPRoute where streams are meant, too.")
        String kind,

        @Required @ObjectName @Description("Its name, in the namespace of the policy.")
        String name,

        @SectionName @Description("Only this listener of a Gateway, or this rule of a route.") @Nullable
        String sectionName) {

    /** CEL over a list: targets have requests, which streams have not. */
    static final String OF_REQUESTS = "self.all(t, t.kind in ['Gateway', 'HTTPRoute', 'GRPCRoute'])";

    /** What {@link #OF_REQUESTS} expects. */
    static final String ARE_OF_REQUESTS =
            "targets are Gateways, or routes that have requests: expected kind Gateway, HTTPRoute or GRPCRoute";

    /** The section; empty for all. */
    public String sectionOrAll() {
        return sectionName == null ? "" : sectionName;
    }
}
