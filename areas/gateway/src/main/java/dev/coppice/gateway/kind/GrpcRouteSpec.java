package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GroupName;
import dev.coppice.gateway.kind.Names.Hostname;
import dev.coppice.gateway.kind.Names.KindName;
import dev.coppice.gateway.kind.Names.NamespaceName;
import dev.coppice.gateway.kind.Names.ObjectName;
import dev.coppice.gateway.kind.Names.PortNumber;
import dev.coppice.gateway.kind.Names.SectionName;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListMap;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Routes gRPC calls to Services. */
@Required
@Description("Routes gRPC calls to Services.")
public record GrpcRouteSpec(
        @ListType("atomic")
        @Length(max = 32)
        @Rule(value = ParentReference.NO_MIX_RULE, message = ParentReference.NO_MIX)
        @Rule(value = ParentReference.UNIQUE_RULE, message = ParentReference.UNIQUE)
        @Description("What it wants to attach to: Gateways, ListenerSets or listeners of them.")
        List<ParentReference> parentRefs,

        @ListType("atomic")
        @Length(max = 16)
        @Description("Host names that it is for; by default those of the listeners.")
        List<@Hostname String> hostnames,

        @ListType("atomic")
        @Length(max = 16)
        @Rule(
                value =
                        "(self.size() > 0 ? (has(self[0].matches) ? self[0].matches.size() : 0) : 0) + (self.size() > 1 ? (has(self[1].matches) ? self[1].matches.size() : 0) : 0) + (self.size() > 2 ? (has(self[2].matches) ? self[2].matches.size() : 0) : 0) + (self.size() > 3 ? (has(self[3].matches) ? self[3].matches.size() : 0) : 0) + (self.size() > 4 ? (has(self[4].matches) ? self[4].matches.size() : 0) : 0) + (self.size() > 5 ? (has(self[5].matches) ? self[5].matches.size() : 0) : 0) + (self.size() > 6 ? (has(self[6].matches) ? self[6].matches.size() : 0) : 0) + (self.size() > 7 ? (has(self[7].matches) ? self[7].matches.size() : 0) : 0) + (self.size() > 8 ? (has(self[8].matches) ? self[8].matches.size() : 0) : 0) + (self.size() > 9 ? (has(self[9].matches) ? self[9].matches.size() : 0) : 0) + (self.size() > 10 ? (has(self[10].matches) ? self[10].matches.size() : 0) : 0) + (self.size() > 11 ? (has(self[11].matches) ? self[11].matches.size() : 0) : 0) + (self.size() > 12 ? (has(self[12].matches) ? self[12].matches.size() : 0) : 0) + (self.size() > 13 ? (has(self[13].matches) ? self[13].matches.size() : 0) : 0) + (self.size() > 14 ? (has(self[14].matches) ? self[14].matches.size() : 0) : 0) + (self.size() > 15 ? (has(self[15].matches) ? self[15].matches.size() : 0) : 0) <= 128",
                message =
                        "While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than 128")
        @Rule(
                value = "self.all(l1, !has(l1.name) || self.exists_one(l2, has(l2.name) && l1.name == l2.name))",
                message = "Rule name must be unique within the route")
        @Description("What becomes of calls.")
        List<GrpcRule> rules) {

    /** Which calls, and what becomes of them. */
    @Description("Which calls, and what becomes of them.")
    public record GrpcRule(
            @SectionName @Description("Its name.") @Nullable String name,

            @ListType("atomic") @Length(max = 64) @Description("Any of them has to match; by default all calls do.")
            List<GrpcMatch> matches,

            @ListType("atomic")
            @Length(max = 16)
            @Rule(
                    value = "self.filter(f, f.type == 'RequestHeaderModifier').size() <= 1",
                    message = "RequestHeaderModifier filter cannot be repeated")
            @Rule(
                    value = "self.filter(f, f.type == 'ResponseHeaderModifier').size() <= 1",
                    message = "ResponseHeaderModifier filter cannot be repeated")
            @Description("What happens to calls and answers.")
            List<GrpcFilter> filters,

            @ListType("atomic") @Length(max = 16) @Description("Where calls go.")
            List<GrpcBackend> backendRefs) {}

    /** A condition on calls; all parts have to hold. */
    @Description("A condition on calls; all parts have to hold.")
    public record GrpcMatch(
            @Description("Service and method.") @Nullable MethodMatch method,

            @ListMap("name") @Length(max = 16) @Description("Headers.")
            List<HttpRouteSpec.ValueMatch> headers) {}

    /** How service and method are compared. */
    @Rule(
            value = "has(self.type) ? has(self.service) || has(self.method) : true",
            message = "One or both of 'service' or 'method' must be specified")
    @Rule(
            value =
                    "(!has(self.type) || self.type == 'Exact') && has(self.service) ? self.service.matches(r\"\"\"^(?i)\\.?[a-z_][a-z_0-9]*(\\.[a-z_][a-z_0-9]*)*$\"\"\"): true",
            message =
                    "service must only contain valid characters (matching ^(?i)\\.?[a-z_][a-z_0-9]*(\\.[a-z_][a-z_0-9]*)*$)")
    @Rule(
            value =
                    "(!has(self.type) || self.type == 'Exact') && has(self.method) ? self.method.matches(r\"\"\"^[A-Za-z_][A-Za-z_0-9]*$\"\"\"): true",
            message = "method must only contain valid characters (matching ^[A-Za-z_][A-Za-z_0-9]*$)")
    @Description("How service and method are compared.")
    public record MethodMatch(
            @Default("\"Exact\"")
            @Enumeration({"Exact", "RegularExpression"})
            @Description("Exact or RegularExpression (RE2).")
            @Nullable
            String type,

            @Length(max = 1024) @Description("The service.") @Nullable
            String service,

            @Length(max = 1024) @Description("The method.") @Nullable
            String method) {}

    /** Something that happens to a call or its answer. */
    @Rule(
            value = "!(has(self.requestHeaderModifier) && self.type != 'RequestHeaderModifier')",
            message = "filter.requestHeaderModifier must be nil if the filter.type is not RequestHeaderModifier")
    @Rule(
            value = "!(!has(self.requestHeaderModifier) && self.type == 'RequestHeaderModifier')",
            message = "filter.requestHeaderModifier must be specified for RequestHeaderModifier filter.type")
    @Rule(
            value = "!(has(self.responseHeaderModifier) && self.type != 'ResponseHeaderModifier')",
            message = "filter.responseHeaderModifier must be nil if the filter.type is not ResponseHeaderModifier")
    @Rule(
            value = "!(!has(self.responseHeaderModifier) && self.type == 'ResponseHeaderModifier')",
            message = "filter.responseHeaderModifier must be specified for ResponseHeaderModifier filter.type")
    @Rule(
            value = "!(has(self.requestMirror) && self.type != 'RequestMirror')",
            message = "filter.requestMirror must be nil if the filter.type is not RequestMirror")
    @Rule(
            value = "!(!has(self.requestMirror) && self.type == 'RequestMirror')",
            message = "filter.requestMirror must be specified for RequestMirror filter.type")
    @Rule(
            value = "!(has(self.extensionRef) && self.type != 'ExtensionRef')",
            message = "filter.extensionRef must be nil if the filter.type is not ExtensionRef")
    @Rule(
            value = "!(!has(self.extensionRef) && self.type == 'ExtensionRef')",
            message = "filter.extensionRef must be specified for ExtensionRef filter.type")
    @Description("Something that happens to a call or its answer.")
    public record GrpcFilter(
            @Required
            @Enumeration({"ResponseHeaderModifier", "RequestHeaderModifier", "RequestMirror", "ExtensionRef"})
            @Description("Which of the fields below counts.")
            String type,

            @Description("Changes headers of the call.") HttpFilter.@Nullable HeaderModifier requestHeaderModifier,
            @Description("Changes headers of the answer.") HttpFilter.@Nullable HeaderModifier responseHeaderModifier,

            @Rule(
                    value = "!(has(self.percent) && has(self.fraction))",
                    message = "Only one of percent or fraction may be specified in HTTPRequestMirrorFilter")
            @Description("Sends a copy elsewhere.")
            HttpFilter.@Nullable Mirror requestMirror,

            @Description("A filter of this implementation; there are none yet.") @Nullable
            LocalReference extensionRef) {
        /** The same as a filter of HTTP. */
        public HttpFilter http() {
            return new HttpFilter(
                    type, requestHeaderModifier, responseHeaderModifier, requestMirror, null, null, null, extensionRef);
        }
    }

    /** A Service that a share of the calls goes to. */
    @Rule(
            value = "(size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true",
            message = "Must have port for Service reference")
    @Description("A Service that a share of the calls goes to.")
    public record GrpcBackend(
            @GroupName @Default("\"\"") @Description("Its API group; empty for the core.") @Nullable
            String group,

            @KindName @Default("\"Service\"") @Description("Its kind: Service.") @Nullable
            String kind,

            @Required @ObjectName @Description("Its name.") String name,

            @NamespaceName
            @Description("Its namespace; another than the route's needs a ReferenceGrant there.")
            @Nullable
            String namespace,

            @PortNumber @Description("The port of the Service.") @Nullable
            Integer port,

            @Default("1")
            @Minimum(0)
            @Maximum(1000000)
            @Description("Its share of the requests, by the sum of all weights.")
            @Nullable
            Integer weight,

            @ListType("atomic")
            @Length(max = 16)
            @Rule(
                    value = "self.filter(f, f.type == 'RequestHeaderModifier').size() <= 1",
                    message = "RequestHeaderModifier filter cannot be repeated")
            @Rule(
                    value = "self.filter(f, f.type == 'ResponseHeaderModifier').size() <= 1",
                    message = "ResponseHeaderModifier filter cannot be repeated")
            @Description("What happens to calls that go there.")
            List<GrpcFilter> filters) {
        public BackendReference reference() {
            return new BackendReference(group, kind, name, namespace, port);
        }

        public int weightOrDefault() {
            return weight == null ? 1 : weight;
        }
    }
}
