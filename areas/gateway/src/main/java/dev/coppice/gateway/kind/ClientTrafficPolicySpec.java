package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GatewayDuration;
import dev.coppice.gateway.kind.Names.HeaderName;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How the gateway speaks to the clients of Gateways (a direct policy attachment, GEP-2648). */
@Required
@Description("How the gateway speaks to the clients of Gateways.")
public record ClientTrafficPolicySpec(
        @Required
        @ListType("atomic")
        @Length(min = 1, max = 16)
        @Rule(
                value = "self.all(t, t.kind == 'Gateway')",
                message = "targets are Gateways, or listeners of them: expected kind Gateway")
        @Rule(value = PolicyTarget.EACH_ONCE, message = "each target, or listener of one, may be there once")
        @Description(
                "Gateways, or listeners of them. One for a listener counts for it before one for the whole Gateway.")
        List<TrafficTargetReference> targetRefs,

        @Description(
                "That connections begin with a header of the PROXY protocol, in version 1 or 2, which says whose they are; by default they do not. Datagrams have none.")
        @Nullable
        ProxyProtocol proxyProtocol,

        @Description("Bounds of WebSockets; by default one is closed after an hour without a byte.") @Nullable
        WebSocket webSocket,

        @Description(
                "That requests say where their client is, by the databases that the gateway was started with; by default they do not.")
        @Nullable
        Geography geography) {

    /** That requests say where their client is. */
    @Description("That requests say where their client is.")
    public record Geography(
            @Required
            @Description(
                    "Headers in which requests have it, before their route is looked for. What clients write there is taken out; what is not known has no header.")
            LocationHeaders headers) {}

    /** Names of headers that say where a client is. */
    @Rule(
            value = "has(self.continent) || has(self.country) || has(self.subdivision) || has(self.autonomousSystem)",
            message = "expected one header or more, such as country: X-Country")
    @Description("Names of headers that say where a client is.")
    public record LocationHeaders(
            @HeaderName @Description("The continent: AF, AN, AS, EU, NA, OC or SA.") @Nullable
            String continent,

            @HeaderName @Description("The country, in two letters (ISO 3166-1).") @Nullable
            String country,

            @HeaderName @Description("The subdivision of the country, such as US-CA (ISO 3166-2).") @Nullable
            String subdivision,

            @HeaderName
            @Description("The number of the autonomous system that the address is part of, such as 64496.")
            @Nullable
            String autonomousSystem) {}

    /** Who says whose a connection is. */
    @Description("Who says whose a connection is.")
    public record ProxyProtocol(
            @Required
            @ListType("set")
            @Length(min = 1, max = 64)
            @Rule(
                    value = "self.all(a, isCIDR(a) || isIP(a))",
                    message = "expected ranges of addresses such as 10.0.0.0/8 or fd00::/8, or addresses")
            @Description("Ranges of addresses from which headers are believed, such as 10.0.0.0/8.")
            List<@Length(min = 1, max = 64) String> trustedAddresses,

            @Default("false")
            @Description(
                    "Whether connections without a header, and those from elsewhere, are served too; else they are closed.")
            boolean optional) {}

    /** Bounds of WebSockets. */
    @Rule(
            value =
                    "!has(self.idleTimeout) || duration(self.idleTimeout) >= duration('1s') && duration(self.idleTimeout) <= duration('24h')",
            message = "idleTimeout must be 1s to 24h")
    @Rule(
            value = "!has(self.maxDuration) || duration(self.maxDuration) >= duration('1s')",
            message = "maxDuration must be 1s or more")
    @Description("Bounds of WebSockets.")
    public record WebSocket(
            @GatewayDuration @Description("Time without a byte after which one is closed; 1h by default.") @Nullable
            String idleTimeout,

            @GatewayDuration @Description("Time after which one is closed in any case; by default never.") @Nullable
            String maxDuration,

            @Minimum(1)
            @Maximum(10_000_000)
            @Description(
                    "How many may be open at one time on each listener; requests for further ones are answered with 503.")
            @Nullable
            Integer maxConnections) {}
}
