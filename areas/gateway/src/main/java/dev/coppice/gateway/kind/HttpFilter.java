package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.HeaderName;
import dev.coppice.gateway.kind.Names.PortNumber;
import dev.coppice.gateway.kind.Names.PreciseHostname;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListMap;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Pattern;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Something that happens to a request or its answer. */
@Rule(
        value = "!(has(self.cors) && self.type != 'CORS')",
        message = "filter.cors must be nil if the filter.type is not CORS")
@Rule(
        value = "!(!has(self.cors) && self.type == 'CORS')",
        message = "filter.cors must be specified for CORS filter.type")
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
        value = "!(has(self.requestRedirect) && self.type != 'RequestRedirect')",
        message = "filter.requestRedirect must be nil if the filter.type is not RequestRedirect")
@Rule(
        value = "!(!has(self.requestRedirect) && self.type == 'RequestRedirect')",
        message = "filter.requestRedirect must be specified for RequestRedirect filter.type")
@Rule(
        value = "!(has(self.urlRewrite) && self.type != 'URLRewrite')",
        message = "filter.urlRewrite must be nil if the filter.type is not URLRewrite")
@Rule(
        value = "!(!has(self.urlRewrite) && self.type == 'URLRewrite')",
        message = "filter.urlRewrite must be specified for URLRewrite filter.type")
@Rule(
        value = "!(has(self.extensionRef) && self.type != 'ExtensionRef')",
        message = "filter.extensionRef must be nil if the filter.type is not ExtensionRef")
@Rule(
        value = "!(!has(self.extensionRef) && self.type == 'ExtensionRef')",
        message = "filter.extensionRef must be specified for ExtensionRef filter.type")
@Description("Something that happens to a request or its answer.")
public record HttpFilter(
        @Required
        @Enumeration({
            "RequestHeaderModifier",
            "ResponseHeaderModifier",
            "RequestMirror",
            "RequestRedirect",
            "URLRewrite",
            "ExtensionRef",
            "CORS"
        })
        @Description("Which of the fields below counts.")
        String type,

        @Description("Changes headers of the request.") @Nullable
        HeaderModifier requestHeaderModifier,

        @Description("Changes headers of the answer.") @Nullable
        HeaderModifier responseHeaderModifier,

        @Rule(
                value = "!(has(self.percent) && has(self.fraction))",
                message = "Only one of percent or fraction may be specified in HTTPRequestMirrorFilter")
        @Description("Sends a copy elsewhere.")
        @Nullable
        Mirror requestMirror,

        @Description("Answers with a redirect.") @Nullable Redirect requestRedirect,

        @Description("Changes what the backend sees.") @Nullable
        Rewrite urlRewrite,

        @Description("Cross-origin resource sharing.") @Nullable
        Cors cors,

        @Description("An HTTPRouteFilter of the group gateway.coppice.dev.") @Nullable
        LocalReference extensionRef) {

    /** A header. */
    @Description("A header.")
    public record Header(
            @Required @HeaderName @Description("Its name.") String name,

            @Required @Length(min = 1, max = 4096) @Description("Its value.")
            String value) {}

    /** Changes of headers. */
    @Description("Changes of headers.")
    public record HeaderModifier(
            @ListMap("name") @Length(max = 16) @Description("Replaces them.")
            List<Header> set,

            @ListMap("name") @Length(max = 16) @Description("Adds to them.")
            List<Header> add,

            @ListType("set") @Length(max = 16) @Description("Removes them.")
            List<String> remove) {}

    /** Where copies go. */
    @Description("Where copies go.")
    public record Mirror(
            @Required @Description("A Service.") BackendReference backendRef,

            @Minimum(0) @Maximum(100) @Description("Of so many in a hundred; of all by default.") @Nullable
            Integer percent,

            @Description("Of this share.") @Nullable Fraction fraction) {}

    /** A share. */
    @Rule(value = "self.numerator <= self.denominator", message = "numerator must be less than or equal to denominator")
    @Description("A share.")
    public record Fraction(
            @Required @Minimum(0) @Description("So many ...")
            Integer numerator,

            @Default("100") @Minimum(1) @Description("... of so many.") @Nullable
            Integer denominator) {}

    /** A new path. */
    @Rule(
            value = "self.type == 'ReplaceFullPath' ? has(self.replaceFullPath) : true",
            message = "replaceFullPath must be specified when type is set to 'ReplaceFullPath'")
    @Rule(
            value = "has(self.replaceFullPath) ? self.type == 'ReplaceFullPath' : true",
            message = "type must be 'ReplaceFullPath' when replaceFullPath is set")
    @Rule(
            value = "self.type == 'ReplacePrefixMatch' ? has(self.replacePrefixMatch) : true",
            message = "replacePrefixMatch must be specified when type is set to 'ReplacePrefixMatch'")
    @Rule(
            value = "has(self.replacePrefixMatch) ? self.type == 'ReplacePrefixMatch' : true",
            message = "type must be 'ReplacePrefixMatch' when replacePrefixMatch is set")
    @Description("A new path.")
    public record PathModifier(
            @Required
            @Enumeration({"ReplaceFullPath", "ReplacePrefixMatch"})
            @Description("ReplaceFullPath or ReplacePrefixMatch.")
            String type,

            @Length(max = 1024) @Description("The new path.") @Nullable
            String replaceFullPath,

            @Length(max = 1024) @Description("What stands in place of the prefix that matched.") @Nullable
            String replacePrefixMatch) {}

    /** A redirect; what is left out stays as in the request. */
    @Description("A redirect; what is left out stays as in the request.")
    public record Redirect(
            @Enumeration({"http", "https"}) @Description("The scheme.") @Nullable
            String scheme,

            @PreciseHostname @Description("The host name.") @Nullable
            String hostname,

            @Description("The path.") @Nullable PathModifier path,

            @PortNumber @Description("The port; by default the scheme's, or else the listener's.") @Nullable
            Integer port,

            @Default("302") @Enumeration({"301", "302", "303", "307", "308"}) @Description("The status.") @Nullable
            Integer statusCode) {}

    /** What a backend sees instead. */
    @Description("What the backend sees instead.")
    public record Rewrite(
            @PreciseHostname @Description("The host name.") @Nullable
            String hostname,

            @Description("The path.") @Nullable PathModifier path) {}

    /** Cross-origin resource sharing. */
    @Description("Cross-origin resource sharing.")
    public record Cors(
            @ListType("set")
            @Length(max = 64)
            @Rule(
                    value = "!('*' in self && self.size() > 1)",
                    message = "AllowOrigins cannot contain '*' alongside other origins")
            @Description("Origins that may read answers.")
            List<
                            @Length(min = 1, max = 253)
                            @Pattern(
                                    "(^\\*$)|(^(http(s)?):\\/\\/(((\\*\\.)?([a-zA-Z0-9\\-]+\\.)*[a-zA-Z0-9-]+|\\*)(:([0-9]{1,5}))?)$)")
                            String>
                    allowOrigins,

            @Description("Whether requests may carry credentials.") @Nullable
            Boolean allowCredentials,

            @ListType("set")
            @Length(max = 9)
            @Rule(
                    value = "!('*' in self && self.size() > 1)",
                    message = "AllowMethods cannot contain '*' alongside other methods")
            @Description("Methods.")
            List<
                            @Enumeration({
                                "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "*"
                            })
                            String>
                    allowMethods,

            @ListType("set")
            @Length(max = 64)
            @Rule(
                    value = "!('*' in self && self.size() > 1)",
                    message = "AllowHeaders cannot contain '*' alongside other methods")
            @Description("Headers of requests.")
            List<@HeaderName String> allowHeaders,

            @ListType("set") @Length(max = 64) @Description("Headers of answers.")
            List<@HeaderName String> exposeHeaders,

            @Default("5") @Minimum(1) @Description("Seconds for which a preflight's answer is good.") @Nullable
            Integer maxAge) {}
}
