package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GroupName;
import dev.coppice.gateway.kind.Names.KindName;
import dev.coppice.gateway.kind.Names.NamespaceName;
import dev.coppice.gateway.kind.Names.ObjectName;
import dev.coppice.gateway.kind.Names.PortNumber;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import org.jspecify.annotations.Nullable;

/** A Service that a share of the connections is sent to. */
@Rule(
        value = "(size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true",
        message = "Must have port for Service reference")
@Description("A Service that a share of the connections is sent to.")
public record WeightedBackend(
        @GroupName @Default("\"\"") @Description("Its API group; empty for the core.") @Nullable
        String group,

        @KindName @Default("\"Service\"") @Description("Its kind: Service.") @Nullable
        String kind,

        @Required @ObjectName @Description("Its name.") String name,

        @NamespaceName @Description("Its namespace; another than the route's needs a ReferenceGrant there.") @Nullable
        String namespace,

        @PortNumber @Description("The port of the Service.") @Nullable
        Integer port,

        @Default("1")
        @Minimum(0)
        @Maximum(1000000)
        @Description("Its share of the requests, by the sum of all weights.")
        @Nullable
        Integer weight) {
    public BackendReference reference() {
        return new BackendReference(group, kind, name, namespace, port);
    }

    public int weightOrDefault() {
        return weight == null ? 1 : weight;
    }
}
