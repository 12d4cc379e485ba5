package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GroupName;
import dev.coppice.gateway.kind.Names.KindName;
import dev.coppice.gateway.kind.Names.NamespaceName;
import dev.coppice.gateway.kind.Names.ObjectName;
import dev.coppice.gateway.kind.Names.PortNumber;
import dev.coppice.gateway.kind.Names.SectionName;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Required;
import org.jspecify.annotations.Nullable;

/** What a route wants to attach to. */
@Description("What the route wants to attach to.")
public record ParentReference(
        @GroupName @Default("\"gateway.networking.k8s.io\"") @Description("Its API group.") @Nullable
        String group,

        @KindName @Default("\"Gateway\"") @Description("Gateway, ListenerSet, or Service of the core group.") @Nullable
        String kind,

        @NamespaceName @Description("Its namespace; by default the route's.") @Nullable
        String namespace,

        @Required @ObjectName @Description("Its name.") String name,

        @SectionName @Description("Only this listener, or port of a Service.") @Nullable
        String sectionName,

        @PortNumber @Description("Only listeners of this port, or this port of a Service.") @Nullable
        Integer port) {

    static final String NO_MIX_RULE =
            "self.all(p1, self.all(p2, p1.group == p2.group && p1.kind == p2.kind && p1.name == p2.name"
                    + " && (((!has(p1.__namespace__) || p1.__namespace__ == '') && (!has(p2.__namespace__) || p2.__namespace__ == ''))"
                    + " || (has(p1.__namespace__) && has(p2.__namespace__) && p1.__namespace__ == p2.__namespace__))"
                    + " ? ((!has(p1.sectionName) || p1.sectionName == '') == (!has(p2.sectionName) || p2.sectionName == '')"
                    + " && (!has(p1.port) || p1.port == 0) == (!has(p2.port) || p2.port == 0)): true))";
    static final String NO_MIX =
            "sectionName or port must be specified when parentRefs includes 2 or more references to the same parent";
    static final String UNIQUE_RULE =
            "self.all(p1, self.exists_one(p2, p1.group == p2.group && p1.kind == p2.kind && p1.name == p2.name"
                    + " && (((!has(p1.__namespace__) || p1.__namespace__ == '') && (!has(p2.__namespace__) || p2.__namespace__ == ''))"
                    + " || (has(p1.__namespace__) && has(p2.__namespace__) && p1.__namespace__ == p2.__namespace__ ))"
                    + " && (((!has(p1.sectionName) || p1.sectionName == '') && (!has(p2.sectionName) || p2.sectionName == ''))"
                    + " || ( has(p1.sectionName) && has(p2.sectionName) && p1.sectionName == p2.sectionName))"
                    + " && (((!has(p1.port) || p1.port == 0) && (!has(p2.port) || p2.port == 0))"
                    + " || (has(p1.port) && has(p2.port) && p1.port == p2.port))))";
    static final String UNIQUE =
            "sectionName or port must be unique when parentRefs includes 2 or more references to the same parent";

    public String groupOrDefault() {
        return group == null ? GatewayKinds.GROUP : group;
    }

    public String kindOrDefault() {
        return kind == null ? "Gateway" : kind;
    }
}
