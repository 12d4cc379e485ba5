package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GatewayDuration;
import dev.coppice.gateway.kind.Names.HeaderName;
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

/** How often requests may come, for Gateways and routes (a direct policy attachment, GEP-2648). */
@Required
@Description("How often requests may come, for Gateways and routes.")
public record RateLimitSpec(
        @Required
        @ListType("atomic")
        @Length(min = 1, max = 16)
        @Rule(value = TrafficTargetReference.OF_REQUESTS, message = TrafficTargetReference.ARE_OF_REQUESTS)
        @Rule(value = PolicyTarget.EACH_ONCE, message = "each target, or section of one, may be there once")
        @Description(
                "Whose requests are limited: Gateways, listeners of them, routes, or rules of them. They are counted together.")
        List<TrafficTargetReference> targetRefs,

        @Required
        @ListMap("name")
        @Length(min = 1, max = 16)
        @Description("The limits; a request has to pass all of them.")
        List<Limit> limits) {

    /** How often requests with one key may come. */
    @Rule(
            value = "self.algorithm == 'Concurrency' ? !has(self.per) : has(self.per)",
            message = "per must be given, except with Concurrency, which counts requests at one time")
    @Rule(
            value = "!has(self.burst) || self.algorithm == 'TokenBucket'",
            message = "burst may be given with TokenBucket only")
    @Rule(
            value = "!has(self.scope) || self.scope == 'Node' || self.algorithm != 'Concurrency'",
            message = "scope must be Node with Concurrency: requests at one time are counted where they are")
    @Rule(
            value = "!has(self.per) || duration(self.per) >= duration('1ms') && duration(self.per) <= duration('24h')",
            message = "per must be 1ms to 24h")
    @Description("How often requests with one key may come.")
    public record Limit(
            @Required
            @Length(min = 1, max = 63)
            @Pattern("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
            @Description("Its name, which clients and metrics show.")
            String name,

            @Enumeration({"TokenBucket", "SlidingWindow", "Concurrency"})
            @Default("\"TokenBucket\"")
            @Description(
                    "TokenBucket: at an even rate, with bursts. SlidingWindow: so many within the time span. Concurrency: so many at one time.")
            String algorithm,

            @Required
            @Minimum(1)
            @Maximum(1_000_000)
            @Description("Requests that pass in the time span, or at one time.")
            long requests,

            @GatewayDuration @Description("The time span, such as 1s or 1h30m; not with Concurrency.") @Nullable
            String per,

            @Minimum(1)
            @Maximum(1_000_000)
            @Description("Requests that pass at once after a rest, with TokenBucket; by default as many as requests.")
            @Nullable
            Long burst,

            @ListType("atomic")
            @Length(max = 8)
            @Description("What is counted apart, all parts together; by default all requests are counted together.")
            List<KeyPart> key,

            @Length(min = 1, max = 1024)
            @Description(
                    "A CEL condition; requests for which it is false are not counted. One that fails is taken for true.")
            @Nullable
            String when,

            @Default("false") @Description("Counts and tells metrics, but refuses nothing.")
            boolean shadow,

            @Enumeration({"Node", "Shared"})
            @Default("\"Node\"")
            @Description(
                    "Node: each node that serves counts for itself. Shared: all count together; not with Concurrency.")
            String scope) {}

    /** Something of a request. */
    @Rule(
            value = "self.type == 'ClientIP' || !has(self.clientIP)",
            message = "clientIP may be given with the type ClientIP only")
    @Rule(
            value = "(self.type == 'Header') == has(self.header)",
            message = "header must be given with the type Header, and only there")
    @Rule(
            value = "(self.type == 'Constant') == has(self.constant)",
            message = "constant must be given with the type Constant, and only there")
    @Rule(
            value = "(self.type == 'Expression') == has(self.expression)",
            message = "expression must be given with the type Expression, and only there")
    @Description("Something of a request.")
    public record KeyPart(
            @Required
            @Enumeration({"ClientIP", "Header", "Route", "Constant", "Expression"})
            @Description("ClientIP, Header, Route, Constant or Expression.")
            String type,

            @Description("How much of the client's address.") @Nullable
            ClientIp clientIP,

            @HeaderName @Description("The name of a header; requests without it are counted together.") @Nullable
            String header,

            @Length(max = 256) @Description("The same text for all requests.") @Nullable
            String constant,

            @Length(min = 1, max = 1024)
            @Description("A CEL expression that makes a text; requests for which it fails are counted together.")
            @Nullable
            String expression) {}

    /** How much of a client's address. */
    @Description("How much of the client's address.")
    public record ClientIp(
            @Minimum(0) @Maximum(32) @Default("32") @Description("Bits of an IPv4 address that are counted together.")
            int ipv4PrefixLength,

            @Minimum(0) @Maximum(128) @Default("64") @Description("Bits of an IPv6 address that are counted together.")
            int ipv6PrefixLength) {}
}
