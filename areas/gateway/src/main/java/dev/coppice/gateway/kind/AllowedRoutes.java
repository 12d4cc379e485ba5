package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GroupName;
import dev.coppice.gateway.kind.Names.KindName;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Required;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which routes may attach to a listener. */
@Description("Which routes may attach to the listener.")
public record AllowedRoutes(
        @Default("{\"from\":\"Same\"}") @Description("From which namespaces.") @Nullable
        Namespaces namespaces,

        @ListType("atomic")
        @Length(max = 8)
        @Description("Which kinds of routes; by default those that fit the protocol.")
        List<RouteKind> kinds) {

    /** From which namespaces routes may attach. */
    @Description("From which namespaces routes may attach.")
    public record Namespaces(
            @Default("\"Same\"")
            @Enumeration({"All", "Selector", "Same"})
            @Description("All, Selector or Same.")
            @Nullable
            String from,

            @Description("Chooses namespaces by their labels, with from: Selector.") @Nullable
            LabelSelector selector) {}

    /** A kind of routes. */
    @Description("A kind of routes.")
    public record RouteKind(
            @GroupName @Default("\"gateway.networking.k8s.io\"") @Description("Its API group.") @Nullable
            String group,

            @Required @KindName @Description("Its name.") String kind) {
        public String groupOrDefault() {
            return group == null ? GatewayKinds.GROUP : group;
        }
    }
}
