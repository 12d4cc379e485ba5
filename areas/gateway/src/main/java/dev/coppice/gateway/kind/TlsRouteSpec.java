package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.Hostname;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.util.List;

/** Routes TLS connections to Services by the host name that they ask for. */
@Required
@Description("Routes TLS connections to Services by the host name that they ask for (SNI).")
public record TlsRouteSpec(
        @ListType("atomic")
        @Length(max = 32)
        @Rule(value = ParentReference.NO_MIX_RULE, message = ParentReference.NO_MIX)
        @Rule(value = ParentReference.UNIQUE_RULE, message = ParentReference.UNIQUE)
        @Description("What it wants to attach to: Gateways, ListenerSets or listeners of them.")
        List<ParentReference> parentRefs,

        @Required
        @ListType("atomic")
        @Length(min = 1, max = 1024)
        @Rule(value = "self.all(h, !isIP(h))", message = "Hostnames cannot contain an IP")
        @Rule(
                value =
                        "self.all(h, !h.contains('*') ? h.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)$') : true)",
                message = "Hostnames must be valid based on RFC-1123")
        @Rule(
                value =
                        "self.all(h, h.contains('*') ? (h.startsWith('*.') && h.substring(2).matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)$')) : true)",
                message =
                        "Wildcards on hostnames must be the first label, and the rest of hostname must be valid based on RFC-1123")
        @Description("Host names that it is for.")
        List<@Hostname String> hostnames,

        @Required @ListType("atomic") @Length(min = 1, max = 1) @Description("What becomes of connections.")
        List<StreamRule> rules) {}
