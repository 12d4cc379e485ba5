package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GroupName;
import dev.coppice.gateway.kind.Names.KindName;
import dev.coppice.gateway.kind.Names.NamespaceName;
import dev.coppice.gateway.kind.Names.ObjectName;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListMap;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Further listeners of a Gateway, which others than its owner may write. */
@Required
@Description("Further listeners of a Gateway, which others than its owner may write.")
public record ListenerSetSpec(
        @Required @Description("The Gateway.") Parent parentRef,

        @Required
        @ListMap("name")
        @Length(min = 1, max = 64)
        @Rule(
                value = "self.all(l, l.protocol.matches('(?i)^(HTTP|TCP|UDP)$') ? !has(l.tls) : true)",
                message = "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']")
        @Rule(
                value =
                        "self.all(l, (l.protocol.matches('(?i)^HTTPS$') && has(l.tls)) ? (l.tls.mode == '' || l.tls.mode == 'Terminate') : true)",
                message = "tls mode must be Terminate for protocol HTTPS")
        @Rule(
                value =
                        "self.all(l, (l.protocol.matches('(?i)^TLS$') ? has(l.tls) && has(l.tls.mode) && l.tls.mode != '' : true))",
                message = "tls mode must be set for protocol TLS")
        @Rule(
                value =
                        "self.all(l, l.protocol.matches('(?i)^(TCP|UDP)$')  ? (!has(l.hostname) || l.hostname == '') : true)",
                message = "hostname must not be specified for protocols ['TCP', 'UDP']")
        @Rule(
                value = "self.all(l1, self.exists_one(l2, l1.name == l2.name))",
                message = "Listener name must be unique within the Gateway")
        @Rule(
                value =
                        "self.all(l1, !has(l1.port) || self.exists_one(l2, has(l2.port) && l1.port == l2.port && l1.protocol.lowerAscii() == l2.protocol.lowerAscii() && (has(l1.hostname) && has(l2.hostname) ? l1.hostname == l2.hostname : !has(l1.hostname) && !has(l2.hostname))))",
                message = "Combination of port, protocol and hostname must be unique for each listener")
        @Description("Where it listens.")
        List<ListenerSpec> listeners) {

    /** The Gateway that a set belongs to. */
    @Description("The Gateway that the set belongs to.")
    public record Parent(
            @GroupName @Default("\"gateway.networking.k8s.io\"") @Description("Its API group.") @Nullable
            String group,

            @KindName @Default("\"Gateway\"") @Description("Its kind.") @Nullable
            String kind,

            @Required @ObjectName @Description("Its name.") String name,

            @NamespaceName @Description("Its namespace; by default the set's.") @Nullable
            String namespace) {}
}
