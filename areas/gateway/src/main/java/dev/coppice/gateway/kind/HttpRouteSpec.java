package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GatewayDuration;
import dev.coppice.gateway.kind.Names.GroupName;
import dev.coppice.gateway.kind.Names.HeaderName;
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

/** Routes HTTP requests to Services. */
@Required
@Description("Routes HTTP requests to Services.")
public record HttpRouteSpec(
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
        @Length(min = 1, max = 16)
        @Rule(
                value = "self.all(l1, !has(l1.name) || self.exists_one(l2, has(l2.name) && l1.name == l2.name))",
                message = "Rule name must be unique within the route")
        @Rule(
                value =
                        "(self.size() > 0 ? self[0].matches.size() : 0) + (self.size() > 1 ? self[1].matches.size() : 0) + (self.size() > 2 ? self[2].matches.size() : 0) + (self.size() > 3 ? self[3].matches.size() : 0) + (self.size() > 4 ? self[4].matches.size() : 0) + (self.size() > 5 ? self[5].matches.size() : 0) + (self.size() > 6 ? self[6].matches.size() : 0) + (self.size() > 7 ? self[7].matches.size() : 0) + (self.size() > 8 ? self[8].matches.size() : 0) + (self.size() > 9 ? self[9].matches.size() : 0) + (self.size() > 10 ? self[10].matches.size() : 0) + (self.size() > 11 ? self[11].matches.size() : 0) + (self.size() > 12 ? self[12].matches.size() : 0) + (self.size() > 13 ? self[13].matches.size() : 0) + (self.size() > 14 ? self[14].matches.size() : 0) + (self.size() > 15 ? self[15].matches.size() : 0) <= 128",
                message =
                        "While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than 128")
        @Default("[{\"matches\":[{\"path\":{\"type\":\"PathPrefix\",\"value\":\"/\"}}]}]")
        @Description("What becomes of requests.")
        List<HttpRule> rules) {

    /** Which requests, and what becomes of them. */
    @Rule(
            value =
                    "(has(self.backendRefs) && size(self.backendRefs) > 0) ? (!has(self.filters) || self.filters.all(f, !has(f.requestRedirect))): true",
            message = "RequestRedirect filter must not be used together with backendRefs")
    @Rule(
            value =
                    "(has(self.filters) && self.filters.exists_one(f, has(f.requestRedirect) && has(f.requestRedirect.path) && f.requestRedirect.path.type == 'ReplacePrefixMatch' && has(f.requestRedirect.path.replacePrefixMatch))) ? ((size(self.matches) != 1 || !has(self.matches[0].path) || self.matches[0].path.type != 'PathPrefix') ? false : true) : true",
            message =
                    "When using RequestRedirect filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified")
    @Rule(
            value =
                    "(has(self.filters) && self.filters.exists_one(f, has(f.urlRewrite) && has(f.urlRewrite.path) && f.urlRewrite.path.type == 'ReplacePrefixMatch' && has(f.urlRewrite.path.replacePrefixMatch))) ? ((size(self.matches) != 1 || !has(self.matches[0].path) || self.matches[0].path.type != 'PathPrefix') ? false : true) : true",
            message =
                    "When using URLRewrite filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified")
    @Rule(
            value =
                    "(has(self.backendRefs) && self.backendRefs.exists_one(b, (has(b.filters) && b.filters.exists_one(f, has(f.requestRedirect) && has(f.requestRedirect.path) && f.requestRedirect.path.type == 'ReplacePrefixMatch' && has(f.requestRedirect.path.replacePrefixMatch))) )) ? ((size(self.matches) != 1 || !has(self.matches[0].path) || self.matches[0].path.type != 'PathPrefix') ? false : true) : true",
            message =
                    "Within backendRefs, when using RequestRedirect filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified")
    @Rule(
            value =
                    "(has(self.backendRefs) && self.backendRefs.exists_one(b, (has(b.filters) && b.filters.exists_one(f, has(f.urlRewrite) && has(f.urlRewrite.path) && f.urlRewrite.path.type == 'ReplacePrefixMatch' && has(f.urlRewrite.path.replacePrefixMatch))) )) ? ((size(self.matches) != 1 || !has(self.matches[0].path) || self.matches[0].path.type != 'PathPrefix') ? false : true) : true",
            message =
                    "Within backendRefs, When using URLRewrite filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified")
    @Description("Which requests, and what becomes of them.")
    public record HttpRule(
            @SectionName @Description("Its name.") @Nullable String name,

            @ListType("atomic")
            @Length(max = 64)
            @Default("[{\"path\":{\"type\":\"PathPrefix\",\"value\":\"/\"}}]")
            @Description("Any of them has to match.")
            List<HttpMatch> matches,

            @ListType("atomic")
            @Length(max = 16)
            @Rule(
                    value = "!(self.exists(f, f.type == 'RequestRedirect') && self.exists(f, f.type == 'URLRewrite'))",
                    message =
                            "May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, but not both")
            @Rule(value = "self.filter(f, f.type == 'CORS').size() <= 1", message = "CORS filter cannot be repeated")
            @Rule(
                    value = "self.filter(f, f.type == 'RequestHeaderModifier').size() <= 1",
                    message = "RequestHeaderModifier filter cannot be repeated")
            @Rule(
                    value = "self.filter(f, f.type == 'ResponseHeaderModifier').size() <= 1",
                    message = "ResponseHeaderModifier filter cannot be repeated")
            @Rule(
                    value = "self.filter(f, f.type == 'RequestRedirect').size() <= 1",
                    message = "RequestRedirect filter cannot be repeated")
            @Rule(
                    value = "self.filter(f, f.type == 'URLRewrite').size() <= 1",
                    message = "URLRewrite filter cannot be repeated")
            @Description("What happens to requests and answers.")
            List<HttpFilter> filters,

            @ListType("atomic") @Length(max = 16) @Description("Where requests go.")
            List<HttpBackend> backendRefs,

            @Description("How long it may take.") @Nullable Timeouts timeouts,

            @Description("When it is tried again.") @Nullable
            Retry retry) {}

    /** A condition on requests; all parts have to hold. */
    @Description("A condition on requests; all parts have to hold.")
    public record HttpMatch(
            @Default("{\"type\":\"PathPrefix\",\"value\":\"/\"}") @Description("The path.") @Nullable
            PathMatch path,

            @ListMap("name") @Length(max = 16) @Description("Headers.")
            List<ValueMatch> headers,

            @ListMap("name") @Length(max = 16) @Description("Query parameters.")
            List<QueryMatch> queryParams,

            @Enumeration({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})
            @Description("The method.")
            @Nullable
            String method) {}

    /** How the path is compared. */
    @Rule(
            value = "(self.type in ['Exact','PathPrefix']) ? self.value.startsWith('/') : true",
            message = "value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']")
    @Rule(
            value = "(self.type in ['Exact','PathPrefix']) ? !self.value.contains('//') : true",
            message = "must not contain '//' when type one of ['Exact', 'PathPrefix']")
    @Rule(
            value = "(self.type in ['Exact','PathPrefix']) ? !self.value.contains('/./') : true",
            message = "must not contain '/./' when type one of ['Exact', 'PathPrefix']")
    @Rule(
            value = "(self.type in ['Exact','PathPrefix']) ? !self.value.contains('/../') : true",
            message = "must not contain '/../' when type one of ['Exact', 'PathPrefix']")
    @Rule(
            value = "(self.type in ['Exact','PathPrefix']) ? !self.value.contains('%2f') : true",
            message = "must not contain '%2f' when type one of ['Exact', 'PathPrefix']")
    @Rule(
            value = "(self.type in ['Exact','PathPrefix']) ? !self.value.contains('%2F') : true",
            message = "must not contain '%2F' when type one of ['Exact', 'PathPrefix']")
    @Rule(
            value = "(self.type in ['Exact','PathPrefix']) ? !self.value.contains('#') : true",
            message = "must not contain '#' when type one of ['Exact', 'PathPrefix']")
    @Rule(
            value = "(self.type in ['Exact','PathPrefix']) ? !self.value.endsWith('/..') : true",
            message = "must not end with '/..' when type one of ['Exact', 'PathPrefix']")
    @Rule(
            value = "(self.type in ['Exact','PathPrefix']) ? !self.value.endsWith('/.') : true",
            message = "must not end with '/.' when type one of ['Exact', 'PathPrefix']")
    @Rule(
            value = "self.type in ['Exact','PathPrefix'] || self.type == 'RegularExpression'",
            message = "type must be one of ['Exact', 'PathPrefix', 'RegularExpression']")
    @Rule(
            value =
                    "(self.type in ['Exact','PathPrefix']) ? self.value.matches(r\"\"\"^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$\"\"\") : true",
            message =
                    "must only contain valid characters (matching ^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$) for types ['Exact', 'PathPrefix']")
    @Description("How the path is compared.")
    public record PathMatch(
            @Default("\"PathPrefix\"")
            @Enumeration({"Exact", "PathPrefix", "RegularExpression"})
            @Description("Exact, PathPrefix or RegularExpression (RE2).")
            @Nullable
            String type,

            @Default("\"/\"") @Length(max = 1024) @Description("With what.") @Nullable
            String value) {}

    /** How a header is compared. */
    @Description("How a header is compared.")
    public record ValueMatch(
            @Default("\"Exact\"")
            @Enumeration({"Exact", "RegularExpression"})
            @Description("Exact or RegularExpression (RE2).")
            @Nullable
            String type,

            @Required @HeaderName @Description("Its name.") String name,

            @Required @Length(min = 1, max = 4096) @Description("With what.")
            String value) {}

    /** How a query parameter is compared. */
    @Description("How a query parameter is compared.")
    public record QueryMatch(
            @Default("\"Exact\"")
            @Enumeration({"Exact", "RegularExpression"})
            @Description("Exact or RegularExpression (RE2).")
            @Nullable
            String type,

            @Required @HeaderName @Description("Its name.") String name,

            @Required @Length(min = 1, max = 1024) @Description("With what.")
            String value) {}

    /** A Service that a share of the requests goes to. */
    @Rule(
            value = "(size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true",
            message = "Must have port for Service reference")
    @Description("A Service that a share of the requests goes to.")
    public record HttpBackend(
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
                    value = "!(self.exists(f, f.type == 'RequestRedirect') && self.exists(f, f.type == 'URLRewrite'))",
                    message =
                            "May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, but not both")
            @Rule(value = "self.filter(f, f.type == 'CORS').size() <= 1", message = "CORS filter cannot be repeated")
            @Rule(
                    value = "self.filter(f, f.type == 'RequestHeaderModifier').size() <= 1",
                    message = "RequestHeaderModifier filter cannot be repeated")
            @Rule(
                    value = "self.filter(f, f.type == 'ResponseHeaderModifier').size() <= 1",
                    message = "ResponseHeaderModifier filter cannot be repeated")
            @Rule(
                    value = "self.filter(f, f.type == 'RequestRedirect').size() <= 1",
                    message = "RequestRedirect filter cannot be repeated")
            @Rule(
                    value = "self.filter(f, f.type == 'URLRewrite').size() <= 1",
                    message = "URLRewrite filter cannot be repeated")
            @Description("What happens to requests that go there.")
            List<HttpFilter> filters) {
        public BackendReference reference() {
            return new BackendReference(group, kind, name, namespace, port);
        }

        public int weightOrDefault() {
            return weight == null ? 1 : weight;
        }
    }

    /** How long a request may take. */
    @Rule(
            value =
                    "!(has(self.request) && has(self.backendRequest) && duration(self.request) != duration('0s') && duration(self.backendRequest) > duration(self.request))",
            message = "backendRequest timeout cannot be longer than request timeout")
    @Description("How long a request may take.")
    public record Timeouts(
            @GatewayDuration @Description("The whole, with all attempts; 0s for no limit.") @Nullable
            String request,

            @GatewayDuration @Description("One attempt; 0s for no limit.") @Nullable
            String backendRequest) {}

    /** When a request is tried again. */
    @Description("When a request is tried again.")
    public record Retry(
            @ListType("set") @Description("Statuses after which it is.")
            List<@Minimum(400) @Maximum(599) Integer> codes,

            @Description("How often after the first try; once by default, never with 0.") @Nullable
            Integer attempts,

            @GatewayDuration @Description("How long it waits before.") @Nullable
            String backoff) {}
}
